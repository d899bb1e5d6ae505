package line

import "math"

// The part, in pixels of the 640 drawing around its centre (x right, y down):
// a die-cast cover with three lugs, a turned face, a bore in a raised boss,
// six countersunk bolt holes, an O-ring in its groove and a slate plug in each
// lug.
const (
	canvasSide = 544.0 // leaves a margin for the shadow

	bodyRadius  = 196.0
	lugRadius   = 46.0
	lugDistance = 196.0
	lugFillet   = 34.0
	rimBevel    = 11.0

	faceRadius   = 166.0 // turned inside, bead-blasted outside
	ringRadius   = 148.0
	ringHalf     = 7.5
	boltDistance = 117.0
	boltRadius   = 11.0
	sinkRadius   = 17.0
	bossRadius   = 88.0
	boreRadius   = 38.0
	boreChamfer  = 9.0
	plugRadius   = 18.0
	plugSeat     = 24.0
)

type point struct{ x, y float64 }

func (p point) distance(q point) float64 { return math.Hypot(p.x-q.x, p.y-q.y) }

func polar(radius, degrees float64) point {
	s, c := math.Sincos(degrees * math.Pi / 180)
	return point{radius * c, radius * s}
}

func around(n int, radius, first float64) []point {
	points := make([]point, n)
	for i := range points {
		points[i] = polar(radius, first+360*float64(i)/float64(n))
	}
	return points
}

var (
	lugs  = around(3, lugDistance, 90)
	bolts = around(6, boltDistance, 0)
)

// outline is the signed distance to the part's edge, negative inside.
func outline(p point) float64 {
	d := math.Hypot(p.x, p.y) - bodyRadius
	for _, lug := range lugs {
		d = smoothMin(d, p.distance(lug)-lugRadius, lugFillet)
	}
	return d
}

// smoothMin joins two shapes with a fillet (Quilez's polynomial minimum).
func smoothMin(a, b, k float64) float64 {
	h := math.Max(k-math.Abs(a-b), 0) / k
	return math.Min(a, b) - h*h*k/4
}

func nearest(p point, centres []point) float64 {
	best := math.Inf(1)
	for _, c := range centres {
		dx, dy := p.x-c.x, p.y-c.y
		best = min(best, dx*dx+dy*dy)
	}
	return math.Sqrt(best)
}

// step rises smoothly from 0 at a to 1 at b; a may be above b.
func step(a, b, x float64) float64 {
	t := math.Min(math.Max((x-a)/(b-a), 0), 1)
	return t * t * (3 - 2*t)
}

// height is the relief in pixels. Undrilled parts have neither bolt holes nor
// plugs, but the seats in which the plugs belong.
func height(p point, drilled bool) float64 {
	r := math.Hypot(p.x, p.y)
	h := 6 * step(0, -rimBevel, outline(p))
	h += 1.5 * step(faceRadius+2, faceRadius-2, r)
	h += 4.5 * step(bossRadius+6, bossRadius-2, r)
	h -= 7 * step(boreRadius+boreChamfer, boreRadius-1, r)
	h -= 4 * step(ringHalf+4, ringHalf, math.Abs(r-ringRadius))
	if t := math.Abs(r-ringRadius) / ringHalf; t < 1 {
		h += 6 * math.Sqrt(1-t*t)
	}
	if d := nearest(p, bolts); drilled {
		h -= 5 * step(sinkRadius, boltRadius-2, d)
	}
	d := nearest(p, lugs)
	h -= 3 * step(plugSeat, plugRadius+1, d)
	if drilled && d < plugRadius {
		h += 2 + 4.5*math.Sqrt(1-d*d/(plugRadius*plugRadius)) - 1.6*step(7, 4, d)
	}
	return h
}

// material is what a point of the part is made of.
type material struct {
	blue, green, red float64 // albedo, 0..255
	turned, cast     float64 // strength of the two textures, 0..1
	metal, gloss     float64 // strength of the turned face's fans and of plain highlights, 0..1
}

var (
	machined = material{blue: 170, green: 170, red: 167, turned: 1, metal: 1, gloss: 0.25}
	blasted  = material{blue: 149, green: 148, red: 145, cast: 1, metal: 0.12, gloss: 0.1}
	rubber   = material{blue: 44, green: 42, red: 41, cast: 0.35, gloss: 0.55}
	plastic  = material{blue: 104, green: 92, red: 82, cast: 0.3, gloss: 0.6}
	hollow   = material{blue: 30, green: 29, red: 29}
)

func materialAt(p point, drilled bool) material {
	r := math.Hypot(p.x, p.y)
	plug := nearest(p, lugs)
	switch {
	case r < boreRadius:
		return hollow.scaled(0.55 + 0.5*r/boreRadius)
	case drilled && nearest(p, bolts) < boltRadius:
		return hollow.scaled(0.9)
	case drilled && plug < plugRadius:
		return plastic
	case plug < plugRadius:
		return hollow
	case math.Abs(r-ringRadius) < ringHalf:
		return rubber
	case r < faceRadius:
		return machined
	}
	return blasted
}

// scaled is the material in a darker place.
func (m material) scaled(f float64) material {
	m.blue, m.green, m.red = m.blue*f, m.green*f, m.red*f
	return m
}

// weighed is its part in a mixture, but for the colour.
func (m material) weighed(f float64) material {
	m.turned, m.cast, m.metal, m.gloss = m.turned*f, m.cast*f, m.metal*f, m.gloss*f
	return m
}

func (m material) plus(n material) material {
	return material{
		m.blue + n.blue, m.green + n.green, m.red + n.red,
		m.turned + n.turned, m.cast + n.cast, m.metal + n.metal, m.gloss + n.gloss,
	}
}
