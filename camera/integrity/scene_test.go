package integrity

import (
	"math"
	"math/rand/v2"
)

const (
	block  = 16 // pixels: a macroblock
	period = 6  // brightness levels that each block goes through
	step   = 14 // between two levels

	maxPan = 64 // pixels that the texture moves before it starts over
)

// scene draws images in which nothing can be concealed: a texture that moves, and
// in every block a brightness that differs from that of the five images before
// by at least step, in an order of its own. Whatever a decoder copies from an
// earlier image or a neighbouring block is therefore visibly wrong.
type scene struct {
	width, height int
	texture       []int8         // (width+maxPan) by (height+maxPan)
	levels        [][period]int8 // for each block
}

func newScene(width, height int, rng *rand.Rand) *scene {
	s := &scene{width: width, height: height}
	s.texture = smoothNoise(width+maxPan, height+maxPan, rng)
	s.levels = make([][period]int8, s.across()*((height+block-1)/block))
	for i := range s.levels {
		for k, level := range rng.Perm(period) {
			s.levels[i][k] = int8(step*level - step*(period-1)/2)
		}
	}
	return s
}

func (s *scene) across() int { return (s.width + block - 1) / block }

// smoothNoise is noise that a codec keeps at camera bit rates: each value is the
// mean of four, up to 20 from zero.
func smoothNoise(width, height int, rng *rand.Rand) []int8 {
	raw := make([]int8, (width+1)*(height+1))
	for i := range raw {
		raw[i] = int8(rng.IntN(41) - 20)
	}
	out := make([]int8, width*height)
	for y := range height {
		for x := range width {
			i := y*(width+1) + x
			sum := int(raw[i]) + int(raw[i+1]) + int(raw[i+width+1]) + int(raw[i+width+2])
			out[y*width+x] = int8(sum / 4)
		}
	}
	return out
}

// draw returns an image as planar YUV 4:4:4 of limited range.
func (s *scene) draw(n number) []byte {
	size := s.width * s.height
	yuv := make([]byte, 3*size)
	index := int(n.index)
	panX, panY := 3*index%maxPan, 2*index%maxPan
	for y := range s.height {
		row := yuv[y*s.width : (y+1)*s.width]
		texture := s.texture[(y+panY)*(s.width+maxPan)+panX:]
		levels := s.levels[y/block*s.across():]
		for x := range row {
			row[x] = byte(128 + int(texture[x]) + int(levels[x/block][index%period]))
		}
	}
	n.paint(yuv[:size], s.width, s.height)
	s.colour(yuv[size:2*size], index, 60)
	s.colour(yuv[2*size:], index, 85)
	return yuv
}

// colour draws a plane of slow waves that travel with the images.
func (s *scene) colour(plane []byte, index int, wavelength float64) {
	wave := make([]byte, s.width+s.height)
	for i := range wave {
		wave[i] = byte(128 + 28*math.Sin(2*math.Pi*float64(i+4*index)/wavelength))
	}
	for y := range s.height {
		copy(plane[y*s.width:(y+1)*s.width], wave[y:])
	}
}
