package defect

import (
	"math"
	"math/rand/v2"
)

const (
	tries    = 1000 // places looked at for one patch
	isolated = 2.5  // from where on a feature stands alone: see sums.contrast
)

// erase puts calm surface of good pictures over one to three features, blended
// so that no edge shows: holes, letters and screws go missing. Without such
// samples a network restores what it is shown, and nothing is missing from it.
//
// A feature is a rectangle whose inside stands out from an even edge, so that it
// goes whole: half a hole tells the network where the other half was.
func (m *Maker) erase(r *rand.Rand, input canvas) {
	for range 1 + r.IntN(3) {
		m.sums.of(input)
		at := m.feature(r)
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

// feature draws a rectangle of 0.06 to 0.36 of each side, small ones more often,
// and puts it on the first feature that it finds, or where it is nearest to one.
func (m *Maker) feature(r *rand.Rand) (best spot) {
	length := func(side int) int {
		return max(int(float64(side)*(0.06+0.3*math.Pow(r.Float64(), 2))), 4)
	}
	w, h := length(m.w), length(m.h)
	most := -1.0
	for range tries {
		at := m.spot(r, w, h)
		if contrast := m.sums.contrast(at); contrast > most {
			best, most = at, contrast
		}
		if most >= isolated {
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
	step := func(a, b int) int { return max(a-b, b-a) }
	for y := s.y; y < s.y+s.h-1; y++ {
		for x := s.x; x < s.x+s.w-1; x++ {
			i := 3*(y*c.w+x) + 1
			v := int(c.pix[i])
			sum += step(v, int(c.pix[i+3])) + step(v, int(c.pix[i+3*c.w]))
		}
	}
	return sum
}

// sums is the integral of a picture's green and of its square: [h+1, w+1], the
// sum over what lies above and to the left.
type sums struct {
	w     int
	plain []int
	power []int
}

func (s *sums) of(c canvas) {
	s.w = c.w + 1
	if n := s.w * (c.h + 1); len(s.plain) != n {
		s.plain, s.power = make([]int, n), make([]int, n)
	}
	for y := range c.h {
		row, squares := 0, 0
		for x := range c.w {
			v := int(c.pix[3*(y*c.w+x)+1])
			row, squares = row+v, squares+v*v
			i := (y+1)*s.w + x + 1
			s.plain[i], s.power[i] = s.plain[i-s.w]+row, s.power[i-s.w]+squares
		}
	}
}

// over returns the number of pixels of a rectangle, and their sums.
func (s *sums) over(p spot) (n, plain, power float64) {
	a, b := p.y*s.w+p.x, (p.y+p.h)*s.w+p.x
	within := func(t []int) float64 { return float64(t[b+p.w] - t[b] - t[a+p.w] + t[a]) }
	return float64(p.w * p.h), within(s.plain), within(s.power)
}

// contrast is how far a rectangle's inside stands out from its edge, one pixel
// wide: the root mean square of its differences from the edge's mean, in standard
// deviations of the edge, of at least one step of brightness.
func (s *sums) contrast(p spot) float64 {
	all, allPlain, allPower := s.over(p)
	n, plain, power := s.over(spot{p.x + 1, p.y + 1, p.w - 2, p.h - 2})
	edge := all - n
	mean := (allPlain - plain) / edge
	variance := max((allPower-power)/edge-mean*mean, 1)
	return math.Sqrt((power/n - 2*mean*plain/n + mean*mean) / variance)
}
