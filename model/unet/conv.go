package unet

import "faird/model/graph"

var same3 = graph.Window{PadH: 1, PadW: 1}

// convolution is a 3x3 convolution of x [n, in, h, w] with weights [out, in, 3, 3],
// zero padding, without bias. dx and dw give the gradients of its input and of
// its weights for the gradient of its result.
type convolution func(g *graph.Graph, x, weights graph.Value) (y graph.Value, dx, dw back)

// native is a convolution by faird's own operators, which only the CPU has.
func native(g *graph.Graph, x, weights graph.Value) (y graph.Value, dx, dw back) {
	dx = func(dy graph.Value) graph.Value { return g.Conv3x3Turned(dy, weights) }
	dw = func(dy graph.Value) graph.Value { return g.Conv3x3Weights(x, dy) }
	return g.Conv3x3(x, weights), dx, dw
}

// conv is a convolution by ONNX's own operators, which every provider has.
func conv(g *graph.Graph, x, weights graph.Value) (y graph.Value, dx, dw back) {
	y = g.Conv(x, weights, graph.Value{}, same3)

	// Every input pixel is reached through the kernel turned half a turn, with
	// the channels' parts swapped. Several times faster than ConvTranspose.
	dx = func(dy graph.Value) graph.Value {
		return g.Conv(dy, g.Transpose(g.Reverse(weights, 2, 3), 1, 0, 2, 3), graph.Value{}, same3)
	}

	// dw[o,i,kh,kw] = sum over n,p,q of dy[n,o,p-kh+1,q] x[n,i,p,q+kw-1]: with
	// three shifts of dy along h and three of x along w, one matrix product a
	// picture gives all nine taps.
	dw = func(dy graph.Value) graph.Value {
		in, out := x.Dim(1), dy.Dim(1)
		taps := outer(g, dy, x)
		return g.Transpose(g.Reshape(taps, out, 3, in, 3), 0, 2, 1, 3)
	}
	return y, dx, dw
}

// outer is the sum over the pictures of dy's shifts times x's, [3 out, 3 in].
// One picture after the other: the shifts of a whole batch are six times as
// large as x, just when the step holds most.
func outer(g *graph.Graph, dy, x graph.Value) graph.Value {
	n, in, out, pixels := x.Dim(0), x.Dim(1), dy.Dim(1), x.Dim(2)*x.Dim(3)
	var sum graph.Value
	for k := range n {
		left := g.Reshape(shiftsDown(g, g.Slice(dy, 0, k, k+1)), 3*out, pixels)
		right := g.Reshape(shiftsLeft(g, g.Slice(x, 0, k, k+1)), 3*in, pixels)
		taps := g.MatMul(left, g.Transpose(right, 1, 0))
		if k == 0 {
			sum = taps
		} else {
			sum = g.Add(sum, taps)
		}
	}
	return sum
}

// shiftsLeft makes three channels of every one: x[.., q-1], x[.., q],
// x[.., q+1] along the width, zero outside. A depthwise convolution with
// one-hot kernels does it in one pass.
func shiftsLeft(g *graph.Graph, x graph.Value) graph.Value {
	c := x.Dim(1)
	return g.Conv(x, oneHot(g, c, 1, 3, []int{0, 1, 2}), graph.Value{}, graph.Window{PadW: 1, Groups: c})
}

// shiftsDown makes x[p+1], x[p], x[p-1] along the height.
func shiftsDown(g *graph.Graph, x graph.Value) graph.Value {
	c := x.Dim(1)
	return g.Conv(x, oneHot(g, c, 3, 1, []int{2, 1, 0}), graph.Value{}, graph.Window{PadH: 1, Groups: c})
}

// oneHot is for each of c channels three kernels of three taps, the k-th with
// its one at hot[k].
func oneHot(g *graph.Graph, c, kh, kw int, hot []int) graph.Value {
	data := make([]float32, 9*c)
	for i := range c {
		for k, at := range hot {
			data[9*i+3*k+at] = 1
		}
	}
	return g.Const(data, 3*c, 1, kh, kw)
}
