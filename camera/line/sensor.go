package line

import (
	"image"
	"math"

	"gocv.io/x/gocv"
)

// expose is the lens's blur and the sensor: shot and read noise on the way
// into dst.
func (l *Line) expose(s *scene, dst *gocv.Mat) {
	must(gocv.GaussianBlur(l.sharp, dst, image.Pt(0, 0), s.focus, s.focus, gocv.BorderReflect101))
	var swing [256]int // of the noise at each level, in 1/256 of a unit of the table
	for v := range swing {
		read, shot := 0.45, float64(v)/128*0.8
		swing[v] = int(math.Round(s.noise * math.Sqrt(read*read+shot) * 256 / noiseUnit))
	}
	random := s.noise64 | 1
	out := pixels(*dst)
	for i := 0; i+3 <= len(out); i += 3 {
		// A 64-bit xorshift is all a sensor's noise needs (Marsaglia 2003); one
		// draw serves a pixel's three channels.
		random ^= random << 13
		random ^= random >> 7
		random ^= random << 17
		p := out[i : i+3 : i+3]
		for c := range p {
			v := p[c]
			n := noiseTable[random>>(16+noiseBits*c)&(1<<noiseBits-1)]
			p[c] = clamp(int(v) + (int(n)*swing[v]+128)>>8)
		}
	}
}

const (
	noiseBits = 12
	noiseUnit = 32.0 // table units per standard deviation
)

// noiseTable holds the quantiles of the normal distribution, so that a uniform
// index draws from it.
var noiseTable = func() (t [1 << noiseBits]int8) {
	for i := range t {
		p := (float64(i) + 0.5) / float64(len(t))
		t[i] = int8(math.Round(noiseUnit * math.Sqrt2 * math.Erfinv(2*p-1)))
	}
	return t
}()
