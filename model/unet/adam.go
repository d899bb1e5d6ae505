package unet

import (
	"math"

	"faird/model/graph"
)

// Constants of Adam, as in the paper.
const (
	beta1   = 0.9
	beta2   = 0.999
	adamEps = 1e-8
)

// AdamFactors are the two numbers of step t (from 1) that the training graph
// takes as inputs, so that the host decides on the learning rate: the size of
// the step with the first moment's bias taken out, and the factor that takes
// the bias out of the second moment's root.
func AdamFactors(rate float64, t int) (size, root float32) {
	size = float32(rate / (1 - math.Pow(beta1, float64(t))))
	root = float32(1 / math.Sqrt(1-math.Pow(beta2, float64(t))))
	return size, root
}

// adam moves flat parameters [p] and both moments by the gradient; size and
// root are scalars from AdamFactors.
func adam(g *graph.Graph, parameters, moment1, moment2, gradient, size, root graph.Value) (p, m, v graph.Value) {
	m = g.Add(g.Scale(moment1, beta1), g.Scale(gradient, 1-beta1))
	v = g.Add(g.Scale(moment2, beta2), g.Scale(g.Square(gradient), 1-beta2))
	spread := g.AddScalar(g.Mul(g.Sqrt(v), root), adamEps)
	return g.Sub(parameters, g.Mul(size, g.Div(m, spread))), m, v
}
