package validity

import (
	"fmt"
	"hash/maphash"
	"math"

	"faird/model"
)

// grid is the side of the grid on which colours are compared.
const grid = model.LookGrid

// Levels at which a pixel tells nothing any more, of 0..255.
const (
	darkBelow     = 16  // its brightest channel: video black, and what a covered lens gives
	saturatedFrom = 254 // any of its channels
)

// sampled bounds the pixels that are looked at: of a larger picture every so
// many rows, which changes none of the means.
const sampled = 1 << 15

// Cells is a value for each cell of the grid, rows first.
type Cells [grid * grid]float64

// Stats is what is measured of one picture.
type Stats struct {
	Brightness float64 // mean grey, 0..255
	Dark       float64 // share of pixels below 16 in every channel
	Saturated  float64 // share of pixels of 254 or more in a channel
	Sharpness  float64 // root mean square of the gradient at half the size over the standard deviation of grey; 0 for a blank picture
	Aspect     float64 // width over height of the picture before it was resized; 0: not known
	RedBlue    Cells   // mean of red minus blue
	Neutral    Cells   // the same, less what a white balance could do: the share of grey that fits it best
	Print      uint64  // equal for equal pixels, within a process
}

// cells are the colours, with or without the white balance.
func (s *Stats) cells(neutral bool) *Cells {
	if neutral {
		return &s.Neutral
	}
	return &s.RedBlue
}

// seed is one for the process, so that prints can be compared.
var seed = maphash.MakeSeed()

// Meter measures pictures of one size. It owns its buffers and is for one
// goroutine.
type Meter struct {
	w, h, step int
	rows       [3][]int32 // grey of three rows at half the size, by y modulo 3
	held       [3]int     // which y each holds
	sums       sums
}

// sums are of the pixels looked at so far.
type sums struct {
	n, grey, squares, dark, saturated int64
	gradients, energy                 int64 // how many pixels have a gradient, and the sum of its squares, 64 to one
	redBlue, cellGrey, cells          [grid * grid]int64
	print                             uint64
}

// NewMeter makes a meter for pixels [h,w,3].
func NewMeter(w, h int) *Meter {
	m := &Meter{w: w, h: h, step: max(1, (w*h+sampled-1)/sampled)}
	for i := range m.rows {
		m.rows[i] = make([]int32, w/2)
	}
	return m
}

// Add measures 8-bit BGR pixels [h,w,3]: a picture, or a tile of one.
func (m *Meter) Add(pixels []byte) error {
	if len(pixels) != 3*m.w*m.h {
		return fmt.Errorf("%d bytes of pixels, must be %d: three channels of %dx%d", len(pixels), 3*m.w*m.h, m.w, m.h)
	}
	m.held = [3]int{-1, -1, -1}
	for y := 0; y < m.h; y += m.step {
		m.tone(pixels, y)
	}
	for y := 1; y < m.h/2-1; y += m.step {
		m.gradient(m.half(pixels, y-1), m.half(pixels, y), m.half(pixels, y+1))
	}
	m.sums.print = m.sums.print*31 + maphash.Bytes(seed, pixels)
	return nil
}

// Take gives what was measured since it was last called.
func (m *Meter) Take(aspect float64) Stats {
	s := m.sums.stats()
	s.Aspect = aspect
	m.sums = sums{}
	return s
}

// tone adds a row's levels and colours.
func (m *Meter) tone(pixels []byte, y int) {
	row := pixels[3*y*m.w : 3*(y+1)*m.w]
	for cx := range grid {
		from, to := cx*m.w/grid, (cx+1)*m.w/grid
		m.sums.cell(y*grid/m.h*grid+cx, row[3*from:3*to])
	}
}

// cell adds a run of BGR pixels that lie in one cell of the grid.
func (t *sums) cell(cell int, bgr []byte) {
	var grey, squares, dark, saturated, redBlue int64
	n := int64(len(bgr) / 3)
	for ; len(bgr) >= 3; bgr = bgr[3:] {
		b, g, r := bgr[0], bgr[1], bgr[2]
		v := luma(b, g, r)
		grey += int64(v)
		squares += int64(v) * int64(v)
		redBlue += int64(r) - int64(b)
		top := max(b, g, r)
		if top < darkBelow {
			dark++
		} else if top >= saturatedFrom {
			saturated++
		}
	}
	t.n += n
	t.grey, t.squares, t.dark, t.saturated = t.grey+grey, t.squares+squares, t.dark+dark, t.saturated+saturated
	t.cells[cell] += n
	t.redBlue[cell] += redBlue
	t.cellGrey[cell] += grey
}

// luma is grey by BT.601 in 8-bit fixed point.
func luma(b, g, r byte) int32 { return (29*int32(b) + 150*int32(g) + 77*int32(r)) >> 8 }

// half is a row of grey at half the size, computed unless it was for the row
// before. The mean of four pixels halves a sensor's noise, which would pass for
// detail.
func (m *Meter) half(pixels []byte, y int) []int32 {
	out := m.rows[y%3]
	if m.held[y%3] == y {
		return out
	}
	m.held[y%3] = y
	above, below := pixels[6*y*m.w:][:3*m.w], pixels[3*(2*y+1)*m.w:][:3*m.w]
	for x := range out {
		a, b := above[6*x:6*x+6:6*x+6], below[6*x:6*x+6:6*x+6]
		out[x] = (luma(a[0], a[1], a[2]) + luma(a[3], a[4], a[5]) + luma(b[0], b[1], b[2]) + luma(b[3], b[4], b[5]) + 2) >> 2
	}
	return out
}

// gradient adds the squared Sobel gradients of a row (Tenengrad, Tenenbaum 1970).
func (m *Meter) gradient(above, row, below []int32) {
	var energy int64
	n := len(row)
	above, below = above[:n], below[:n]
	for x := 1; x < n-1; x++ {
		left, right := above[x-1]+2*row[x-1]+below[x-1], above[x+1]+2*row[x+1]+below[x+1]
		up, down := above[x-1]+2*above[x]+above[x+1], below[x-1]+2*below[x]+below[x+1]
		dx, dy := right-left, down-up
		energy += int64(dx*dx + dy*dy)
	}
	m.sums.energy += energy
	m.sums.gradients += int64(max(0, n-2))
}

// blank is the variance of grey below which nothing can be said of sharpness.
const blank = 1

func (t *sums) stats() Stats {
	n := float64(max(1, t.n))
	s := Stats{
		Brightness: float64(t.grey) / n,
		Dark:       float64(t.dark) / n,
		Saturated:  float64(t.saturated) / n,
		Print:      t.print,
	}
	if variance := float64(t.squares)/n - s.Brightness*s.Brightness; variance >= blank && t.gradients > 0 {
		s.Sharpness = math.Sqrt(float64(t.energy) / 64 / float64(t.gradients) / variance)
	}
	t.colours(&s)
	return s
}

// colours fills the grids. The balance is a least-squares fit of red minus blue
// by grey, which is what another gain of red or blue adds.
func (t *sums) colours(s *Stats) {
	var grey Cells
	var product, square float64
	for i, n := range t.cells {
		n := float64(max(1, n))
		s.RedBlue[i], grey[i] = float64(t.redBlue[i])/n, float64(t.cellGrey[i])/n
		product, square = product+s.RedBlue[i]*grey[i], square+grey[i]*grey[i]
	}
	balance := product / max(1, square)
	for i, v := range s.RedBlue {
		s.Neutral[i] = v - balance*grey[i]
	}
}

// agreement is how far the colours of a picture lie as they do in good ones,
// -1..1: the share of cells in which red or blue prevails as it should less the
// share in which it does not, each cell counting by how much it should. A
// coloured defect turns a few cells, swapped channels turn all.
func agreement(cells *Cells, good []float64) float64 {
	var sum, all float64
	for i, g := range good {
		weight := math.Abs(g)
		all += weight
		switch c := cells[i] * g; {
		case c > 0:
			sum += weight
		case c < 0:
			sum -= weight
		}
	}
	if all == 0 {
		return 0
	}
	return sum / all
}
