package defect

import "math/rand/v2"

// places tried for one patch.
const (
	busyOf = 4
	calmOf = 8
)

// erase puts calm surface of good pictures over one to three busy places, blended
// so that no edge shows: holes, letters and screws go missing. Without such
// samples a network restores what it is shown, and nothing is missing from it.
func (m *Maker) erase(r *rand.Rand, input canvas) {
	for range 1 + r.IntN(3) {
		h, w := max(part(r, m.h, 0.06, 0.25), 3), max(part(r, m.w, 0.06, 0.25), 3)
		at := m.place(r, input, w, h, busyOf, 1)
		source := canvas{m.h, m.w, m.good.draw(r)}
		from := m.place(r, source, w, h, calmOf, -1)
		input.blend(m.cut(source, from.x, from.y, w, h), at.x, at.y)
	}
}

type spot struct{ x, y int }

// place draws places for a patch and takes the busiest (sign 1) or calmest (-1).
func (m *Maker) place(r *rand.Rand, c canvas, w, h, draws, sign int) (best spot) {
	most := 0
	for n := range draws {
		at := spot{r.IntN(m.w - w + 1), r.IntN(m.h - h + 1)}
		if a := sign * c.activity(at, w, h); n == 0 || a > most {
			best, most = at, a
		}
	}
	return best
}

// activity is the sum of the differences of neighbouring pixels' green.
func (c canvas) activity(at spot, w, h int) int {
	sum := 0
	for y := at.y; y < at.y+h-1; y++ {
		for x := at.x; x < at.x+w-1; x++ {
			i := 3*(y*c.w+x) + 1
			v := int(c.pix[i])
			sum += max(v-int(c.pix[i+3]), int(c.pix[i+3])-v) + max(v-int(c.pix[i+3*c.w]), int(c.pix[i+3*c.w])-v)
		}
	}
	return sum
}
