package fused

import "faird/model/graph"

// similar is the constant of gradient magnitude similarity (eq. 7).
const similar = 0.0026

// similarity is MSGMS of two pictures [n, 3, h, w]: the similarity of their
// gradients, mean over colours and scales (eq. 8), [n, 1, h, w].
func similarity(g *graph.Graph, a, b graph.Value, scales int) graph.Value {
	var total graph.Value
	for scale := range scales {
		if scale > 0 {
			a, b = g.AveragePool2(a), g.AveragePool2(b)
		}
		ma, mb := magnitude(g, a), magnitude(g, b)
		product := g.Mul(ma, mb)
		sum := g.Add(g.Square(ma), g.Square(mb))
		same := g.Div(g.AddScalar(g.Scale(product, 2), similar), g.AddScalar(sum, similar))
		mean := channelMean(g, same)
		if scale == 0 {
			total = mean
			continue
		}
		total = g.Add(total, g.Stretch(mean, 1<<scale))
	}
	return g.Scale(total, 1/float64(scales))
}

// magnitude of the Prewitt gradient of each colour; zero outside.
func magnitude(g *graph.Graph, x graph.Value) graph.Value {
	gx := g.Conv(x, prewitt(g, 1, 0, -1, 1, 0, -1, 1, 0, -1), graph.Value{}, graph.Window{PadH: 1, PadW: 1, Groups: 3})
	gy := g.Conv(x, prewitt(g, 1, 1, 1, 0, 0, 0, -1, -1, -1), graph.Value{}, graph.Window{PadH: 1, PadW: 1, Groups: 3})
	return g.Sqrt(g.AddScalar(g.Add(g.Square(gx), g.Square(gy)), 1e-12))
}

// prewitt is a third of the taps, once for each colour.
func prewitt(g *graph.Graph, taps ...float32) graph.Value {
	var all []float32
	for range 3 {
		for _, v := range taps {
			all = append(all, v/3)
		}
	}
	return g.Const(all, 3, 1, 3, 3)
}

func channelMean(g *graph.Graph, x graph.Value) graph.Value {
	const third = 1.0 / 3
	return g.Conv(x, g.Const([]float32{third, third, third}, 1, 3, 1, 1), graph.Value{}, graph.Window{})
}

// difference is L - L', and (a - a')^2 + (b - b')^2 of CIELAB (eq. 9), [n, 1, h, w].
func difference(g *graph.Graph, x, y graph.Value) (lightness, colour graph.Value) {
	d := g.Split(g.Sub(lab(g, x), lab(g, y)), 1, 1, 2)
	return d[0], g.Conv(g.Square(d[1]), g.Const([]float32{1, 1}, 1, 2, 1, 1), graph.Value{}, graph.Window{})
}

// white is D65, by which X and Z are divided.
const (
	whiteX = 0.950456
	whiteZ = 1.088754
)

// lab is CIELAB of BGR pixels in sRGB, but for the 16 that its L starts at,
// [n, 3, h, w].
func lab(g *graph.Graph, bgr graph.Value) graph.Value {
	v := g.Clip(bgr, 0, 1)
	linear := g.WhereAbove(v, 0.04045, g.Pow(g.Scale(g.AddScalar(v, 0.055), 1/1.055), 2.4), g.Scale(v, 1/12.92))
	xyz := g.Conv(linear, g.Const([]float32{ // columns B, G, R
		0.180423 / whiteX, 0.357580 / whiteX, 0.412453 / whiteX,
		0.072169, 0.715160, 0.212671,
		0.950227 / whiteZ, 0.119193 / whiteZ, 0.019334 / whiteZ,
	}, 3, 3, 1, 1), graph.Value{}, graph.Window{})
	f := g.WhereAbove(xyz, 216.0/24389, g.Pow(xyz, 1.0/3), g.AddScalar(g.Scale(xyz, 841.0/108), 4.0/29))
	return g.Conv(f, g.Const([]float32{0, 116, 0, 500, -500, 0, 0, 200, -200}, 3, 3, 1, 1), graph.Value{}, graph.Window{})
}
