package unet

import (
	"fmt"
	"math"

	"faird/model/graph"
)

// Inference writes the network that restores: batch norms folded into the
// convolutions, input "highpass" [n, channels, height, width], output
// "restored" [n, 3, height, width], any n.
func (n Network) Inference(w Weights, height, width int) ([]byte, error) {
	if err := n.Check(height, width); err != nil {
		return nil, fmt.Errorf("inference graph: %w", err)
	}
	p, s := n.Parameters(), n.Statistics()
	if len(w.Parameters) != Length(p) || len(w.Statistics) != Length(s) {
		return nil, fmt.Errorf("inference graph: %d parameters and %d statistics, the network has %d and %d",
			len(w.Parameters), len(w.Statistics), Length(p), Length(s))
	}
	g := graph.New("faird-unet")
	f := &folder{g: g, numbers: map[string][]float32{}}
	f.take(p, w.Parameters)
	f.take(s, w.Statistics)
	restored, _ := n.walk(f, g.Input(InPicture, graph.Free, n.Channels, height, width))
	g.Output(OutRestored, restored)
	return g.Build()
}

// folder appends layers for restoring only.
type folder struct {
	g       *graph.Graph
	numbers map[string][]float32 // parameters and statistics by name
}

func (f *folder) take(list []Parameter, flat []float32) {
	for _, p := range list {
		f.numbers[p.Name] = p.Of(flat)
	}
}

// unit is y = s (conv(x) - mean) + bias = conv'(x) + bias', with
// s = scale / sqrt(variance + eps) multiplied into the weights.
func (f *folder) unit(u unit, x graph.Value) (graph.Value, back) {
	weights := append([]float32(nil), f.numbers[u.conv+".weight"]...)
	bias := make([]float32, u.out)
	taps := len(weights) / u.out
	for o := range u.out {
		s := float64(f.numbers[u.norm+".weight"][o]) / math.Sqrt(float64(f.numbers[u.norm+".running_var"][o])+epsilon)
		for i := range taps {
			weights[o*taps+i] = float32(s * float64(weights[o*taps+i]))
		}
		bias[o] = float32(float64(f.numbers[u.norm+".bias"][o]) - s*float64(f.numbers[u.norm+".running_mean"][o]))
	}
	f.g.Scope(u.conv)
	return f.g.Relu(f.conv(u.conv, x, weights, bias)), nil
}

func (f *folder) last(x graph.Value) (graph.Value, back) {
	f.g.Scope("out")
	return f.conv("out", x, f.numbers["out.weight"], f.numbers["out.bias"]), nil
}

func (f *folder) conv(name string, x graph.Value, weights, bias []float32) graph.Value {
	w := f.g.Named(name+".weight", weights, len(bias), x.Dim(1), 3, 3)
	return f.g.Conv(x, w, f.g.Named(name+".bias", bias, len(bias)), same3)
}

func (f *folder) pool(x graph.Value) (graph.Value, back)   { return f.g.MaxPool2(x), nil }
func (f *folder) double(x graph.Value) (graph.Value, back) { return f.g.Bilinear2(x), nil }
func (f *folder) add(a, b graph.Value) graph.Value         { return f.g.Add(a, b) }
