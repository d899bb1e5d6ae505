// Package line renders a simulated production line: a machined pump cover on
// a conveyor, seen by a camera whose light, focus and noise vary, now and then
// with a defect whose truth is known. It is the picture source of the demo and
// of the tests; it paces nothing, owns no goroutine and reads no files.
package line

import (
	"image"
	"math/rand/v2"

	"gocv.io/x/gocv"
)

// Limits of Options.Size; the part is drawn for 640 and scales with the size.
const (
	defaultSize = 640
	minSize     = 128
	maxSize     = 4096
)

// Options choose a line. Equal options render equal frames.
type Options struct {
	Seed    uint64  // textures of this line and everything that varies from frame to frame
	Defects float64 // share of the frames that show a defect, 0..1
	Size    int     // side of the square picture in pixels; 0 is 640; held within 128..4096
	Gap     int     // pictures of the empty belt between two parts, which travel through the picture; 0: one part in each, in its place
}

// Field is where the part always lies in a frame of the default size: the region
// of interest of the demo's station, which its model was trained on.
var Field = image.Rect(64, 112, 544, 592)

// Truth is what a frame really shows.
type Truth struct {
	Defective bool
	Kind      string          // one of Kinds, "" for a good part
	Region    image.Rectangle // holds every pixel the defect changed, in camera pixels
	AreaShare float64         // of the part's visible area, 0.002..0.02
	Part      uint64          // which part it is, from 1; 0 on the empty belt and on a line without gaps
}

// Line renders frames. It owns reusable C and Go buffers, so it is for one
// goroutine at a time and wants a Close.
type Line struct {
	options Options
	unit    float64 // camera pixels per pixel of the 640 drawing

	cover *surface // the part as it should be
	blank *surface // the same before bolt holes are drilled and plugs fitted
	work  *surface // this frame's part: cover, changed where it is defective
	marks []mark
	belt  *belt
	grain *grain

	canvas   gocv.Mat // part in its own frame, BGRA
	warped   gocv.Mat // part in the camera's frame, BGRA
	shadow   gocv.Mat // its silhouette, blurred, in the part's frame
	shade    gocv.Mat // the silhouette in the camera's frame
	sharp    gocv.Mat // composed picture before the lens
	matrix   gocv.Mat // 2x3, of the warp under way
	vignette []uint16 // fall-off of the lens, 8.8 fixed point

	stencil *stencil
	source  *rand.PCG
	random  *rand.Rand
}

// New prepares a line: draws the part and its textures once (about a third of
// a second at 640). The caller closes it.
func New(o Options) *Line {
	if o.Size == 0 {
		o.Size = defaultSize
	}
	o.Size = min(max(o.Size, minSize), maxSize)
	source := rand.NewPCG(0, 0)
	l := &Line{options: o, unit: float64(o.Size) / defaultSize, source: source, random: rand.New(source)}
	l.cover = newSurface(l.unit, true)
	l.blank = newSurface(l.unit, false)
	l.work = l.cover.clone()
	l.marks = newMarks(l.unit, l.cover)
	l.reseed(0, streamTextures)
	l.grain = newGrain(l.cover.side, l.random)
	l.belt = newBelt(o.Size, l.unit, l.random)
	l.vignette = newVignette(o.Size)
	l.stencil = newStencil(l.cover.side)

	l.canvas = gocv.NewMatWithSize(l.cover.side, l.cover.side, gocv.MatTypeCV8UC4)
	l.warped = gocv.NewMatWithSize(o.Size, o.Size, gocv.MatTypeCV8UC4)
	l.shade = gocv.NewMatWithSize(o.Size, o.Size, gocv.MatTypeCV8UC1)
	l.sharp = gocv.NewMatWithSize(o.Size, o.Size, gocv.MatTypeCV8UC3)
	l.matrix = gocv.NewMatWithSize(2, 3, gocv.MatTypeCV64F)
	l.shadow = newShadow(l.cover, l.unit)
	return l
}

// Close frees the C memory of the line.
func (l *Line) Close() error {
	for _, m := range []*gocv.Mat{&l.canvas, &l.warped, &l.shadow, &l.shade, &l.sharp, &l.matrix} {
		m.Close()
	}
	return nil
}

// Render draws frame n into dst (8-bit BGR, Size x Size; another shape is
// replaced) and says what it shows. The frame depends on the options and n
// alone; with Defects 0 it is the same frame of the same part without its
// defect.
func (l *Line) Render(n uint64, dst *gocv.Mat) Truth {
	if l.options.Gap > 0 {
		return l.travel(n, dst)
	}
	s, d := l.plan(n)
	l.shoot(&s, &d, dst)
	return l.truth(&s, &d)
}

// plan draws what part n is and how it is seen.
func (l *Line) plan(n uint64) (scene, defect) {
	l.reseed(n, streamScene)
	s := drawScene(l.random, l.unit)
	l.reseed(n, streamDefect)
	return s, l.drawDefect(l.random)
}

func (l *Line) shoot(s *scene, d *defect, dst *gocv.Mat) {
	l.paintPart(s, d)
	l.compose(s)
	l.expose(s, dst)
}

func (l *Line) truth(s *scene, d *defect) Truth {
	if d.kind == "" {
		return Truth{}
	}
	return Truth{Defective: true, Kind: d.kind, Region: l.region(s, d.box), AreaShare: d.share}
}

// Independent random streams of one frame: a defect never changes the part,
// its pose or its light.
const (
	streamTextures = iota
	streamScene
	streamDefect
	streams
)

func (l *Line) reseed(n uint64, stream uint64) {
	l.source.Seed(splitmix(l.options.Seed), splitmix(n*streams+stream))
}

// splitmix spreads consecutive numbers over all 64 bits (Steele, Lea and
// Flood 2014), so that neighbouring seeds and frames have nothing in common.
func splitmix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

func between(r *rand.Rand, low, high float64) float64 { return low + (high-low)*r.Float64() }
