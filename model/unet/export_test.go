package unet

import "faird/model/graph"

// The rules, for tests that run them: each gives its result and the gradients
// of its inputs for the gradient of its result.

func ConvRule(g *graph.Graph, x, w, dy graph.Value) (y, dx, dw graph.Value) {
	y, backX, backW := conv(g, x, w)
	return y, backX(dy), backW(dy)
}

func NativeRule(g *graph.Graph, x, w, dy graph.Value) (y, dx, dw graph.Value) {
	y, backX, backW := native(g, x, w)
	return y, backX(dy), backW(dy)
}

func NormRule(g *graph.Graph, x, scale, bias, dy graph.Value) (y, dx, dscale, dbias graph.Value) {
	y, _, backNorm := norm(g, x, scale, bias)
	dx, dscale, dbias = backNorm(dy)
	return y, dx, dscale, dbias
}

func NormReluRule(native bool) func(g *graph.Graph, x, scale, bias, dy graph.Value) (y, dx, dscale, dbias graph.Value) {
	return func(g *graph.Graph, x, scale, bias, dy graph.Value) (y, dx, dscale, dbias graph.Value) {
		y, _, back := Step{Native: native}.kind().norm(g, x, scale, bias)
		dx, dscale, dbias = back(dy)
		return y, dx, dscale, dbias
	}
}

func ReluRule(g *graph.Graph, x, dy graph.Value) (y, dx graph.Value) {
	y, b := relu(g, x)
	return y, b(dy)
}

func PoolRule(g *graph.Graph, x, dy graph.Value) (y, dx graph.Value) {
	y, b := pool(g, x)
	return y, b(dy)
}

func DoubleRule(g *graph.Graph, x, dy graph.Value) (y, dx graph.Value) {
	y, b := double(g, x)
	return y, b(dy)
}

// ObjectiveRule's result is [2]: MSE and SSIM; its gradient is that of MSE - SSIM.
func ObjectiveRule(g *graph.Graph, x, target graph.Value) (y, dx graph.Value) {
	mse, ssim, dx := objective(g, x, target)
	return g.Concat(0, g.Reshape(mse, 1), g.Reshape(ssim, 1)), dx
}

var (
	Adam    = adam
	Running = func(g *graph.Graph, x, mean, variance graph.Value) (nextMean, nextVariance graph.Value) {
		c := x.Dim(1)
		_, seen, _ := norm(g, x, g.Fill(1, c), g.Fill(0, c))
		return running(g, seen, mean, variance, x.Elements()/c)
	}
)
