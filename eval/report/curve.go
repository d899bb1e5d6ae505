package report

import (
	"html/template"
	"slices"

	"faird/eval"
)

// point of the ROC curve: shares of the good and of the defective pictures at
// or above a threshold.
type point struct{ rejected, found float64 }

// roc is the curve from the highest threshold down to the lowest; good and bad
// are sorted and not empty.
func roc(good, bad []float64) []point {
	thresholds := slices.Concat(good, bad)
	slices.Sort(thresholds)
	thresholds = slices.Compact(thresholds)
	points := []point{{0, 0}}
	for _, t := range slices.Backward(thresholds) {
		points = append(points, operating(good, bad, t))
	}
	return points
}

// operating is the point of one threshold.
func operating(good, bad []float64, threshold float64) point {
	return point{above(good, threshold), above(bad, threshold)}
}

// above is the share of sorted scores at or above the threshold.
func above(sorted []float64, threshold float64) float64 {
	i, _ := slices.BinarySearch(sorted, threshold)
	return float64(len(sorted)-i) / float64(len(sorted))
}

// curve draws the ROC curve, and where on it the threshold lies.
func curve(good, bad []float64, threshold *float64) template.HTML {
	c := newChart("ROC curve", 250, 220)
	for _, v := range []float64{0, 0.25, 0.5, 0.75, 1} {
		c.tickX(v, eval.Percent(v))
		c.tickY(v, eval.Percent(v))
	}
	c.frame("good parts rejected", "defective parts found")
	c.line("chance", 0, 0, 1, 1)
	c.add(`<path class="curve" d="`)
	command := "M"
	for _, p := range roc(good, bad) {
		x, y := c.at(p.rejected, p.found)
		c.add("%s%.1f %.1f", command, x, y)
		command = "L"
	}
	c.add(`"/>`)
	if threshold != nil {
		p := operating(good, bad, *threshold)
		x, y := c.at(p.rejected, p.found)
		c.add(`<circle class="point" cx="%.1f" cy="%.1f" r="4.5"/>`, x, y)
		beside, anchor := 9.0, "start"
		if p.rejected > 0.5 { // to the right of it the words would leave the chart
			beside, anchor = -9, "end"
		}
		c.text(x+beside, min(y+16, c.top+c.h-6), "label", anchor, "at the threshold")
	}
	return c.done()
}
