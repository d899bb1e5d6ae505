package native_test

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	"faird/infer"
	"faird/model/graph"
	"faird/model/native"
	"faird/model/onnxpb"
	"faird/model/unet"
)

// The restoration network is the same network, but for rounding: every one of
// its convolutions is replaced, with all ReLUs and all sums.
func TestRewrittenNetworkIsTheSame(t *testing.T) {
	for _, c := range []struct {
		network       unet.Network
		height, width int
		batch         int
	}{
		{unet.Network{Width: 16, Channels: 1}, 128, 128, 1},
		{unet.Network{Width: 11, Channels: 2}, 48, 80, 3},
	} {
		w := c.network.Initial(5)
		for i := range w.Statistics {
			w.Statistics[i] *= 0.02 // untrained convolutions shrink what they are given
		}
		onnx, err := c.network.Inference(w, c.height, c.width)
		if err != nil {
			t.Fatal(err)
		}
		rewritten, n, err := native.Rewrite(onnx)
		if err != nil {
			t.Fatal(err)
		}
		if ops := operators(t, rewritten); n != 23 || ops["Conv3x3"] != 23 || ops["Conv"]+ops["Relu"]+ops["Add"] != 0 {
			t.Errorf("%d replaced, left are %v", n, ops)
		}
		x := noise(c.batch * c.network.Channels * c.height * c.width)
		in, out := []int{c.batch, c.network.Channels, c.height, c.width}, []int{c.batch, 3, c.height, c.width}
		want, got := run(t, onnx, x, in, out), run(t, rewritten, x, in, out)
		var off, norm float64
		for i := range want {
			off += math.Pow(float64(got[i]-want[i]), 2)
			norm += math.Pow(float64(want[i]), 2)
		}
		if e := math.Sqrt(off / norm); !(e < 1e-4) {
			t.Errorf("width %d: the restoration is off by %.2g of its size", c.network.Width, e)
		} else {
			t.Logf("width %d: off by %.2g", c.network.Width, e)
		}
	}
}

// What is no 3x3 convolution of constant weights, or is read by somebody else
// too, stays.
func TestWhatStays(t *testing.T) {
	weights := func(g *graph.Graph, out, in, k int) graph.Value {
		return g.Const(noise(out*in*k*k), out, in, k, k)
	}
	same := graph.Window{PadH: 1, PadW: 1}
	none := graph.Value{}
	for _, c := range []struct {
		name string
		make func(g *graph.Graph, x graph.Value)
		want map[string]int
	}{
		{"no padding", func(g *graph.Graph, x graph.Value) {
			g.Output("y", g.Conv(x, weights(g, 8, 6, 3), none, graph.Window{}))
		}, map[string]int{"Conv": 1}},
		{"1x1", func(g *graph.Graph, x graph.Value) {
			g.Output("y", g.Conv(x, weights(g, 8, 6, 1), none, graph.Window{}))
		}, map[string]int{"Conv": 1}},
		{"groups", func(g *graph.Graph, x graph.Value) {
			g.Output("y", g.Conv(x, weights(g, 8, 3, 3), none, graph.Window{PadH: 1, PadW: 1, Groups: 2}))
		}, map[string]int{"Conv": 1}},
		{"computed weights", func(g *graph.Graph, x graph.Value) {
			g.Output("y", g.Conv(x, g.Scale(weights(g, 8, 6, 3), 2), none, same))
		}, map[string]int{"Conv": 1, "Mul": 1}},
		{"the result before the ReLU is wanted", func(g *graph.Graph, x graph.Value) {
			y := g.Conv(x, weights(g, 8, 6, 3), none, same)
			g.Output("z", g.Relu(y))
			g.Output("y", y)
		}, map[string]int{"Conv3x3": 1, "Relu": 1}},
		{"two read it", func(g *graph.Graph, x graph.Value) {
			y := g.Conv(x, weights(g, 8, 6, 3), none, same)
			g.Output("z", g.Mul(g.Relu(y), y))
		}, map[string]int{"Conv3x3": 1, "Relu": 1, "Mul": 1}},
		{"a sum with what is no picture", func(g *graph.Graph, x graph.Value) {
			g.Output("z", g.Add(g.Relu(g.Conv(x, weights(g, 8, 6, 3), none, same)), g.Const(noise(8), 8, 1, 1)))
		}, map[string]int{"Conv3x3": 1, "Add": 1}},
		{"a sum with itself", func(g *graph.Graph, x graph.Value) {
			y := g.Relu(g.Conv(x, weights(g, 8, 6, 3), none, same))
			g.Output("z", g.Add(y, y))
		}, map[string]int{"Conv3x3": 1, "Add": 1}},
		{"a sum of two", func(g *graph.Graph, x graph.Value) {
			a := g.Relu(g.Conv(x, weights(g, 8, 6, 3), none, same))
			b := g.Relu(g.Conv(g.Relu(x), weights(g, 8, 6, 3), none, same))
			g.Output("z", g.Add(a, b))
		}, map[string]int{"Conv3x3": 2, "Relu": 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := graph.New(c.name)
			c.make(g, g.Input("x", 1, 6, 8, 8))
			onnx, err := g.Build()
			if err != nil {
				t.Fatal(err)
			}
			rewritten, _, err := native.Rewrite(onnx)
			if err != nil {
				t.Fatal(err)
			}
			got := operators(t, rewritten)
			for op, n := range c.want {
				if got[op] != n {
					t.Errorf("operators %v, want %v", got, c.want)
				}
			}
			for i, want := range outputs(t, onnx) {
				if got := outputs(t, rewritten)[i]; !near(got, want) {
					t.Errorf("output %d: %v, want %v", i, got[:4], want[:4])
				}
			}
		})
	}
}

func TestRubbish(t *testing.T) {
	for _, onnx := range [][]byte{nil, []byte("text")} {
		if _, _, err := native.Rewrite(onnx); err == nil {
			t.Errorf("%q was rewritten", onnx)
		}
	}
}

func operators(t *testing.T, onnx []byte) map[string]int {
	t.Helper()
	count := map[string]int{}
	for _, n := range parse(t, onnx).Graph.Node {
		count[n.GetOpType()]++
	}
	return count
}

func parse(t *testing.T, onnx []byte) *onnxpb.ModelProto {
	t.Helper()
	m := new(onnxpb.ModelProto)
	if err := proto.Unmarshal(onnx, m); err != nil {
		t.Fatal(err)
	}
	return m
}

// outputs of a graph of one input [1, 6, 8, 8] whose outputs have 8 channels.
func outputs(t *testing.T, onnx []byte) [][]float32 {
	t.Helper()
	var shapes [][]int
	for _, v := range parse(t, onnx).Graph.Output {
		var shape []int
		for _, d := range v.GetType().GetTensorType().GetShape().GetDim() {
			shape = append(shape, int(d.GetDimValue()))
		}
		shapes = append(shapes, shape)
	}
	return runAll(t, onnx, noise(6*8*8), []int{1, 6, 8, 8}, shapes)
}

func run(t *testing.T, onnx []byte, x []float32, in, out []int) []float32 {
	t.Helper()
	return runAll(t, onnx, x, in, [][]int{out})[0]
}

func runAll(t *testing.T, onnx []byte, x []float32, in []int, out [][]int) [][]float32 {
	t.Helper()
	g, err := infer.OpenGraph(onnx, infer.GraphOptions{})
	if err != nil {
		t.Fatalf("%v (make deps gets the library)", err)
	}
	defer g.Close()
	input := tensor(t, in)
	copy(input.Data(), x)
	var results []*infer.Tensor
	for _, shape := range out {
		results = append(results, tensor(t, shape))
	}
	if err := g.Run(context.Background(), []*infer.Tensor{input}, results); err != nil {
		t.Fatal(err)
	}
	var all [][]float32
	for _, r := range results {
		all = append(all, slices.Clone(r.Data()))
	}
	return all
}

func tensor(t *testing.T, shape []int) *infer.Tensor {
	t.Helper()
	dims := make([]int64, len(shape))
	for i, d := range shape {
		dims[i] = int64(d)
	}
	x, err := infer.NewTensor(dims...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = x.Close() })
	return x
}

func noise(n int) []float32 {
	r := rand.New(rand.NewPCG(uint64(n), 1))
	data := make([]float32, n)
	for i := range data {
		data[i] = float32(r.NormFloat64())
	}
	return data
}

func near(a, b []float32) bool {
	return slices.EqualFunc(a, b, func(x, y float32) bool { return math.Abs(float64(x-y)) < 1e-3 })
}
