package report

import (
	"fmt"
	"html/template"
	"math"
	"strings"
)

// chart is an SVG drawing whose plot has its origin at the lower left.
type chart struct {
	strings.Builder
	w, h                     float64 // of the plot, in SVG units
	left, right, top, bottom float64 // margins
}

func newChart(name string, w, h float64) *chart {
	c := &chart{w: w, h: h, left: 58, right: 20, top: 14, bottom: 40}
	c.add(`<svg viewBox="0 0 %g %g" role="img" aria-label="%s">`, c.left+w+c.right, c.top+h+c.bottom, template.HTMLEscapeString(name))
	return c
}

// add appends markup; the values are numbers and words of this package.
func (c *chart) add(format string, values ...any) { fmt.Fprintf(c, format, values...) }

// at brings 0..1 to SVG units.
func (c *chart) at(x, y float64) (px, py float64) {
	return c.left + x*c.w, c.top + (1-y)*c.h
}

func (c *chart) text(x, y float64, class, anchor, words string) {
	c.add(`<text x="%.1f" y="%.1f" class="%s" text-anchor="%s">%s</text>`, x, y, class, anchor, template.HTMLEscapeString(words))
}

func (c *chart) line(class string, x0, y0, x1, y1 float64) {
	px0, py0 := c.at(x0, y0)
	px1, py1 := c.at(x1, y1)
	c.add(`<line class="%s" x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f"/>`, class, px0, py0, px1, py1)
}

// frame draws the axes' names and the plot's border.
func (c *chart) frame(x, y string) {
	left, bottom := c.at(0, 0)
	c.add(`<rect class="frame" x="%.1f" y="%.1f" width="%g" height="%g"/>`, left, c.top, c.w, c.h)
	c.text(left+c.w/2, bottom+34, "name", "middle", x)
	c.add(`<text class="name" text-anchor="middle" transform="translate(11 %.1f) rotate(-90)">%s</text>`, c.top+c.h/2, template.HTMLEscapeString(y))
}

func (c *chart) tickX(x float64, words string) {
	px, py := c.at(x, 0)
	c.line("grid", x, 0, x, 1)
	c.text(px, py+16, "tick", "middle", words)
}

func (c *chart) tickY(y float64, words string) {
	px, py := c.at(0, y)
	c.line("grid", 0, y, 1, y)
	c.text(px-6, py+4, "tick", "end", words)
}

func (c *chart) done() template.HTML {
	c.WriteString(`</svg>`)
	return template.HTML(c.String())
}

// step is a round distance between at most so many ticks of 0..span.
func step(span float64, most int) float64 {
	if !(span > 0) {
		return 1
	}
	unit := math.Pow(10, math.Floor(math.Log10(span/float64(most))))
	for _, k := range []float64{1, 2, 5, 10} {
		if span/(k*unit) <= float64(most) {
			return k * unit
		}
	}
	return 10 * unit
}
