package line

import (
	"math"
	"math/rand/v2"
)

// scene is everything about one frame but the defect: pose, part, light, lens
// and sensor. All of it varies on good parts too.
type scene struct {
	// Pose of the part in the picture.
	rotation float64 // radians
	scale    float64
	dx, dy   float64 // camera pixels

	// The part's own look.
	turned, cast [2]layer
	tone         [3]int // albedo gain, BGR, 256 is one
	ink          int    // strength of print and paint, 256 is full
	printX       int    // shift of the marks, part pixels
	printY       int

	// Light in the camera's frame.
	lightX, lightY float64 // horizontal part of its direction, times contrast
	azimuth        float64 // radians
	ambient        float64
	fan            float64 // brightness of the turned face's highlights
	gradientX      float64 // relative brightness from one side to the other
	gradientY      float64
	gain           [3]float64 // exposure and colour temperature, BGR

	beltX, beltY float64 // where the belt has got to, 0..1
	beltTone     float64
	shadowX      float64
	shadowY      float64
	focus        float64 // sigma of the lens, camera pixels
	noise        float64 // sigma of the sensor at mid grey, levels
	noise64      uint64  // start of the sensor's noise
}

// layer is one texture variant as this part shows it.
type layer struct {
	variant      int
	flipX, flipY bool
	strength     int // 256 is full
}

func drawScene(r *rand.Rand, unit float64) scene {
	s := scene{
		rotation: between(r, -10, 10) * math.Pi / 180,
		scale:    between(r, 0.975, 1.025),
		dx:       between(r, -14, 14) * unit,
		dy:       between(r, -14, 14) * unit,
	}
	s.drawPart(r, unit)
	s.drawLight(r, unit)
	s.beltX, s.beltY = r.Float64(), r.Float64()
	s.beltTone = between(r, 0.9, 1.1)
	s.focus = between(r, 0.55, 1.05) * math.Max(unit, 0.5)
	s.noise = between(r, 1.2, 2.6)
	s.noise64 = r.Uint64()
	return s
}

func (s *scene) drawPart(r *rand.Rand, unit float64) {
	mix := between(r, 0.25, 0.75)
	s.turned = drawLayers(r, between(r, 0.7, 1.15), mix)
	s.cast = drawLayers(r, between(r, 0.75, 1.2), mix)
	tone := between(r, 0.95, 1.05)
	for i := range s.tone {
		s.tone[i] = int(256 * tone * between(r, 0.99, 1.01))
	}
	s.ink = int(256 * between(r, 0.82, 1))
	s.printX = int(math.Round(between(r, -1.5, 1.5) * unit))
	s.printY = int(math.Round(between(r, -1.5, 1.5) * unit))
}

// drawLayers mixes two variants so that their joint strength is the same for
// every mix.
func drawLayers(r *rand.Rand, strength, mix float64) [2]layer {
	var l [2]layer
	for i, weight := range []float64{math.Sqrt(mix), math.Sqrt(1 - mix)} {
		l[i] = layer{r.IntN(variants), r.IntN(2) == 0, r.IntN(2) == 0, int(256 * strength * weight)}
	}
	return l
}

func (s *scene) drawLight(r *rand.Rand, unit float64) {
	s.azimuth = between(r, -155, -100) * math.Pi / 180
	contrast := between(r, 0.5, 0.72)
	s.lightX, s.lightY = math.Cos(s.azimuth)*contrast, math.Sin(s.azimuth)*contrast
	s.ambient = between(r, 0.92, 1.02)
	s.fan = between(r, 0.22, 0.36)
	s.gradientX = between(r, -0.1, 0.1)
	s.gradientY = between(r, -0.1, 0.1)
	exposure := between(r, 0.9, 1.1)
	warmth := between(r, -0.03, 0.03)
	s.gain = [3]float64{exposure * (1 - warmth), exposure, exposure * (1 + warmth)}
	reach := between(r, 9, 15) * unit
	s.shadowX, s.shadowY = -math.Cos(s.azimuth)*reach, -math.Sin(s.azimuth)*reach
}

// affine maps the part's frame to the camera's: row-major 2x3.
func (s *scene) affine(side, size int, shiftX, shiftY float64) [6]float64 {
	sin, cos := math.Sincos(s.rotation)
	a, b := cos*s.scale, sin*s.scale
	from, to := float64(side)/2-0.5, float64(size)/2-0.5
	return [6]float64{
		a, -b, to + s.dx + shiftX - a*from + b*from,
		b, a, to + s.dy + shiftY - b*from - a*from,
	}
}
