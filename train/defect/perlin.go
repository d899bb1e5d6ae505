package defect

import (
	"math"
	"math/rand/v2"
)

// maskAbove is the noise above which a mask is set.
const maskAbove = 0.5

// perlin fills noise [h, w] with Perlin noise of 2^0 to 2^5 cells each way,
// turned by up to 90 degrees about the centre, zero where the turned picture
// has nothing. Any size will do: cells need not be whole pixels.
func perlin(r *rand.Rand, h, w int, noise []float32) {
	rows, cols := 1<<r.IntN(6), 1<<r.IntN(6)
	l := newLattice(r, rows, cols)
	sin, cos := math.Sincos(between(r, -90, 90) * math.Pi / 180)
	x0, y0 := float64(w-1)/2, float64(h-1)/2
	for y := range h {
		for x := range w {
			dx, dy := float64(x)-x0, float64(y)-y0
			u := (x0 + cos*dx - sin*dy) * float64(cols) / float64(w)
			v := (y0 + sin*dx + cos*dy) * float64(rows) / float64(h)
			noise[y*w+x] = l.at(u, v)
		}
	}
}

// lattice is random unit vectors at the corners of rows x cols cells.
type lattice struct {
	rows, cols int
	dx, dy     []float64
}

func newLattice(r *rand.Rand, rows, cols int) lattice {
	n := (rows + 1) * (cols + 1)
	l := lattice{rows, cols, make([]float64, n), make([]float64, n)}
	for i := range n {
		l.dy[i], l.dx[i] = math.Sincos(2 * math.Pi * r.Float64())
	}
	return l
}

// at is the noise at (u, v) in cells, about -1 to 1; zero outside.
func (l lattice) at(u, v float64) float32 {
	if u < 0 || v < 0 || u >= float64(l.cols) || v >= float64(l.rows) {
		return 0
	}
	x, y := int(u), int(v)
	fx, fy := u-float64(x), v-float64(y)
	k := y*(l.cols+1) + x
	below := k + l.cols + 1
	a := l.dx[k]*fx + l.dy[k]*fy
	b := l.dx[k+1]*(fx-1) + l.dy[k+1]*fy
	c := l.dx[below]*fx + l.dy[below]*(fy-1)
	d := l.dx[below+1]*(fx-1) + l.dy[below+1]*(fy-1)
	sx, sy := fade(fx), fade(fy)
	upper, lower := a+sx*(b-a), c+sx*(d-c)
	return float32(math.Sqrt2 * (upper + sy*(lower-upper)))
}

// fade is 6t^5 - 15t^4 + 10t^3 (Perlin 2002).
func fade(t float64) float64 { return t * t * t * (t*(6*t-15) + 10) }
