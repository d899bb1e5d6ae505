package operators_test

import (
	"context"
	"math"
	"testing"

	"faird/infer"
	"faird/model/graph"
)

func TestNormRelu(t *testing.T) {
	const epsilon = 1e-5
	onKinds(t, func(t *testing.T) {
		for _, s := range []shape{{n: 3, in: 4, h: 8, w: 16}, {n: 1, in: 3, h: 5, w: 7}, {n: 2, in: 1, h: 1, w: 1}, {n: 2, in: 5, h: 33, w: 31}} {
			size := s.n * s.in * s.h * s.w
			x, dy, scale, bias := noise(1, size), noise(2, size), noise(3, s.in), noise(4, s.in)
			for i := range x {
				x[i] = 3*x[i] + 50 // far from zero, where squares would lose the variance
			}
			g := graph.New("norm")
			shape, c := []int{s.n, s.in, s.h, s.w}, []int{s.in}
			px, pdy, ps, pb := g.Input("x", shape...), g.Input("dy", shape...), g.Input("scale", c...), g.Input("bias", c...)
			y, mean, variance := g.NormRelu(px, ps, pb, epsilon)
			dx, dscale, dbias := g.NormReluBack(px, pdy, ps, pb, mean, variance, epsilon)
			for name, v := range map[string]graph.Value{"y": y, "mean": mean, "variance": variance, "dx": dx, "dscale": dscale, "dbias": dbias} {
				g.Output(name, v)
			}
			_, _, opened := open(t, g, 2, nil, nil)
			in := map[string][]float32{"x": x, "dy": dy, "scale": scale, "bias": bias}
			var inputs, outputs []*infer.Tensor
			for _, name := range opened.Inputs() {
				shaped := shape
				if len(in[name]) == s.in && name != "x" && name != "dy" {
					shaped = c
				}
				inputs = append(inputs, tensor(t, shaped))
				copy(inputs[len(inputs)-1].Data(), in[name])
			}
			for _, name := range opened.Outputs() {
				shaped := c
				if name == "y" || name == "dx" {
					shaped = shape
				}
				outputs = append(outputs, tensor(t, shaped))
			}
			if err := opened.Run(context.Background(), inputs, outputs); err != nil {
				t.Fatal(err)
			}
			want := normed(s, epsilon, x, dy, scale, bias)
			for i, name := range opened.Outputs() {
				for k, w := range want[name] {
					if got := float64(outputs[i].Data()[k]); math.Abs(got-w) > 2e-4*(1+math.Abs(w)) {
						t.Errorf("%s: %s[%d] is %v, want %v", s, name, k, got, w)
						break
					}
				}
			}
		}
	})
}

// normed is the same by the definitions, in float64.
func normed(s shape, epsilon float64, x, dy, scale, bias []float32) map[string][]float64 {
	all := map[string][]float64{}
	for name, n := range map[string]int{"y": len(x), "dx": len(x), "mean": s.in, "variance": s.in, "dscale": s.in, "dbias": s.in} {
		all[name] = make([]float64, n)
	}
	count := float64(s.n * s.h * s.w)
	each := func(c int, f func(i int)) {
		for n := range s.n {
			for k := range s.h * s.w {
				f((n*s.in+c)*s.h*s.w + k)
			}
		}
	}
	for c := range s.in {
		var mean, variance, g, gd float64
		each(c, func(i int) { mean += float64(x[i]) / count })
		each(c, func(i int) { variance += (float64(x[i]) - mean) * (float64(x[i]) - mean) / count })
		v := 1 / math.Sqrt(variance+epsilon)
		slope := float64(scale[c]) * v
		through := func(i int) float64 {
			if (float64(x[i])-mean)*slope+float64(bias[c]) > 0 {
				return float64(dy[i])
			}
			return 0
		}
		each(c, func(i int) {
			all["y"][i] = max((float64(x[i])-mean)*slope+float64(bias[c]), 0)
			g += through(i)
			gd += through(i) * (float64(x[i]) - mean)
		})
		each(c, func(i int) {
			all["dx"][i] = slope * (through(i) - g/count - (float64(x[i])-mean)*v*v*gd/count)
		})
		all["mean"][c], all["variance"][c], all["dscale"][c], all["dbias"][c] = mean, variance, v*gd, g
	}
	return all
}
