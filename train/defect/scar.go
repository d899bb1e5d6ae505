package defect

import (
	"math"
	"math/rand/v2"
)

// scars draws one to three thin bent strokes, brighter or darker than what they
// cross (after CutPaste-Scar, Li et al. 2021, which pastes thin straight strips).
// Strokes are 0.4% to 1.6% of the side wide, and 8% to 60% long.
func (m *Maker) scars(r *rand.Rand, input canvas) {
	for range 1 + r.IntN(3) {
		m.stroke(r)
		tone := between(r, 20, 110)
		if r.IntN(2) == 0 {
			tone = -tone
		}
		var change [3]float64
		for k := range change {
			change[k] = tone * between(r, 0.8, 1.2)
		}
		for i, cover := range m.noise {
			if cover == 0 {
				continue
			}
			for k := range 3 {
				input.pix[3*i+k] = clamp(float64(input.pix[3*i+k]) + change[k]*float64(cover))
			}
		}
	}
}

// stroke fills m.noise with how much of each pixel a stroke covers, 0..1. Its
// direction and its pressure change slowly along the way.
func (m *Maker) stroke(r *rand.Rand) {
	clear(m.noise)
	side := float64(min(m.h, m.w))
	half := between(r, 0.002, 0.008) * side
	length := between(r, 0.08, 0.6) * side
	x, y := between(r, 0, float64(m.w)), between(r, 0, float64(m.h))
	heading, bend := between(r, 0, 2*math.Pi), between(r, -1.5, 1.5)/length
	phase, waves := between(r, 0, 2*math.Pi), between(r, 0, 3)
	for t := 0.0; t < length; t += 0.5 {
		pressure := 0.7 + 0.3*math.Sin(phase+2*math.Pi*waves*t/length)
		m.touch(x, y, half, float32(pressure))
		x, y = x+0.5*math.Cos(heading), y+0.5*math.Sin(heading)
		heading += 0.5 * bend
	}
}

// touch covers a disc; a pixel at its edge is covered in part.
func (m *Maker) touch(x, y, half float64, pressure float32) {
	reach := int(half + 1.5)
	for j := max(int(y)-reach, 0); j <= min(int(y)+reach, m.h-1); j++ {
		for i := max(int(x)-reach, 0); i <= min(int(x)+reach, m.w-1); i++ {
			d := math.Hypot(float64(i)+0.5-x, float64(j)+0.5-y)
			cover := pressure * float32(min(max(half+0.5-d, 0), 1))
			m.noise[j*m.w+i] = max(m.noise[j*m.w+i], cover)
		}
	}
}
