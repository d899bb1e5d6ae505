package fourier

// #cgo CFLAGS: -std=gnu11 -O3
// #cgo noescape fourier_filter
// #cgo nocallback fourier_filter
// #include "kernels.h"
import "C"

import (
	"fmt"
	"math"
)

const (
	maxSide = 1 << 13 // so that every count of the kernels fits their int
	page    = 1 << 10 // floats that fill the first cache once: what lies so far apart shares its places
)

// padded is n or a little more: an odd number of vector registers of 8 floats, so
// that the quarters of an array of such rows do not lie a multiple of a page apart.
func padded(n int) int { return (n+7)/16*16 + 8 }

// Filter multiplies the spectra of pictures of one size by one transfer function.
// It owns its buffers; one goroutine uses it at a time.
type Filter struct {
	rows, cols   int
	half, lanes  int       // room for the pairs of columns, and for the frequencies along y
	down, across plan      // the transforms along y and x
	transfer     []float32 // [cols][lanes], by frequency from 0 on, over the kernels' scale
	room         int       // floats of each part of work
	work         []float32
}

// New makes a filter for pictures of rows x cols pixels. transfer, [rows, cols],
// is that of [faird/fair.Filter.Transfer]: real, its centre (frequency zero) at
// (rows/2, cols/2), and the same at opposite frequencies, without which the
// result would not be a picture: elsewhere the half at u = 0 .. rows/2 counts.
func New(rows, cols int, transfer []float32) (*Filter, error) {
	if rows < 1 || cols < 1 || rows > maxSide || cols > maxSide {
		return nil, fmt.Errorf("filter for a picture of %dx%d pixels: each side must be 1 to %d", cols, rows, maxSide)
	}
	if len(transfer) != rows*cols {
		return nil, fmt.Errorf("transfer function of %d values: a picture of %dx%d needs %d", len(transfer), cols, rows, rows*cols)
	}
	f := &Filter{rows: rows, cols: cols, down: newPlan(rows), across: newPlan(cols)}
	f.half, f.lanes = padded((cols+1)/2), padded(rows/2+1)
	f.transfer = make([]float32, cols*f.lanes)
	for v := range cols {
		for u := range rows/2 + 1 {
			h := transfer[(u+rows/2)%rows*cols+(v+cols/2)%cols]
			f.transfer[v*f.lanes+u] = h / float32(2*rows*cols)
		}
	}
	f.room = (max(cols*f.lanes, rows*f.half)+page-1)/page*page + page/4 // four parts, a quarter of a page apart
	f.work = make([]float32, 4*f.room)
	return f, nil
}

// Apply filters src, [rows, cols], into dst, of the same size; they may be the
// same. Values that are not finite spread over the whole result. Slices of
// another length panic: that is a mistake of the caller, not of a picture.
func (f *Filter) Apply(src, dst []float32) {
	if n := f.rows * f.cols; len(src) != n || len(dst) != n {
		panic(fmt.Sprintf("fourier: a picture of %dx%d got slices of %d and %d", f.cols, f.rows, len(src), len(dst)))
	}
	C.fourier_filter(C.int(f.rows), C.int(f.cols), C.int(f.half), C.int(f.lanes),
		(*C.int32_t)(&f.down.factors[0]), (*C.float)(&f.down.twiddles[0]),
		(*C.int32_t)(&f.across.factors[0]), (*C.float)(&f.across.twiddles[0]),
		(*C.float)(&f.transfer[0]), (*C.float)(&src[0]),
		C.int(f.room), (*C.float)(&f.work[0]), (*C.float)(&dst[0]))
}

// plan is how a transform of n numbers is taken apart: see kernels.h.
type plan struct {
	factors  []int32
	twiddles []float32 // real and imaginary parts in turn
}

func newPlan(n int) plan {
	var p plan
	for _, r := range factors(n) {
		p.factors = append(p.factors, int32(r))
		if r != 4 {
			for k := range r {
				p.root(k, r)
			}
		}
		for i := range n / r {
			for k := 1; k < r; k++ {
				p.root(i*k, n)
			}
		}
		n /= r
	}
	p.factors, p.twiddles = append(p.factors, 0), append(p.twiddles, 0) // n = 1 has none
	return p
}

// root appends exp(-2 pi i k / n).
func (p *plan) root(k, n int) {
	sin, cos := math.Sincos(-2 * math.Pi * float64(k%n) / float64(n))
	p.twiddles = append(p.twiddles, float32(cos), float32(sin))
}

// factors of n, fours first, then primes.
func factors(n int) (all []int) {
	for ; n%4 == 0; n /= 4 {
		all = append(all, 4)
	}
	for r := 2; n > 1; r++ {
		for ; n%r == 0; n /= r {
			all = append(all, r)
		}
	}
	return all
}
