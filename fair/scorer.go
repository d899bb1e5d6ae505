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

// Maps is how an image differs from its restoration, pixel by pixel: [h,w] each.
type Maps struct {
	Gradient  []float32 // 1 - MSGMS (eq. 8), about 0 to 1
	Lightness []float32 // L - L' of CIELAB, -100 to 100; above 0 where the image is brighter
	Colour    []float32 // (a - a')^2 + (b - b')^2 of CIELAB (eq. 9)
}

// NewMaps makes maps of h x w, all zero.
func NewMaps(h, w int) Maps {
	n := h * w
	all := make([]float32, 3*n)
	return Maps{all[:n:n], all[n : 2*n : 2*n], all[2*n:]}
}

// each is the maps in the order of Normal's.
func (m Maps) each() [Terms][]float32 { return [Terms][]float32{m.Gradient, m.Lightness, m.Colour} }

// Scorer compares pictures of one size with their restorations (eq. 8-10). It
// owns every buffer it needs; one goroutine uses it at a time.
type Scorer struct {
	h, w     int
	scoring  Scoring
	maps     Maps
	smoother *Smoother // eq. 10, or normalised
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
		maps: NewMaps(h, w), rows: make([]float32, 4*(w+2)),
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
	return s.smoother.Smooth(s.maps, ignore)
}

// Normalise has the scores to come measured against good parts: see
// [Smoother.Normalise].
func (s *Scorer) Normalise(f *Field, ignore []byte) { s.smoother.Normalise(f, ignore) }

// Compare makes the maps alone, for tiles that are smoothed
// together later; Map stays as it was. It is false where a value of either
// picture is not a finite number.
func (s *Scorer) Compare(original, restored []float32) bool {
	if n := 3 * s.h * s.w; len(original) != n || len(restored) != n {
		panic(fmt.Sprintf("fair: score of %dx%d got slices of %d and %d", s.w, s.h, len(original), len(restored)))
	}
	if !s.colourMaps(original, restored) {
		return false
	}
	s.gradientMap(original, restored)
	return true
}

// colourMaps is the lightness and eq. 9. It is false where a value is not a finite
// number.
func (s *Scorer) colourMaps(original, restored []float32) bool {
	return C.fair_colour(floats(original), floats(restored), C.int(s.h*s.w), floats(s.maps.Lightness), floats(s.maps.Colour)) == 0
}

// gradientMap is 1 - MSGMS (eq. 8): the mean over the scales and the channels.
func (s *Scorer) gradientMap(original, restored []float32) {
	share := C.float(1 / float64(3*s.scoring.Scales))
	C.fair_gms(floats(original), floats(restored), C.int(s.h), C.int(s.w), 1, -share, floats(s.rows), floats(s.maps.Gradient))
	h, w := s.h, s.w
	for i := range s.scales {
		l := &s.scales[i]
		C.fair_pool(floats(original), C.int(h), C.int(w), floats(l.original))
		C.fair_pool(floats(restored), C.int(h), C.int(w), floats(l.restored))
		h, w, original, restored = l.h, l.w, l.original, l.restored
		C.fair_gms(floats(original), floats(restored), C.int(h), C.int(w), 0, share, floats(s.rows), floats(l.similarity))
		C.fair_subtract_upsampled(floats(l.similarity), C.int(h), C.int(w), C.int(s.h), C.int(s.w),
			(*C.int)(&l.x0[0]), floats(l.wx), floats(s.rows), floats(s.maps.Gradient))
	}
}

// Maps is the maps of the last image. They and the smoothed one are views, valid
// until the next Score.
func (s *Scorer) Maps() Maps { return s.maps }

// Share is what made the map at a pixel: see [Smoother.Share].
func (s *Scorer) Share(pixel int) (structure, colour float64) { return s.smoother.Share(pixel) }

// Map is the anomaly map of the last image: [h,w], zero where ignored.
func (s *Scorer) Map() []float32 { return s.smoother.Map() }

// Close lets go of the buffers. The scorer cannot be used afterwards.
func (s *Scorer) Close() { *s = Scorer{} }
