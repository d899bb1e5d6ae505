package line

import (
	"image"
	"math"
	"slices"
)

// surface is the part drawn once, in its own frame: side x side pixels, every
// slice row by row. Shading it under one light is all that is left per frame.
type surface struct {
	side   int
	unit   float64
	albedo []uint8 // 3 a pixel, BGR
	nx, ny []int8  // slope of the relief times slopeScale
	angle  []uint8 // direction from the centre, 256 to the circle
	turned []uint8
	cast   []uint8
	metal  []uint8
	gloss  []uint8
	alpha  []uint8 // coverage, 255 inside the part
	area   int     // pixels of the part's visible area
}

const (
	slopeScale = 100 // int8 units per pixel of height per pixel
	samples    = 3   // each way in a pixel, against jagged edges
)

func newSurface(unit float64, drilled bool) *surface {
	side := int(math.Round(canvasSide * unit))
	n := side * side
	s := &surface{
		side: side, unit: unit, albedo: make([]uint8, 3*n),
		nx: make([]int8, n), ny: make([]int8, n), angle: make([]uint8, n),
		turned: make([]uint8, n), cast: make([]uint8, n), metal: make([]uint8, n),
		gloss: make([]uint8, n), alpha: make([]uint8, n),
	}
	for y := range side {
		for x := range side {
			s.sample(x, y, drilled)
		}
	}
	s.slopes(drilled)
	return s
}

// at is the point of the drawing under the centre of pixel x, y.
func (s *surface) at(x, y float64) point {
	half := float64(s.side) / 2
	return point{(x + 0.5 - half) / s.unit, (y + 0.5 - half) / s.unit}
}

// pixel is where a point of the drawing lies in the part's frame.
func (s *surface) pixel(p point) (x, y float64) {
	half := float64(s.side)/2 - 0.5
	return p.x*s.unit + half, p.y*s.unit + half
}

func (s *surface) sample(x, y int, drilled bool) {
	i := y*s.side + x
	centre := s.at(float64(x), float64(y))
	edge := outline(centre) * s.unit
	s.alpha[i] = byteOf(255 * math.Min(math.Max(0.5-edge, 0), 1))
	s.angle[i] = uint8(int(math.Round(math.Atan2(centre.y, centre.x)*128/math.Pi)) & 255)
	if s.alpha[i] >= 128 {
		s.area++
	}
	m := s.average(x, y, drilled)
	s.albedo[3*i], s.albedo[3*i+1], s.albedo[3*i+2] = byteOf(m.blue), byteOf(m.green), byteOf(m.red)
	s.turned[i], s.cast[i] = byteOf(255*m.turned), byteOf(255*m.cast)
	s.metal[i], s.gloss[i] = byteOf(255*m.metal), byteOf(255*m.gloss)
}

// average is the material over a pixel; most pixels hold but one.
func (s *surface) average(x, y int, drilled bool) material {
	fx, fy := float64(x), float64(y)
	first := materialAt(s.at(fx-0.5, fy-0.5), drilled)
	if first == materialAt(s.at(fx+0.5, fy+0.5), drilled) &&
		first == materialAt(s.at(fx+0.5, fy-0.5), drilled) && first == materialAt(s.at(fx-0.5, fy+0.5), drilled) {
		return first
	}
	var sum material
	for i := range samples * samples {
		sum = sum.plus(materialAt(s.at(fx+offset(i%samples), fy+offset(i/samples)), drilled))
	}
	return sum.scaled(1.0 / (samples * samples)).weighed(1.0 / (samples * samples))
}

func offset(i int) float64 { return (float64(i)+0.5)/samples - 0.5 }

func (s *surface) slopes(drilled bool) {
	relief := make([]float64, s.side*s.side)
	for i := range relief {
		relief[i] = height(s.at(float64(i%s.side), float64(i/s.side)), drilled) * s.unit
	}
	for y := 1; y < s.side-1; y++ {
		for x := 1; x < s.side-1; x++ {
			i := y*s.side + x
			s.nx[i] = slopeOf((relief[i+1] - relief[i-1]) / 2)
			s.ny[i] = slopeOf((relief[i+s.side] - relief[i-s.side]) / 2)
		}
	}
}

// clone is a copy that may be changed where a part is defective.
func (s *surface) clone() *surface {
	w := *s
	w.albedo, w.nx, w.ny = slices.Clone(s.albedo), slices.Clone(s.nx), slices.Clone(s.ny)
	w.turned, w.cast = slices.Clone(s.turned), slices.Clone(s.cast)
	w.metal, w.gloss = slices.Clone(s.metal), slices.Clone(s.gloss)
	return &w
}

// copyBox takes over what another surface looks like inside box.
func (s *surface) copyBox(from *surface, box image.Rectangle) {
	for y := box.Min.Y; y < box.Max.Y; y++ {
		a, b := y*s.side+box.Min.X, y*s.side+box.Max.X
		copy(s.albedo[3*a:3*b], from.albedo[3*a:3*b])
		copy(s.nx[a:b], from.nx[a:b])
		copy(s.ny[a:b], from.ny[a:b])
		copy(s.turned[a:b], from.turned[a:b])
		copy(s.cast[a:b], from.cast[a:b])
		copy(s.metal[a:b], from.metal[a:b])
		copy(s.gloss[a:b], from.gloss[a:b])
	}
}

// disc is the box of a circle of the drawing.
func (s *surface) disc(centre point, radius float64) image.Rectangle {
	x, y := s.pixel(centre)
	r := radius * s.unit
	box := image.Rect(int(math.Floor(x-r)), int(math.Floor(y-r)), int(math.Ceil(x+r))+1, int(math.Ceil(y+r))+1)
	return box.Intersect(s.bounds())
}

func (s *surface) bounds() image.Rectangle { return image.Rect(0, 0, s.side, s.side) }

func byteOf(v float64) uint8 { return uint8(math.Min(math.Max(math.Round(v), 0), 255)) }

func slopeOf(v float64) int8 {
	return int8(math.Min(math.Max(math.Round(v*slopeScale), -127), 127))
}
