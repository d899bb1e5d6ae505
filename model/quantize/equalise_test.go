package quantize_test

import (
	"slices"
	"testing"

	"faird/model/graph"
	"faird/model/quantize"
)

// peaks are the largest value of each channel of every activation.
func peaks(t *testing.T, n *quantize.Network, x []float32) map[string][]float64 {
	t.Helper()
	onnx, tensors, err := n.Probe(side, side)
	if err != nil {
		t.Fatal(err)
	}
	var shapes [][]int64
	for _, a := range tensors {
		shapes = append(shapes, a.Shape)
	}
	all := map[string][]float64{}
	for i, data := range execute(t, onnx, x, []int64{1, 1, side, side}, shapes...) {
		if tensors[i].Means {
			continue
		}
		per := len(data) / int(tensors[i].Shape[1])
		for c := range int(tensors[i].Shape[1]) {
			all[tensors[i].Name] = append(all[tensors[i].Name], float64(slices.Max(data[c*per:(c+1)*per])))
		}
	}
	return all
}

// restored is what the network restores, which Probe gives last but the sums.
func restored(t *testing.T, n *quantize.Network, x []float32) []float32 {
	t.Helper()
	onnx, tensors, err := n.Probe(side, side)
	if err != nil {
		t.Fatal(err)
	}
	var shapes [][]int64
	at := -1
	for i, a := range tensors {
		shapes = append(shapes, a.Shape)
		if a.Name == "restored" {
			at = i
		}
	}
	return execute(t, onnx, x, []int64{1, 1, side, side}, shapes...)[at]
}

// The channels come to more alike sizes, and the network restores the same.
func TestEqualise(t *testing.T) {
	n, err := quantize.Parse(network(t))
	if err != nil {
		t.Fatal(err)
	}
	x := picture(1)
	before, same := peaks(t, n, x), restored(t, n, x)
	scaled, err := n.Equalise(before)
	if err != nil {
		t.Fatal(err)
	}
	if scaled < 22 { // all but the last layer's, with what is pooled, doubled and added
		t.Errorf("%d activations were scaled", scaled)
	}
	after := peaks(t, n, x)
	for name, b := range before {
		if name == "restored" {
			continue
		}
		if s, e := spread(b), spread(after[name]); e > s*1.001 {
			t.Errorf("%s: the smallest channel was 1/%.2f of the largest, and is 1/%.2f", name, s, e)
		}
	}
	if db := signalToNoise(same, restored(t, n, x)); db < 90 {
		t.Errorf("%.1f dB above the difference", db)
	}
}

// spread is the largest by the mean of the channels that are ever above zero.
func spread(channels []float64) float64 {
	var sum, n float64
	for _, c := range channels {
		if c > 0 {
			sum, n = sum+c, n+1
		}
	}
	return slices.Max(channels) / (sum / n)
}

// What others read too, or what comes from elsewhere, is left alone.
func TestEqualiseLeavesAlone(t *testing.T) {
	weights := func(g *graph.Graph, name string, out, in int) graph.Value {
		return g.Named(name, noise(out*in*9), out, in, 3, 3)
	}
	same := graph.Window{PadH: 1, PadW: 1}
	for name, build := range map[string]func(g *graph.Graph, x, a, b graph.Value) graph.Value{
		"a product":      func(g *graph.Graph, x, a, b graph.Value) graph.Value { return g.Mul(a, b) },
		"a constant":     func(g *graph.Graph, x, a, b graph.Value) graph.Value { return g.Add(a, g.Fill(1, 4, 1, 1)) },
		"the input":      func(g *graph.Graph, x, a, b graph.Value) graph.Value { return g.Add(a, x) },
		"shared weights": nil,
	} {
		g := graph.New(name)
		x := g.Input("highpass", 1, 4, side, side)
		a := g.Relu(g.Conv(x, weights(g, "a", 4, 4), graph.Value{}, same))
		b := g.Relu(g.Conv(x, weights(g, "b", 4, 4), graph.Value{}, same))
		shared := weights(g, "c", 4, 4)
		if build != nil {
			g.Output("y", g.Conv(build(g, x, a, b), shared, graph.Value{}, same))
		} else {
			g.Output("y", g.Conv(g.Relu(g.Conv(a, shared, graph.Value{}, same)), shared, graph.Value{}, same))
		}
		onnx, err := g.Build()
		if err != nil {
			t.Fatal(err)
		}
		n, err := quantize.Parse(onnx)
		if err != nil {
			t.Fatal(err)
		}
		sizes := map[string][]float64{}
		for _, v := range []string{a.Name(), b.Name()} {
			sizes[v] = []float64{1, 2, 3, 4}
		}
		if scaled, err := n.Equalise(sizes); scaled != 0 || err != nil {
			t.Errorf("%s: %d scaled, %v", name, scaled, err)
		}
	}
}

func noise(n int) []float32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(i%7) - 3
	}
	return v
}
