package line

import (
	"image"
	"math/rand/v2"
)

// missing is a step of production that was left out: a bolt hole not drilled,
// a plug not fitted, a mark not made.
func (l *Line) missing(r *rand.Rand) defect {
	switch r.IntN(5) {
	case 0, 1:
		return l.undrilled(bolts[r.IntN(len(bolts))], sinkRadius+1)
	case 2:
		return l.undrilled(lugs[r.IntN(len(lugs))], plugRadius+1)
	case 3:
		return l.unmarked(markDot)
	}
	return l.unmarked([]int{markCode, markText}[r.IntN(2)])
}

func (l *Line) undrilled(centre point, radius float64) defect {
	box := l.cover.disc(centre, radius)
	return defect{
		box: box, share: l.shareOf(l.discArea(centre, radius-1)), markAt: -1,
		surface: func(s *surface) { s.copyBox(l.blank, box) },
	}
}

func (l *Line) discArea(centre point, radius float64) int {
	n := 0
	box := l.cover.disc(centre, radius)
	for y := box.Min.Y; y < box.Max.Y; y++ {
		for x := box.Min.X; x < box.Max.X; x++ {
			if centre.distance(l.cover.at(float64(x), float64(y))) <= radius {
				n++
			}
		}
	}
	return n
}

func (l *Line) unmarked(i int) defect {
	d := l.onMark(i)
	d.markGone = true
	return d
}

func (l *Line) onMark(i int) defect {
	return defect{box: l.marks[i].box.Inset(-3), share: l.shareOf(l.marks[i].area()), markAt: i}
}

// Colours of parts for other customers, BGR.
var (
	plugColours = [][3]uint8{{52, 128, 60}, {34, 98, 196}, {44, 40, 160}, {158, 92, 34}, {38, 168, 212}}
	dotColours  = [][3]int{{38, 168, 212}, {40, 40, 178}, {60, 140, 46}, {168, 96, 40}}
)

// wrongColour is a plug or a paint dot of another variant of the part.
func (l *Line) wrongColour(r *rand.Rand) defect {
	if r.IntN(3) == 0 {
		d := l.onMark(markDot)
		d.markColour = dotColours[r.IntN(len(dotColours))]
		return d
	}
	return l.recoloured(lugs[r.IntN(len(lugs))], plugColours[r.IntN(len(plugColours))])
}

func (l *Line) recoloured(centre point, colour [3]uint8) defect {
	box := l.cover.disc(centre, plugRadius)
	return defect{
		box: box, share: l.shareOf(l.discArea(centre, plugRadius)), markAt: -1,
		surface: func(s *surface) { s.recolour(box, centre, colour) },
	}
}

func (s *surface) recolour(box image.Rectangle, centre point, colour [3]uint8) {
	for y := box.Min.Y; y < box.Max.Y; y++ {
		for x := box.Min.X; x < box.Max.X; x++ {
			cover := step(plugRadius+0.5, plugRadius-0.5, centre.distance(s.at(float64(x), float64(y))))
			i := 3 * (y*s.side + x)
			for c := range 3 {
				old := float64(s.albedo[i+c])
				s.albedo[i+c] = byteOf(old + cover*(float64(colour[c])-old))
			}
		}
	}
}
