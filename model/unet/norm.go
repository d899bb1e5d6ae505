package unet

import "faird/model/graph"

// batch is what a batch norm saw of its batch, each [c].
type batch struct{ mean, variance graph.Value }

// normalisation is a batch norm in training with the ReLU after it: x [n, c, h, w] by the
// batch's own mean and (biased) variance. Its way back gives the gradients of x,
// scale and bias.
type normalisation func(g *graph.Graph, x, scale, bias graph.Value) (y graph.Value, seen batch, backNorm func(dy graph.Value) (dx, dscale, dbias graph.Value))

// nativeNormRelu is one by faird's own operators, which only the CPU has.
func nativeNormRelu(g *graph.Graph, x, scale, bias graph.Value) (y graph.Value, seen batch, backNorm func(dy graph.Value) (dx, dscale, dbias graph.Value)) {
	y, seen.mean, seen.variance = g.NormRelu(x, scale, bias, epsilon)
	return y, seen, func(dy graph.Value) (dx, dscale, dbias graph.Value) {
		return g.NormReluBack(x, dy, scale, bias, seen.mean, seen.variance, epsilon)
	}
}

// normRelu is one by ONNX's own operators, which every provider has.
func normRelu(g *graph.Graph, x, scale, bias graph.Value) (graph.Value, batch, func(dy graph.Value) (dx, dscale, dbias graph.Value)) {
	z, seen, backNorm := norm(g, x, scale, bias)
	y, backRelu := relu(g, z)
	return y, seen, func(dy graph.Value) (dx, dscale, dbias graph.Value) { return backNorm(backRelu(dy)) }
}

// norm is a batch norm in training: x [n, c, h, w] by the batch's own mean and
// (biased) variance. Its way back gives the gradients of x, scale and bias.
func norm(g *graph.Graph, x, scale, bias graph.Value) (y graph.Value, seen batch, backNorm func(dy graph.Value) (dx, dscale, dbias graph.Value)) {
	c := x.Dim(1)
	one, zero := g.Fill(1, c), g.Fill(0, c)
	mean := g.Mean(x, 0, 2, 3)
	variance := g.Relu(g.Sub(g.Mean(g.Square(x), 0, 2, 3), g.Square(mean))) // rounding may take it below zero
	y = g.BatchNorm(x, scale, bias, mean, variance, epsilon)

	// With d = x - mean, v = 1/sqrt(variance + eps) and means over the batch:
	// dx = scale v (dy - mean(dy) - d v^2 mean(dy d)), which is a line in dy plus
	// a line in d for each channel. BatchNormalization draws lines fastest, and d
	// is cheaper to make again than to keep.
	backNorm = func(dy graph.Value) (dx, dscale, dbias graph.Value) {
		count := float64(x.Elements() / c)
		v := g.Div(g.Scalar(1), g.Sqrt(g.AddScalar(variance, epsilon)))
		d := g.BatchNorm(x, one, zero, mean, one, 0)
		dbias = g.Sum(dy, 0, 2, 3)
		dscale = g.Mul(v, g.Sum(g.Mul(dy, d), 0, 2, 3))

		slope := g.Mul(scale, v)
		offset := g.Scale(g.Mul(slope, dbias), -1/count)
		slopeD := g.Scale(g.Mul(g.Mul(slope, v), dscale), -1/count)
		dx = g.Add(g.BatchNorm(dy, slope, offset, zero, one, 0), g.BatchNorm(x, slopeD, zero, mean, one, 0))
		return dx, dscale, dbias
	}
	return y, batch{mean, variance}, backNorm
}

// running moves the running mean and variance towards the batch's; the
// variance is the unbiased one of n*h*w samples.
func running(g *graph.Graph, seen batch, mean, variance graph.Value, samples int) (nextMean, nextVariance graph.Value) {
	unbiased := float64(samples) / float64(max(samples-1, 1))
	nextMean = g.Add(g.Scale(mean, 1-momentum), g.Scale(seen.mean, momentum))
	nextVariance = g.Add(g.Scale(variance, 1-momentum), g.Scale(seen.variance, momentum*unbiased))
	return nextMean, nextVariance
}

// relu is max(x, 0); its gradient at zero is zero.
func relu(g *graph.Graph, x graph.Value) (graph.Value, back) {
	y := g.Relu(x)
	return y, func(dy graph.Value) graph.Value { return g.Mul(dy, g.Positive(y)) }
}
