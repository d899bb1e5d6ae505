package inspect

import (
	"cmp"
	"image"
	"math"
	"slices"

	"faird/fair"
	"faird/inspect/geometry"
	"faird/verdict"
)

// maxRegions bounds what one verdict carries; the largest peaks stay.
const maxRegions = 32

// mapSet holds one picture's maps, [h,w] each.
type mapSet struct {
	w, h     int
	ignore   []byte    // nil: everything counts
	smoothed []float32 // the anomaly map
	raw      fair.Maps // what it was made of; nil for tiles

	// share is what structure, and lightness and colour, have to do with a pixel.
	share func(pixel int) (structure, colour float64)

	// What the maps come from; nil for tiles, of which the last alone is there.
	planes, restored []float32 // [3,h,w] BGR
	input            []float32 // [channels,h,w], the network's
}

// finder finds the regions of maps; it keeps its buffers.
type finder struct {
	inside     []byte
	components fair.Components
	parts      []part
}

// part is a region while it is being measured, in the model's pixels.
type part struct {
	box               image.Rectangle
	pixels            int
	peak              float32
	structure, colour float64 // sums of the two terms before smoothing
}

// find appends the 8-connected parts of the smoothed map at or above level, as
// seen in the camera's picture, where they lie within seen.
func (f *finder) find(m *mapSet, level float64, toCamera geometry.Affine, seen image.Rectangle, regions []verdict.Region) []verdict.Region {
	f.measure(m, level)
	slices.SortStableFunc(f.parts, func(a, b part) int { return cmp.Compare(b.peak, a.peak) })
	for _, p := range f.parts[:min(len(f.parts), maxRegions)] {
		regions = append(regions, p.region(toCamera, seen))
	}
	return regions
}

// measure looks at the rows alone that have a pixel above the level: most
// pictures with a defect have few.
func (f *finder) measure(m *mapSet, level float64) {
	least := atLeast(level)
	top, bottom := m.rows(least)
	begin, end := top*m.w, bottom*m.w
	f.inside = slices.Grow(f.inside[:0], end-begin)[:end-begin]
	clear(f.inside)
	for i := begin; i < end; i++ {
		if m.smoothed[i] >= least && (m.ignore == nil || m.ignore[i] == 0) {
			f.inside[i-begin] = 1
		}
	}
	count := f.components.Find(f.inside, bottom-top, m.w)
	f.parts = slices.Grow(f.parts[:0], count)[:count]
	clear(f.parts)
	for y := top; y < bottom; y++ {
		for x, label := range f.components.Labels[(y-top)*m.w : (y-top+1)*m.w] {
			if label != 0 {
				i := y*m.w + x
				structure, colour := m.share(i)
				f.parts[label-1].add(x, y, m.smoothed[i], structure, colour)
			}
		}
	}
}

// rows are those from the first to the last that reach a value, none where none
// does.
func (m *mapSet) rows(least float32) (top, bottom int) {
	reaches := func(v float32) bool { return v >= least }
	first := slices.IndexFunc(m.smoothed, reaches)
	if first < 0 {
		return 0, 0
	}
	last := len(m.smoothed) - 1
	for m.smoothed[last] < least {
		last--
	}
	return first / m.w, last/m.w + 1
}

// atLeast is the smallest float32 that is not below level.
func atLeast(level float64) float32 {
	v := float32(level)
	if float64(v) < level {
		v = math.Nextafter32(v, float32(math.Inf(1)))
	}
	return v
}

func (p *part) add(x, y int, value float32, structure, colour float64) {
	if p.pixels == 0 {
		p.box = image.Rectangle{Min: image.Pt(x, y), Max: image.Pt(x+1, y+1)}
	}
	p.box.Min.X, p.box.Max.X = min(p.box.Min.X, x), max(p.box.Max.X, x+1)
	p.box.Max.Y = y + 1 // rows come from above
	p.pixels++
	p.peak = max(p.peak, value)
	p.structure += structure
	p.colour += colour
}

// region is the part in camera pixels: its box grows to whole pixels, which
// keeps it at one at least, and stays within what was seen.
func (p *part) region(toCamera geometry.Affine, seen image.Rectangle) verdict.Region {
	box := toCamera.Within(p.box, seen)
	share := p.share()
	return verdict.Region{
		X: box.Min.X, Y: box.Min.Y, W: box.Dx(), H: box.Dy(),
		Area: max(1, int(math.Round(float64(p.pixels)*toCamera.Area()))),
		Peak: float64(p.peak), Structure: share, Colour: 1 - share,
	}
}

// share of structure, 0..1. The gradient term can be a rounding error below
// zero; a region lifted by its neighbours alone counts as structure.
func (p *part) share() float64 {
	structure := max(p.structure, 0)
	if total := structure + p.colour; total > 0 {
		return structure / total
	}
	return 1
}
