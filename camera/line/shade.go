package line

import (
	"image"
	"math"
)

// lighting is a scene's light in the part's frame, as integers: 256 is the
// albedo itself.
type lighting struct {
	ambient int
	lx, ly  int      // added per unit of slope, 8.8 over slopeScale
	fans    [256]int // by direction from the centre
}

func (s *scene) lighting() lighting {
	sin, cos := math.Sincos(-s.rotation)
	x, y := s.lightX*cos-s.lightY*sin, s.lightX*sin+s.lightY*cos
	// A slope that rises towards the light faces away from it: hence the sign.
	l := lighting{ambient: int(256 * s.ambient), lx: int(-x * 65536 / slopeScale), ly: int(-y * 65536 / slopeScale)}
	azimuth := s.azimuth - s.rotation
	for i := range l.fans {
		// Rings reflect a lamp where they run across it: two opposite fans, and
		// a fainter pair from the lamp beside it.
		a := float64(i)*math.Pi/128 - azimuth
		main, side := math.Pow(math.Cos(a), 10), math.Pow(math.Cos(a-1.15), 18)
		l.fans[i] = int(256 * s.fan * (main + 0.4*side - 0.3))
	}
	return l
}

// walker steps through a texture that is flipped or not, along one row.
type walker struct {
	texture  []int8
	at, step int
	strength int
}

func (l layer) walk(textures *[variants][]int8, side, x, y int) walker {
	if l.flipY {
		y = side - 1 - y
	}
	w := walker{texture: textures[l.variant], at: y*side + x, step: 1, strength: l.strength}
	if l.flipX {
		w.at, w.step = y*side+side-1-x, -1
	}
	return w
}

func (w *walker) next() int {
	v := int(w.texture[w.at]) * w.strength
	w.at += w.step
	return v
}

// render shades box of the surface into the BGRA canvas.
func (f *surface) render(canvas []uint8, box image.Rectangle, s *scene, light *lighting, g *grain) {
	for y := box.Min.Y; y < box.Max.Y; y++ {
		t0, t1 := s.turned[0].walk(&g.turned, f.side, box.Min.X, y), s.turned[1].walk(&g.turned, f.side, box.Min.X, y)
		c0, c1 := s.cast[0].walk(&g.cast, f.side, box.Min.X, y), s.cast[1].walk(&g.cast, f.side, box.Min.X, y)
		for i := y*f.side + box.Min.X; i < y*f.side+box.Max.X; i++ {
			turned, cast := t0.next()+t1.next(), c0.next()+c1.next()
			if f.alpha[i] == 0 {
				continue
			}
			facing := (light.lx*int(f.nx[i]) + light.ly*int(f.ny[i])) >> 8
			v := light.ambient + facing +
				(light.fans[f.angle[i]]*int(f.metal[i])+turned*int(f.turned[i])>>10+cast*int(f.cast[i])>>10)>>8
			shine := 0
			if facing > glossFrom {
				shine = (facing - glossFrom) * int(f.gloss[i]) >> 7
			}
			out := canvas[4*i : 4*i+4 : 4*i+4]
			for c := range 3 {
				out[c] = clamp(int(f.albedo[3*i+c])*v*s.tone[c]>>16 + shine)
			}
		}
	}
}

// glossFrom is how much more than flat a slope must face the light to shine.
const glossFrom = 40

func clamp(v int) uint8 { return uint8(min(max(v, 0), 255)) }
