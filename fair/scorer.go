package fair

// #cgo CFLAGS: -std=gnu11 -O3
// #cgo LDFLAGS: -lm
// #cgo noescape fair_colour
// #cgo nocallback fair_colour
// #cgo noescape fair_gms
// #cgo nocallback fair_gms
// #cgo noescape fair_pool
// #cgo nocallback fair_pool
// #cgo noescape fair_subtract_upsampled
// #cgo nocallback fair_subtract_upsampled
// #include "kernels.h"
import "C"

import (
	"fmt"
	"math"
)

// maxSide bounds a picture so that every count of the kernels fits their int.
const maxSide = 1 << 13

// Scorer compares pictures of one size with their restorations (eq. 8-10). It
// owns every buffer it needs; one goroutine uses it at a time.
type Scorer struct {
	h, w     int
	scoring  Scoring
	gradient []float32 // [h,w], eq. 8
	colour   []float32 // [h,w], eq. 9
	smoother *Smoother // eq. 10
	rows     []float32 // row buffers of the kernels
	scales   []scale   // the smaller ones: half, quarter, ...
}

// scale is one of the smaller sizes of MSGMS.
type scale struct {
	h, w               int
	original, restored []float32 // [3,h,w]
	similarity         []float32 // [h,w]
	x0                 []int32   // [full w]: left neighbour of each full-size column
	wx                 []float32 // [full w]: weight of the right neighbour
}

// NewScorer makes a scorer for pictures of h x w pixels. It is an error where
// a constant is out of range or the picture is too small for the scales.
func NewScorer(h, w int, s Scoring) (*Scorer, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	smallest := 1 << (s.Scales - 1)
	if h < smallest || w < smallest || h > maxSide || w > maxSide {
		return nil, fmt.Errorf("scoring: picture of %dx%d: each side must be %d to %d pixels", w, h, smallest, maxSide)
	}
	smoother, err := NewSmoother(h, w, s)
	if err != nil {
		return nil, err
	}
	sc := &Scorer{
		h: h, w: w, scoring: s, smoother: smoother,
		gradient: make([]float32, h*w), colour: make([]float32, h*w), rows: make([]float32, 4*(w+2)),
	}
	for i := 1; i < s.Scales; i++ {
		sc.scales = append(sc.scales, newScale(h>>i, w>>i, w))
	}
	return sc, nil
}

// newScale prepares the columns of a bilinear enlargement from w to full
// columns with align_corners=False, as PyTorch does it.
func newScale(h, w, full int) scale {
	s := scale{
		h: h, w: w, similarity: make([]float32, h*w),
		original: make([]float32, 3*h*w), restored: make([]float32, 3*h*w),
		x0: make([]int32, full), wx: make([]float32, full),
	}
	for x := range full {
		at := max((float64(x)+0.5)*float64(w)/float64(full)-0.5, 0)
		s.x0[x] = int32(min(int(at), w-1))
		s.wx[x] = float32(at - float64(s.x0[x]))
	}
	return s
}

// Score returns the anomaly score: the maximum of the smoothed map over the
// pixels that are not ignored. original and restored are [3,h,w], BGR; ignore
// is nil, or [h,w] with non-zero for the pixels that do not count. The result
// is NaN where a value of either picture, or of the map, is not a finite
// number, or where every pixel is ignored. Slices of another length panic:
// that is a mistake of the caller, not of a picture.
func (s *Scorer) Score(original, restored []float32, ignore []byte) float64 {
	s.smoother.check(ignore)
	if !s.Compare(original, restored) {
		return math.NaN()
	}
	return s.smoother.Smooth(s.gradient, s.colour, ignore)
}

// Compare makes the maps of eq. 8 and 9 alone, for tiles that are smoothed
// together later; Map stays as it was. It is false where a value of either
// picture is not a finite number.
func (s *Scorer) Compare(original, restored []float32) bool {
	if n := 3 * s.h * s.w; len(original) != n || len(restored) != n {
		panic(fmt.Sprintf("fair: score of %dx%d got slices of %d and %d", s.w, s.h, len(original), len(restored)))
	}
	if !s.colourMap(original, restored) {
		return false
	}
	s.gradientMap(original, restored)
	return true
}

// colourMap is eq. 9. It is false where a value is not a finite number.
func (s *Scorer) colourMap(original, restored []float32) bool {
	return C.fair_colour(floats(original), floats(restored), C.int(s.h*s.w), floats(s.colour)) == 0
}

// gradientMap is 1 - MSGMS (eq. 8): the mean over the scales and the channels.
func (s *Scorer) gradientMap(original, restored []float32) {
	share := C.float(1 / float64(3*s.scoring.Scales))
	C.fair_gms(floats(original), floats(restored), C.int(s.h), C.int(s.w), 1, -share, floats(s.rows), floats(s.gradient))
	h, w := s.h, s.w
	for i := range s.scales {
		l := &s.scales[i]
		C.fair_pool(floats(original), C.int(h), C.int(w), floats(l.original))
		C.fair_pool(floats(restored), C.int(h), C.int(w), floats(l.restored))
		h, w, original, restored = l.h, l.w, l.original, l.restored
		C.fair_gms(floats(original), floats(restored), C.int(h), C.int(w), 0, share, floats(s.rows), floats(l.similarity))
		C.fair_subtract_upsampled(floats(l.similarity), C.int(h), C.int(w), C.int(s.h), C.int(s.w),
			(*C.int)(&l.x0[0]), floats(l.wx), floats(s.rows), floats(s.gradient))
	}
}

// Gradient is the map of eq. 8, 1 - MSGMS, of the last picture: [h,w], about
// 0..1. It and the other maps are views, valid until the next Score.
func (s *Scorer) Gradient() []float32 { return s.gradient }

// Colour is the map of eq. 9, (da)^2 + (db)^2 in CIELAB, of the last picture: [h,w].
func (s *Scorer) Colour() []float32 { return s.colour }

// Map is the smoothed map of eq. 10 of the last picture: [h,w], zero where ignored.
func (s *Scorer) Map() []float32 { return s.smoother.Map() }

// Close lets go of the buffers. The scorer cannot be used afterwards.
func (s *Scorer) Close() { *s = Scorer{} }
