package unet

import (
	"math"

	"faird/model/graph"
)

// Constants of SSIM for pictures in 0..1: the window and what keeps the
// quotients finite.
const (
	ssimWindow = 11
	ssimSigma  = 1.5
	ssimC1     = 0.01 * 0.01
	ssimC2     = 0.03 * 0.03
)

// objective is MSE + 1 - SSIM of the restored picture against the target,
// both [n, 3, h, w], and its gradient for the restored one.
func objective(g *graph.Graph, restored, target graph.Value) (mse, ssim, gradient graph.Value) {
	mse, dmse := meanSquare(g, restored, target)
	ssim, dssim := similarity(g, restored, target)
	return mse, ssim, g.Sub(dmse, dssim)
}

func meanSquare(g *graph.Graph, a, b graph.Value) (mean, da graph.Value) {
	diff := g.Sub(a, b)
	return g.Mean(g.Square(diff), 0, 1, 2, 3), g.Scale(diff, 2/float64(a.Elements()))
}

// similarity is the mean structural similarity of a and b (Wang 2004) and its
// gradient for a. With F the window, m = F(a), and the four terms
//
//	S = A1 A2 / (B1 B2),  A1 = 2 ma mb + C1,             B1 = ma^2 + mb^2 + C1,
//	                      A2 = 2 (F(ab) - ma mb) + C2,   B2 = F(aa) - ma^2 + F(bb) - mb^2 + C2,
//
// a reaches S through ma, F(aa) and F(ab); F is its own transpose.
func similarity(g *graph.Graph, a, b graph.Value) (mean, da graph.Value) {
	channels := a.Dim(1)
	seen := window(g, g.Concat(1, a, b, g.Square(a), g.Square(b), g.Mul(a, b)))
	f := g.Split(seen, 1, channels, channels, channels, channels, channels)
	ma, mb, faa, fbb, fab := f[0], f[1], f[2], f[3], f[4]

	mab, maa, mbb := g.Mul(ma, mb), g.Square(ma), g.Square(mb)
	a1 := g.AddScalar(g.Scale(mab, 2), ssimC1)
	a2 := g.AddScalar(g.Scale(g.Sub(fab, mab), 2), ssimC2)
	b1 := g.AddScalar(g.Add(maa, mbb), ssimC1)
	b2 := g.AddScalar(g.Sub(g.Add(faa, fbb), g.Add(maa, mbb)), ssimC2)
	b12 := g.Mul(b1, b2)
	s := g.Div(g.Mul(a1, a2), b12)
	mean = g.Mean(s, 0, 1, 2, 3)

	byMean := g.Sub(
		g.Mul(g.Scale(mb, 2), g.Div(g.Sub(a2, a1), b12)),
		g.Mul(g.Mul(g.Scale(ma, 2), s), g.Div(g.Sub(b2, b1), b12)))
	bySquare := g.Div(g.Scale(s, -2), b2) // with the 2 of d(aa) = 2a da
	byProduct := g.Div(g.Scale(a1, 2), b12)
	w := g.Split(window(g, g.Concat(1, byMean, bySquare, byProduct)), 1, channels, channels, channels)
	sum := g.Add(w[0], g.Add(g.Mul(a, w[1]), g.Mul(b, w[2])))
	return mean, g.Scale(sum, 1/float64(a.Elements()))
}

// window is the Gaussian mean of SSIM with zero padding, as one matrix product
// along each side.
func window(g *graph.Graph, x graph.Value) graph.Value {
	h, w := x.Dim(2), x.Dim(3)
	return g.MatMul(g.Const(toeplitz(h), h, h), g.MatMul(x, g.Const(toeplitz(w), w, w)))
}

// toeplitz is the n x n matrix of a Gaussian mean along n points.
func toeplitz(n int) []float32 {
	var tap [ssimWindow]float64
	var sum float64
	for i := range tap {
		d := float64(i - ssimWindow/2)
		tap[i] = math.Exp(-d * d / (2 * ssimSigma * ssimSigma))
		sum += tap[i]
	}
	m := make([]float32, n*n)
	for i := range n {
		for k := range tap {
			if j := i + k - ssimWindow/2; j >= 0 && j < n {
				m[i*n+j] = float32(tap[k] / sum)
			}
		}
	}
	return m
}
