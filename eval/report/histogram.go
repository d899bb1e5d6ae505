package report

import (
	"fmt"
	"html/template"
	"math"
	"slices"
)

// bins of the histogram.
const bins = 32

// span is the range of scores that a histogram shows.
type span struct{ from, to float64 }

// at brings a score to 0..1.
func (s span) at(v float64) float64 { return (v - s.from) / (s.to - s.from) }

// spanOf starts at zero unless that would leave half of the plot empty.
func spanOf(good, bad []float64, threshold *float64) span {
	all := slices.Concat(good, bad)
	if threshold != nil {
		all = append(all, *threshold)
	}
	s := span{0, 1}
	if len(all) == 0 || slices.Max(all) <= 0 {
		return s
	}
	s.to = slices.Max(all) * 1.02
	if least := slices.Min(all); least > s.to/2 {
		d := step(s.to-least, 6)
		s.from = d * math.Floor(least/d-0.5)
	}
	return s
}

// histogram draws how many good and defective pictures have which score, and
// the thresholds.
func histogram(good, bad []float64, threshold, review *float64) template.HTML {
	s := spanOf(good, bad, threshold)
	g, b := count(good, s), count(bad, s)
	full := 1.08 * float64(max(slices.Max(g), slices.Max(b), 1))
	c := newChart("Scores of good and defective pictures", 330, 220)
	for d, v := step(s.to-s.from, 6), s.from; v <= s.to; v += d {
		c.tickX(s.at(v), fmt.Sprintf("%.3g", v))
	}
	for d, v := math.Max(step(full, 5), 1), 0.0; v <= full; v += d {
		c.tickY(v/full, fmt.Sprintf("%.0f", v))
	}
	c.frame("score", "pictures")
	for i := range bins {
		c.bar("good", i, 0, float64(g[i])/full)
		c.bar("bad", i, 0.5, float64(b[i])/full)
	}
	if review != nil {
		c.mark(s.at(*review), "review")
	}
	if threshold != nil {
		c.mark(s.at(*threshold), "threshold")
	}
	return c.done()
}

// bar is half a bin wide, so that good and defective stand side by side.
func (c *chart) bar(class string, bin int, offset, height float64) {
	if height == 0 {
		return
	}
	x, y := c.at((float64(bin)+offset)/bins, height)
	c.add(`<rect class="%s" x="%.2f" y="%.1f" width="%.2f" height="%.1f"/>`, class, x, y, c.w/bins/2-0.4, height*c.h)
}

// mark is a vertical line with its name at the side where there is room.
func (c *chart) mark(x float64, name string) {
	c.line(name, x, 0, x, 1)
	px, _ := c.at(x, 1)
	anchor, shift := "start", 5.0
	if x > 0.75 {
		anchor, shift = "end", -5
	}
	y := c.top + 12
	if name == "review" {
		y += 14
	}
	c.text(px+shift, y, "label", anchor, name)
}

// count sorts scores into bins.
func count(scores []float64, s span) []int {
	n := make([]int, bins)
	for _, v := range scores {
		n[min(max(int(s.at(v)*bins), 0), bins-1)]++
	}
	return n
}
