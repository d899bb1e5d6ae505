package unet

import "faird/model/graph"

// batch is what a batch norm saw of its batch, each [c].
type batch struct{ mean, variance graph.Value }

// norm is a batch norm in training: x [n, c, h, w] by the batch's own mean and
// (biased) variance. Its way back gives the gradients of x, scale and bias.
func norm(g *graph.Graph, x, scale, bias graph.Value) (y graph.Value, seen batch, backNorm func(dy graph.Value) (dx, dscale, dbias graph.Value)) {
	count := float64(x.Dim(0) * x.Dim(2) * x.Dim(3))
	mean := g.Mean(x, 0, 2, 3)
	meanSquare := g.Scale(channelDot(g, x, x), 1/count)
	variance := g.Relu(g.Sub(meanSquare, g.Square(mean))) // rounding may take it below zero
	y = g.BatchNorm(x, scale, bias, mean, variance, epsilon)

	// With v = 1/sqrt(variance + eps), z = (x - mean) v and means over the batch:
	// dx = scale v (dy - mean(dy) - z mean(dy z)), which is a line in dy plus a
	// line in x for each channel; BatchNormalization draws lines fastest.
	backNorm = func(dy graph.Value) (dx, dscale, dbias graph.Value) {
		v := g.Div(g.Scalar(1), g.Sqrt(g.AddScalar(variance, epsilon)))
		dbias = g.Sum(dy, 0, 2, 3)
		dscale = g.Mul(v, g.Sub(channelDot(g, dy, x), g.Mul(mean, dbias)))

		slope := g.Mul(scale, v)
		slopeX := g.Scale(g.Mul(g.Mul(slope, v), dscale), -1/count)
		offset := g.Sub(g.Scale(g.Mul(slope, dbias), -1/count), g.Mul(slopeX, mean))
		return g.Add(line(g, dy, slope, offset), line(g, x, slopeX, g.Fill(0, x.Dim(1)))), dscale, dbias
	}
	return y, batch{mean, variance}, backNorm
}

// channelDot is the sum of a*b over everything but the channel.
func channelDot(g *graph.Graph, a, b graph.Value) graph.Value {
	n, c, pixels := a.Dim(0), a.Dim(1), a.Dim(2)*a.Dim(3)
	return g.Sum(g.MatMul(g.Reshape(a, n, c, 1, pixels), g.Reshape(b, n, c, pixels, 1)), 0, 2, 3)
}

// line is slope*x + offset for each channel.
func line(g *graph.Graph, x, slope, offset graph.Value) graph.Value {
	c := x.Dim(1)
	return g.BatchNorm(x, slope, offset, g.Fill(0, c), g.Fill(1, c), 0)
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
