package fair

// #cgo noescape fair_combine
// #cgo nocallback fair_combine
// #cgo noescape fair_smooth
// #cgo nocallback fair_smooth
// #cgo noescape fair_peak
// #cgo nocallback fair_peak
// #include "kernels.h"
import "C"

import (
	"fmt"
	"math"
	"slices"
)

// Smoother makes the smoothed map of eq. 10 out of those of eq. 8 and 9, of any
// size: that of one picture, or one that tiles were put together to. It owns
// its buffers; one goroutine uses it at a time.
type Smoother struct {
	h, w     int
	scoring  Scoring
	raw      []float32 // [h,w], k colour + gradient
	smoothed []float32 // [h,w]
	best     []float32 // [w]
	sums     []float64
}

// NewSmoother makes a smoother for maps of h x w.
func NewSmoother(h, w int, s Scoring) (*Smoother, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	if h < 1 || w < 1 || h > maxSide*maxSide/w { // so that every count of the kernels fits their int
		return nil, fmt.Errorf("scoring: map of %dx%d: must have 1 to %d pixels", w, h, maxSide*maxSide)
	}
	return &Smoother{
		h: h, w: w, scoring: s,
		raw: make([]float32, h*w), smoothed: make([]float32, h*w),
		best: make([]float32, w), sums: make([]float64, 2*w+s.Smooth+1),
	}, nil
}

// Smooth returns the maximum of the smoothed map over the pixels that are not
// ignored, by the same rules as [Scorer.Score]. gradient and colour are [h,w].
func (s *Smoother) Smooth(gradient, colour []float32, ignore []byte) float64 {
	s.check(ignore)
	if n := s.h * s.w; len(gradient) != n || len(colour) != n {
		panic(fmt.Sprintf("fair: smoothing of %dx%d got slices of %d and %d", s.w, s.h, len(gradient), len(colour)))
	}
	if ignore != nil && !slices.Contains(ignore, 0) {
		return math.NaN()
	}
	h, w, mask := C.int(s.h), C.int(s.w), octets(ignore)
	C.fair_combine(floats(gradient), floats(colour), mask, h*w, C.float(s.scoring.K), floats(s.raw))
	C.fair_smooth(floats(s.raw), h, w, C.int(s.scoring.Smooth), (*C.double)(&s.sums[0]), floats(s.smoothed))
	var peak C.float
	if C.fair_peak(floats(s.smoothed), mask, h, w, floats(s.best), &peak) != 0 {
		return math.NaN()
	}
	return float64(peak)
}

func (s *Smoother) check(ignore []byte) {
	if ignore != nil && len(ignore) != s.h*s.w {
		panic(fmt.Sprintf("fair: score of %dx%d got %d values to ignore", s.w, s.h, len(ignore)))
	}
}

// Map is the map of the last Smooth: [h,w], zero where ignored. It is a view,
// valid until the next one.
func (s *Smoother) Map() []float32 { return s.smoothed }

func floats(v []float32) *C.float { return (*C.float)(&v[0]) }

func octets(v []byte) *C.uint8_t {
	if v == nil {
		return nil
	}
	return (*C.uint8_t)(&v[0])
}
