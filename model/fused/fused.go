// Package fused joins the whole method to a network as ONNX nodes: from the
// resized picture through the high-pass, the restoration, MSGMS and the colour
// difference to the smoothed map, so that a device does it all in one run. It
// writes graphs and never runs one; what the equations are, faird/fair says.
package fused

import (
	"fmt"

	"faird/model"
	"faird/model/graph"
)

// Names of the graph's inputs and outputs.
const (
	InPicture   = "picture"  // [n, 3, h, w] BGR, 0..1
	InKeep      = "keep"     // [n, 1, h, w], 0 where the map is ignored, else 1
	OutRestored = "restored" // [n, 3, h, w] BGR, not clipped
	OutGradient = "gradient" // [n, 1, h, w], 1 - MSGMS
	OutColour   = "colour"   // [n, 1, h, w], squared difference of a and b
	OutMap      = "map"      // [n, 1, h, w], smoothed, 0 where ignored

	// In place of OutMap where the model's score is normalised, which is for the
	// host to do.
	OutLightness = "lightness" // [n, 1, h, w], difference of L
)

// Build writes the fused graph of a model, for any n.
func Build(f *model.File) ([]byte, error) {
	h, w, s := f.Height, f.Width, f.Scoring
	if divisor := 1 << (s.Scales - 1); h%divisor != 0 || w%divisor != 0 {
		return nil, fmt.Errorf("fused graph: %d scales need sides that divide by %d, the model's are %dx%d", s.Scales, divisor, w, h)
	}
	g := graph.New("faird-fused")
	picture := g.Input(InPicture, graph.Free, 3, h, w)
	keep := g.Input(InKeep, graph.Free, 1, h, w)

	g.Scope("highpass")
	input, err := highPass(g, f, grey(g, picture))
	if err != nil {
		return nil, fmt.Errorf("fused graph: %w", err)
	}
	g.Scope("network")
	restored := g.Inline("net/", f.Bytes(), input, graph.Free, 3, h, w)

	g.Scope("score")
	gradient := g.Sub(g.Scalar(1), similarity(g, picture, restored, s.Scales))
	lightness, colour := difference(g, picture, restored)
	g.Output(OutRestored, restored)
	g.Output(OutGradient, gradient)
	g.Output(OutColour, colour)
	if f.Normal != nil {
		g.Output(OutLightness, g.Mul(lightness, keep)) // so that there are the same inputs
		return g.Build()
	}
	raw := g.Mul(g.Add(gradient, g.Scale(colour, s.K)), keep)
	g.Output(OutMap, g.Mul(g.MeanFilter(g.MeanFilter(raw, 1, s.Smooth), s.Smooth, 1), keep))
	return g.Build()
}

// grey is the luma of BT.601 of a BGR picture.
func grey(g *graph.Graph, x graph.Value) graph.Value {
	return g.Conv(x, g.Const([]float32{0.114, 0.587, 0.299}, 1, 3, 1, 1), graph.Value{}, graph.Window{})
}
