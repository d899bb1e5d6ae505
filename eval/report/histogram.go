package report

import (
	"fmt"
	"html/template"
	"math"
)

// bins of the histogram.
const bins = 32

// histogram draws how many good (above the axis line) and defective pictures
// have which score, and the thresholds.
func histogram(good, bad []float64, threshold, review *float64) template.HTML {
	most := largest(good, bad, threshold) * 1.02
	g, b := count(good, most), count(bad, most)
	tallest := 1
	for i := range bins {
		tallest = max(tallest, g[i], b[i])
	}
	c := newChart("Scores of good and defective pictures", 330, 220)
	for d, v := step(most, 6), 0.0; v <= most; v += d {
		c.tickX(v/most, fmt.Sprintf("%.3g", v))
	}
	full := float64(tallest) * 1.08
	for d, v := math.Max(step(full, 5), 1), 0.0; v <= full; v += d {
		c.tickY(v/full, fmt.Sprintf("%.0f", v))
	}
	c.frame("score", "pictures")
	for i := range bins {
		c.bar("good", i, 0, float64(g[i])/full)
		c.bar("bad", i, 0.5, float64(b[i])/full)
	}
	if review != nil {
		c.mark(*review/most, "review")
	}
	if threshold != nil {
		c.mark(*threshold/most, "threshold")
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

func largest(good, bad []float64, threshold *float64) float64 {
	most := 0.0
	for _, s := range [][]float64{good, bad} {
		if len(s) > 0 {
			most = max(most, s[len(s)-1])
		}
	}
	if threshold != nil {
		most = max(most, *threshold)
	}
	if most == 0 {
		return 1
	}
	return most
}

// count sorts scores of 0..most into bins.
func count(scores []float64, most float64) (n [bins]int) {
	for _, v := range scores {
		n[min(max(int(v/most*bins), 0), bins-1)]++
	}
	return n
}
