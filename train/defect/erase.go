package defect

import (
	"math"
	"math/rand/v2"
)

const (
	tries    = 64  // places looked at for one patch
	isolated = 0.4 // steepest step along the edge over steepest inside, of a feature that stands alone
)

// erase puts calm surface of good pictures over one to three features, blended
// so that no edge shows: holes, letters and screws go missing. Without such
// samples a network restores what it is shown, and nothing is missing from it.
//
// A feature is a rectangle with steps inside that do not reach its edge, so that
// it goes whole: half a hole tells the network where the other half was.
func (m *Maker) erase(r *rand.Rand, input canvas) {
	for range 1 + r.IntN(3) {
		at := m.feature(r, input)
		source := canvas{m.h, m.w, m.good.draw(r)}
		from := m.calm(r, source, at.w, at.h)
		input.blend(m.cut(source, from.x, from.y, at.w, at.h), at.x, at.y)
	}
}

// spot is a rectangle of w x h pixels with its upper left corner at x, y.
type spot struct{ x, y, w, h int }

func (m *Maker) spot(r *rand.Rand, w, h int) spot {
	return spot{r.IntN(m.w - w + 1), r.IntN(m.h - h + 1), w, h}
}

// feature draws rectangles of 0.06 to 0.36 of each side, small ones more often,
// and takes the first that holds a feature, or the one that is nearest to it.
func (m *Maker) feature(r *rand.Rand, c canvas) (best spot) {
	least := 0.0
	length := func(side int) int {
		return max(int(float64(side)*(0.06+0.3*math.Pow(r.Float64(), 2))), 4)
	}
	for n := range tries {
		at := m.spot(r, length(m.w), length(m.h))
		edge, inside := c.steepest(at)
		ratio := float64(edge) / float64(max(inside, 1))
		if n == 0 || ratio < least {
			best, least = at, ratio
		}
		if ratio < isolated {
			break
		}
	}
	return best
}

// calm draws places for a patch and takes the calmest.
func (m *Maker) calm(r *rand.Rand, c canvas, w, h int) (best spot) {
	const draws = 16
	least := 0
	for n := range draws {
		at := m.spot(r, w, h)
		if a := c.activity(at); n == 0 || a < least {
			best, least = at, a
		}
	}
	return best
}

// activity is the sum of the differences of neighbouring pixels' green inside a
// rectangle.
func (c canvas) activity(s spot) (sum int) {
	for y := s.y; y < s.y+s.h-1; y++ {
		for x := s.x; x < s.x+s.w-1; x++ {
			sum += c.step(x, y, 1, 0) + c.step(x, y, 0, 1)
		}
	}
	return sum
}

// steepest is the largest difference of neighbouring pixels' green along a
// rectangle's edge, where what runs into it crosses, and inside.
func (c canvas) steepest(s spot) (edge, inside int) {
	for x := s.x; x < s.x+s.w-1; x++ {
		edge = max(edge, c.step(x, s.y, 1, 0), c.step(x, s.y+s.h-1, 1, 0))
		for y := s.y; y < s.y+s.h-1; y++ {
			inside = max(inside, c.step(x, y, 1, 0), c.step(x, y, 0, 1))
		}
	}
	for y := s.y; y < s.y+s.h-1; y++ {
		edge = max(edge, c.step(s.x, y, 0, 1), c.step(s.x+s.w-1, y, 0, 1))
	}
	return edge, inside
}

// step is the difference of the green at x, y and at the pixel dx, dy further.
func (c canvas) step(x, y, dx, dy int) int {
	a, b := int(c.pix[3*(y*c.w+x)+1]), int(c.pix[3*((y+dy)*c.w+x+dx)+1])
	return max(a-b, b-a)
}
