package unet

import "faird/model/graph"

// pool is the 2x2 maximum. Where several pixels share the maximum they share
// its gradient equally; without that, flat regions would get it several times.
func pool(g *graph.Graph, x graph.Value) (graph.Value, back) {
	y := g.MaxPool2(x)
	return y, func(dy graph.Value) graph.Value {
		top := g.Equal(x, g.Nearest2(y))
		ties := g.Scale(g.AveragePool2(top), 4)
		return g.Mul(top, g.Nearest2(g.Div(dy, ties)))
	}
}

// double is bilinear x2 with the corners aligned. It is linear along each
// side, so the way back is two products with the transposed matrices.
func double(g *graph.Graph, x graph.Value) (graph.Value, back) {
	y := g.Bilinear2(x)
	return y, func(dy graph.Value) graph.Value {
		h, w := x.Dim(2), x.Dim(3)
		columns := g.Const(doubling(w), 2*w, w)
		rows := g.Transpose(g.Const(doubling(h), 2*h, h), 1, 0)
		return g.MatMul(rows, g.MatMul(dy, columns))
	}
}

// doubling is the [2n, n] matrix of linear interpolation from n to 2n points
// with the ends aligned.
func doubling(n int) []float32 {
	m := make([]float32, 2*n*n)
	if n == 1 {
		return []float32{1, 1}
	}
	for i := range 2 * n {
		at := float64(i) * float64(n-1) / float64(2*n-1)
		k := min(int(at), n-2)
		part := at - float64(k)
		m[i*n+k] = float32(1 - part)
		m[i*n+k+1] = float32(part)
	}
	return m
}
