package fair

import (
	"errors"
	"fmt"
	"math"
)

// Terms is how many maps a Normal describes: those of Maps, in their order.
const Terms = 3

const (
	termGradient = iota
	termLightness
	termColour
)

// Normal is what the smoothed maps of good parts look like, place by place: the
// mean and the spread of each over the images of parts that the network was not
// trained on. It is a grid of W x H cells that covers the image; one cell means
// that all places are alike.
type Normal struct {
	W, H      int
	Mean, Std [Terms][]float32 // [H,W]; Std above 0
}

// MaxCells bounds either side of a Normal's grid.
const MaxCells = 64

// Validate says what is wrong with the grid or its values.
func (n *Normal) Validate() error {
	if n.W < 1 || n.H < 1 || n.W > MaxCells || n.H > MaxCells {
		return fmt.Errorf("a grid of %dx%d cells: each side must have 1 to %d", n.W, n.H, MaxCells)
	}
	for t := range Terms {
		if len(n.Mean[t]) != n.W*n.H || len(n.Std[t]) != n.W*n.H {
			return fmt.Errorf("%d means and %d spreads for %dx%d cells", len(n.Mean[t]), len(n.Std[t]), n.W, n.H)
		}
		for i := range n.Mean[t] {
			mean, std := float64(n.Mean[t][i]), float64(n.Std[t][i])
			if math.IsNaN(mean) || math.IsInf(mean, 0) || !(std > 0) || math.IsInf(std, 0) {
				return fmt.Errorf("cell %d has mean %v and spread %v: must be finite, the spread above 0", i, mean, std)
			}
		}
	}
	return nil
}

// Field is a Normal at the size of a map: [h,w] each.
type Field struct {
	Mean, Std [Terms][]float32
}

// NewField makes a field of h x w, all zero.
func NewField(h, w int) *Field {
	f := &Field{}
	for t := range Terms {
		f.Mean[t], f.Std[t] = make([]float32, h*w), make([]float32, h*w)
	}
	return f
}

// Field enlarges the grid to maps of h x w, bilinearly between the middles of its
// cells.
func (n *Normal) Field(h, w int) *Field {
	f := NewField(h, w)
	for t := range Terms {
		enlarge(n.Mean[t], n.H, n.W, f.Mean[t], h, w)
		enlarge(n.Std[t], n.H, n.W, f.Std[t], h, w)
	}
	return f
}

// enlarge is bilinear, align_corners=False.
func enlarge(from []float32, h, w int, to []float32, toH, toW int) {
	for y := range toH {
		top, bottom, fy := between(y, toH, h)
		for x := range toW {
			left, right, fx := between(x, toW, w)
			upper := lerp(from[top*w+left], from[top*w+right], fx)
			lower := lerp(from[bottom*w+left], from[bottom*w+right], fx)
			to[y*toW+x] = lerp(upper, lower, fy)
		}
	}
}

// between is the two of n cells whose middles are around pixel i of size, and how
// far it lies from the first to the second.
func between(i, size, n int) (first, second int, part float32) {
	at := min(max((float64(i)+0.5)*float64(n)/float64(size)-0.5, 0), float64(n-1))
	first = int(at)
	return first, min(first+1, n-1), float32(at - float64(first))
}

func lerp(a, b, part float32) float32 { return a + part*(b-a) }

// Spreads are raised by a quarter of their mean over the image, so that places at
// which the good parts happened to agree do not outweigh the others, and are never
// below what nobody sees: a 500th of the gradient, a quarter of a step of CIELAB.
const raiseBy = 0.25

var leastStd = [Terms]float64{0.002, 0.25, 0.25}

// blurSigma is the standard deviation of the Gaussian that evens out what few images
// say of one place, as a share of the image's shorter side: 3 pixels of 128.
const blurSigma = 3.0 / 128

// fewestForNormal is how many images a Normal can be learnt from.
const fewestForNormal = 2

// Learner learns a Normal from the maps of good parts. One goroutine uses it at a
// time.
type Learner struct {
	h, w     int // of the maps
	gridH    int
	gridW    int
	cell     int // pixels of a cell's side
	smoother *Smoother
	root     []float32 // [h,w], of the share of the mean filter that lies inside
	n        int
	all      Sample // of all images
}

// Sample is what a Learner takes of one image: the mean of each cell, and of the
// squares.
type Sample struct {
	mean, square [Terms][]float64
}

func newSample(cells int) (s Sample) {
	for t := range Terms {
		s.mean[t], s.square[t] = make([]float64, cells), make([]float64, cells)
	}
	return s
}

// add adds factor times what the other holds.
func (s *Sample) add(o Sample, factor float64) {
	for t := range Terms {
		for i := range s.mean[t] {
			s.mean[t][i] += factor * o.mean[t][i]
			s.square[t][i] += factor * o.square[t][i]
		}
	}
}

// NewLearner makes a learner for maps of h x w that are smoothed as the scoring
// says.
func NewLearner(h, w int, s Scoring) (*Learner, error) {
	smoother, err := NewSmoother(h, w, s)
	if err != nil {
		return nil, err
	}
	l := &Learner{h: h, w: w, smoother: smoother, cell: max(4, (max(h, w)+MaxCells-1)/MaxCells)}
	l.gridH, l.gridW = (h+l.cell-1)/l.cell, (w+l.cell-1)/l.cell
	l.all = newSample(l.gridH * l.gridW)
	l.root = smoother.inside(nil)
	for i, share := range l.root {
		l.root[i] = float32(math.Sqrt(float64(share)))
	}
	return l, nil
}

// Sample is what is to be learnt from the maps of one image.
func (l *Learner) Sample(m Maps) Sample {
	s := newSample(l.gridH * l.gridW)
	for t, values := range m.each() {
		l.cells(values, s.mean[t], s.square[t])
	}
	return s
}

// Add learns from an image.
func (l *Learner) Add(s Sample) {
	l.n++
	l.all.add(s, 1)
}

// cells fills in the mean and the mean square of the smoothed map in each cell. A
// pixel near the edge is a mean over fewer pixels: it is weighed so that its spread
// is like that of others.
func (l *Learner) cells(values []float32, mean, square []float64) {
	s := l.smoother
	s.filter(values, s.smoothed)
	for y := range l.h {
		for x := range l.w {
			i, c := y*l.w+x, y/l.cell*l.gridW+x/l.cell
			v := float64(s.smoothed[i] / l.root[i])
			mean[c] += v
			square[c] += v * v
		}
	}
	for y := range l.gridH {
		for x := range l.gridW {
			pixels := float64((min((y+1)*l.cell, l.h) - y*l.cell) * (min((x+1)*l.cell, l.w) - x*l.cell))
			mean[y*l.gridW+x] /= pixels
			square[y*l.gridW+x] /= pixels
		}
	}
}

// Normal is what was learnt.
func (l *Learner) Normal() (*Normal, error) { return l.normal(l.n, l.all) }

// Without is what would have been learnt without some of the images: an image is
// not judged by itself.
func (l *Learner) Without(images []Sample) (*Normal, error) {
	rest := newSample(l.gridH * l.gridW)
	rest.add(l.all, 1)
	for _, s := range images {
		rest.add(s, -1)
	}
	return l.normal(l.n-len(images), rest)
}

func (l *Learner) normal(n int, all Sample) (*Normal, error) {
	if n < fewestForNormal {
		return nil, fmt.Errorf("%d images are too few to tell how good parts differ: at least %d are needed", n, fewestForNormal)
	}
	normal := &Normal{W: l.gridW, H: l.gridH}
	sigma := blurSigma * float64(min(l.h, l.w)) / float64(l.cell)
	for t := range Terms {
		mean, std := make([]float64, len(all.mean[t])), make([]float64, len(all.mean[t]))
		for i := range mean {
			mean[i] = all.mean[t][i] / float64(n)
			variance := (all.square[t][i]/float64(n) - mean[i]*mean[i]) * float64(n) / float64(n-1)
			std[i] = math.Sqrt(max(variance, 0))
			mean[i] /= l.rootAt(i)
		}
		normal.Mean[t], normal.Std[t] = blur(mean, l.gridH, l.gridW, sigma), blur(std, l.gridH, l.gridW, sigma)
		raise(normal.Std[t], leastStd[t])
	}
	if err := normal.Validate(); err != nil {
		return nil, errors.Join(errors.New("the maps of the good images are no numbers"), err)
	}
	return normal, nil
}

// rootAt is the root of the share in the middle of a cell.
func (l *Learner) rootAt(cell int) float64 {
	y, x := cell/l.gridW*l.cell+l.cell/2, cell%l.gridW*l.cell+l.cell/2
	return float64(l.root[min(y, l.h-1)*l.w+min(x, l.w-1)])
}

// raise lifts the spreads of all cells by raiseBy of their mean, to least at least.
func raise(std []float32, least float64) {
	var mean float64
	for _, v := range std {
		mean += float64(v) / float64(len(std))
	}
	for i, v := range std {
		std[i] = float32(max(float64(v)+raiseBy*mean, least))
	}
}

// blur is a Gaussian mean along both sides, over what lies inside.
func blur(v []float64, h, w int, sigma float64) []float32 {
	reach := int(3*sigma + 0.5)
	taps := make([]float64, reach+1)
	for i := range taps {
		taps[i] = math.Exp(-float64(i*i) / (2 * sigma * sigma))
	}
	along := func(from []float64, n, step, at int, i int) float64 {
		var sum, weight float64
		for k := max(i-reach, 0); k <= min(i+reach, n-1); k++ {
			t := taps[max(k-i, i-k)]
			sum, weight = sum+t*from[at+k*step], weight+t
		}
		return sum / weight
	}
	rows, out := make([]float64, h*w), make([]float32, h*w)
	for y := range h {
		for x := range w {
			rows[y*w+x] = along(v, w, 1, y*w, x)
		}
	}
	for y := range h {
		for x := range w {
			out[y*w+x] = float32(along(rows, h, w, x, y))
		}
	}
	return out
}
