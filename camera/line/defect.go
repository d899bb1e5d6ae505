package line

import (
	"image"
	"math"
	"math/rand/v2"
)

// Kinds of defect, equally likely.
var Kinds = []string{"scratch", "dent", "stain", "missing", "colour"}

// A defect's share of the part's area stays a little within 0.2% to 2%.
const (
	leastShare = 0.0023
	mostShare  = 0.0185
)

// defect is what is wrong with one part, in the part's frame.
type defect struct {
	kind  string
	box   image.Rectangle
	share float64

	surface    func(*surface)                   // changes the part before it is lit
	paint      func(canvas []uint8, m *stencil) // changes its picture after
	markAt     int                              // index into marks, -1: none
	markGone   bool
	markColour [3]int
}

func (l *Line) drawDefect(r *rand.Rand) defect {
	if r.Float64() >= l.options.Defects {
		return defect{markAt: -1}
	}
	kind := Kinds[r.IntN(len(Kinds))]
	draw := map[string]func(*rand.Rand) defect{
		"scratch": l.scratch, "dent": l.dent, "stain": l.stain, "missing": l.missing, "colour": l.wrongColour,
	}[kind]
	d := draw(r)
	d.kind = kind
	return d
}

// shareOf turns a number of pixels into a share of the part's area.
func (l *Line) shareOf(pixels int) float64 { return float64(pixels) / float64(l.cover.area) }

// spot is a place on sound metal, at least margin from the edge, where a
// scratch, dent or stain can show.
func (l *Line) spot(r *rand.Rand, margin float64) point {
	for {
		p := point{between(r, -250, 250), between(r, -250, 250)}
		if outline(p) < -margin && math.Hypot(p.x, p.y) > boreRadius+boreChamfer+margin/2 {
			return p
		}
	}
}

// shows says whether a mark on the surface can be seen there: on the part, not
// in a hole.
func (l *Line) shows(i int) bool {
	return l.cover.alpha[i] >= 128 && int(l.cover.albedo[3*i+1]) > 2*int(hollow.green)
}

// stencil is a mask in the part's frame that remembers where it was touched.
type stencil struct {
	side int
	mask []uint8
	box  image.Rectangle
}

func newStencil(side int) *stencil {
	return &stencil{side: side, mask: make([]uint8, side*side)}
}

func (m *stencil) clear() {
	for y := m.box.Min.Y; y < m.box.Max.Y; y++ {
		clear(m.mask[y*m.side+m.box.Min.X : y*m.side+m.box.Max.X])
	}
	m.box = image.Rectangle{}
}

// touch raises pixel x, y to at least v.
func (m *stencil) touch(x, y int, v uint8) {
	p := image.Rect(x, y, x+1, y+1)
	if v == 0 || !p.In(image.Rect(0, 0, m.side, m.side)) {
		return
	}
	i := y*m.side + x
	m.mask[i] = max(m.mask[i], v)
	m.box = m.box.Union(p)
}

// seen counts the pixels that visibly change.
func (m *stencil) seen(shows func(i int) bool) int {
	n := 0
	for y := m.box.Min.Y; y < m.box.Max.Y; y++ {
		for i := y*m.side + m.box.Min.X; i < y*m.side+m.box.Max.X; i++ {
			if m.mask[i] >= visible && shows(i) {
				n++
			}
		}
	}
	return n
}
