package fair

// #cgo noescape fair_combine
// #cgo nocallback fair_combine
// #cgo noescape fair_keep
// #cgo nocallback fair_keep
// #cgo noescape fair_smooth
// #cgo nocallback fair_smooth
// #cgo noescape fair_standardise
// #cgo nocallback fair_standardise
// #cgo noescape fair_sum
// #cgo nocallback fair_sum
// #cgo noescape fair_peak
// #cgo nocallback fair_peak
// #include "kernels.h"
import "C"

import (
	"fmt"
	"math"
	"slices"
)

// Smoother makes the anomaly map out of an image's maps, of any size: those of one
// image, or those that tiles were put together to. It is the map of eq. 10, or,
// after Normalise, how far the smoothed maps are from those of good parts. It owns
// its buffers; one goroutine uses it at a time.
type Smoother struct {
	h, w     int
	scoring  Scoring
	raw      []float32 // [h,w], k colour + gradient, or a map without what is ignored
	smoothed []float32 // [h,w], the anomaly map
	best     []float32 // [w]
	sums     []float64

	// Of a normalised score.
	expected, factor [Terms][]float32 // [h,w], s mu and 1/(sqrt(s) sigma)
	terms            [Terms][]float32 // [h,w], of the last image's map; nil: eq. 10 is what is asked for

	maps Maps // of the last image
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

// Normalise has the maps to come measured against those of good parts. With m the
// smoothed map of a term over what is not ignored, s the share of the mean filter
// that is neither ignored nor outside, and mu and sigma the field's,
//
//	z = (m - s mu) / (sqrt(s) sigma),  map = max(0, z_gradient) + |z_lightness| + max(0, z_colour).
//
// ignore is the mask that Smooth will be given. Slices of another length than the
// map's panic.
func (s *Smoother) Normalise(f *Field, ignore []byte) {
	s.check(ignore)
	n := s.h * s.w
	share := s.inside(ignore)
	for t := range Terms {
		if len(f.Mean[t]) != n || len(f.Std[t]) != n {
			panic(fmt.Sprintf("fair: a map of %dx%d is normalised by fields of %d and %d", s.w, s.h, len(f.Mean[t]), len(f.Std[t])))
		}
		if s.terms[t] == nil {
			s.expected[t], s.factor[t], s.terms[t] = make([]float32, n), make([]float32, n), make([]float32, n)
		}
		for i, v := range share {
			s.expected[t][i], s.factor[t][i] = v*f.Mean[t][i], 0
			if v > 0 {
				s.factor[t][i] = float32(1 / (math.Sqrt(float64(v)) * float64(f.Std[t][i])))
			}
		}
	}
}

// inside is the share of the mean filter about each pixel that is neither ignored
// nor outside of the map.
func (s *Smoother) inside(ignore []byte) []float32 {
	ones := make([]float32, s.h*s.w)
	for i := range ones {
		if ignore == nil || ignore[i] == 0 {
			ones[i] = 1
		}
	}
	share := make([]float32, s.h*s.w)
	s.filter(ones, share)
	return share
}

// Smooth returns the maximum of the anomaly map over the pixels that are not
// ignored, by the same rules as [Scorer.Score].
func (s *Smoother) Smooth(m Maps, ignore []byte) float64 {
	s.check(ignore)
	for _, values := range m.each() {
		if len(values) != s.h*s.w {
			panic(fmt.Sprintf("fair: smoothing of %dx%d got a map of %d", s.w, s.h, len(values)))
		}
	}
	if ignore != nil && !slices.Contains(ignore, 0) {
		return math.NaN()
	}
	s.maps = m
	if s.terms[0] != nil {
		s.standardise(m, ignore)
	} else {
		C.fair_combine(floats(m.Gradient), floats(m.Colour), octets(ignore), C.int(s.h*s.w), C.float(s.scoring.K), floats(s.raw))
		s.filter(s.raw, s.smoothed)
	}
	var peak C.float
	if C.fair_peak(floats(s.smoothed), octets(ignore), C.int(s.h), C.int(s.w), floats(s.best), &peak) != 0 {
		return math.NaN()
	}
	return float64(peak)
}

// standardise fills the terms and their sum.
func (s *Smoother) standardise(m Maps, ignore []byte) {
	n := C.int(s.h * s.w)
	for t, values := range m.each() {
		if ignore != nil {
			C.fair_keep(floats(values), octets(ignore), n, floats(s.raw))
			values = s.raw
		}
		s.filter(values, s.terms[t])
		both := C.int(0)
		if t == termLightness {
			both = 1
		}
		C.fair_standardise(floats(s.terms[t]), floats(s.expected[t]), floats(s.factor[t]), n, both)
	}
	C.fair_sum(floats(s.terms[termGradient]), floats(s.terms[termLightness]), floats(s.terms[termColour]), n, floats(s.smoothed))
}

// filter is the mean filter, with zeros around the map.
func (s *Smoother) filter(from, to []float32) {
	C.fair_smooth(floats(from), C.int(s.h), C.int(s.w), C.int(s.scoring.Smooth), (*C.double)(&s.sums[0]), floats(to))
}

// Share is how much of the last image's map at a pixel is structure, and how much
// lightness and colour. Of eq. 10 it is the terms before they are smoothed; the
// gradient's can then be a rounding error below 0.
func (s *Smoother) Share(pixel int) (structure, colour float64) {
	if s.terms[0] == nil {
		return float64(s.maps.Gradient[pixel]), s.scoring.K * float64(s.maps.Colour[pixel])
	}
	return float64(s.terms[termGradient][pixel]), float64(s.terms[termLightness][pixel]) + float64(s.terms[termColour][pixel])
}

// Map is the anomaly map of the last image: [h,w], zero where ignored. It is a
// view, valid until the next Smooth.
func (s *Smoother) Map() []float32 { return s.smoothed }

func (s *Smoother) check(ignore []byte) {
	if ignore != nil && len(ignore) != s.h*s.w {
		panic(fmt.Sprintf("fair: score of %dx%d got %d values to ignore", s.w, s.h, len(ignore)))
	}
}

func floats(v []float32) *C.float { return (*C.float)(&v[0]) }

func octets(v []byte) *C.uint8_t {
	if v == nil {
		return nil
	}
	return (*C.uint8_t)(&v[0])
}
