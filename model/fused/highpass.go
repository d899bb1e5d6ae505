package fused

import (
	"math"

	"faird/fair"
	"faird/model"
	"faird/model/graph"
)

// highPass filters a grey picture [n, 1, h, w] into the network's input.
func highPass(g *graph.Graph, f *model.File, x graph.Value) (graph.Value, error) {
	if f.Filter.Type == fair.SobelX || f.Filter.Type == fair.SobelXY {
		return sobel(g, f.Filter, x), nil
	}
	transfer, err := f.Filter.Transfer(f.Height, f.Width)
	if err != nil {
		return x, err
	}
	return frequency(g, x, transfer, f.Height, f.Width), nil
}

// frequency multiplies the spectrum by H. The transforms are products with the
// matrices of the DFT, F = C - iS with C and S symmetric: X = Fh x Fw, and the
// real part of the way back, conj(Fh) HX conj(Fw) / hw.
func frequency(g *graph.Graph, x graph.Value, transfer []float32, h, w int) graph.Value {
	cw, sw := waves(w)
	ch, sh := waves(h)
	columnsC, columnsS := g.Const(cw, w, w), g.Const(sw, w, w)
	rowsC, rowsS := g.Const(ch, h, h), g.Const(sh, h, h)
	// The zero frequency goes from (h/2, w/2) to (0, 0).
	response := make([]float32, h*w)
	for u := range h {
		for v := range w {
			response[u*w+v] = transfer[(u+h/2)%h*w+(v+w/2)%w] / float32(h*w)
		}
	}
	filter := g.Const(response, h, w)

	p, q := g.MatMul(x, columnsC), g.MatMul(x, columnsS) // x Fw = p - iq
	re := g.Mul(filter, g.Sub(g.MatMul(rowsC, p), g.MatMul(rowsS, q)))
	minusIm := g.Mul(filter, g.Add(g.MatMul(rowsS, p), g.MatMul(rowsC, q)))

	// (Ch + iSh)(re - i minusIm) = u + iv, and the real part of (u + iv)(Cw + iSw).
	u := g.Add(g.MatMul(rowsC, re), g.MatMul(rowsS, minusIm))
	v := g.Sub(g.MatMul(rowsS, re), g.MatMul(rowsC, minusIm))
	return g.Sub(g.MatMul(u, columnsC), g.MatMul(v, columnsS))
}

// waves are cos and sin of 2 pi j k / n, [n, n].
func waves(n int) (c, s []float32) {
	c, s = make([]float32, n*n), make([]float32, n*n)
	for j := range n {
		for k := range n {
			sin, cos := math.Sincos(2 * math.Pi * float64(j*k%n) / float64(n))
			c[j*n+k], s[j*n+k] = float32(cos), float32(sin)
		}
	}
	return c, s
}

// sobelKernels are the smoothing and the derivative of a side's Sobel kernel.
var sobelKernels = map[int][2][]float32{
	3: {{1, 2, 1}, {-1, 0, 1}},
	5: {{1, 4, 6, 4, 1}, {-1, -2, 0, 2, 1}},
}

// sobel is d/dx, and d/dy as a second channel where the filter has it.
func sobel(g *graph.Graph, f fair.Filter, x graph.Value) graph.Value {
	k := sobelKernels[f.KSize]
	n := f.KSize
	taps := make([]float32, f.Channels()*n*n)
	for i := range n {
		for j := range n {
			taps[i*n+j] = k[0][i] * k[1][j]
			if f.Channels() == 2 {
				taps[n*n+i*n+j] = k[1][i] * k[0][j]
			}
		}
	}
	return g.Conv(g.Mirror(x, n/2), g.Const(taps, f.Channels(), 1, n, n), graph.Value{}, graph.Window{})
}
