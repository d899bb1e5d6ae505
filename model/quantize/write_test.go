package quantize_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"faird/infer"
	"faird/model/graph"
	"faird/model/native"
	"faird/model/onnxpb"
	"faird/model/quantize"
	"faird/model/unet"
)

const side = 64

// network is a small UNet with weights as large as trained ones.
func network(t testing.TB) []byte {
	t.Helper()
	n := unet.Network{Width: 8, Channels: 1}
	w := n.Initial(3)
	for _, p := range n.Parameters() {
		if len(p.Shape) != 4 {
			continue
		}
		fan := float64(p.Shape[1] * 9)
		for i, v := range p.Of(w.Parameters) {
			p.Of(w.Parameters)[i] = v * float32(math.Sqrt(2/fan)/0.02)
		}
	}
	onnx, err := n.Inference(w, side, side)
	if err != nil {
		t.Fatal(err)
	}
	return onnx
}

// execute runs a graph once with one input.
func execute(t *testing.T, onnx []byte, x []float32, in []int64, outputs ...[]int64) [][]float32 {
	t.Helper()
	g, err := infer.OpenGraph(onnx, infer.GraphOptions{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	input, err := infer.NewTensor(in...)
	if err != nil {
		t.Fatal(err)
	}
	defer input.Close()
	copy(input.Data(), x)
	var results []*infer.Tensor
	for _, shape := range outputs {
		out, err := infer.NewTensor(shape...)
		if err != nil {
			t.Fatal(err)
		}
		defer out.Close()
		results = append(results, out)
	}
	if err := g.Run(t.Context(), []*infer.Tensor{input}, results); err != nil {
		t.Fatal(err)
	}
	var data [][]float32
	for _, r := range results {
		data = append(data, slices.Clone(r.Data()))
	}
	return data
}

func picture(seed uint64) []float32 {
	r := rand.New(rand.NewPCG(seed, 1))
	x := make([]float32, side*side)
	for i := range x {
		x[i] = float32(0.3 * r.NormFloat64())
	}
	return x
}

// measure gives the ranges of a network on pictures.
func measure(t *testing.T, n *quantize.Network) (map[string]quantize.Range, map[string][]float64) {
	t.Helper()
	onnx, tensors, err := n.Probe(side, side)
	if err != nil {
		t.Fatal(err)
	}
	var shapes [][]int64
	histograms := map[string]*quantize.Histogram{n.Input(): {}}
	for _, a := range tensors {
		shapes = append(shapes, a.Shape)
		if !a.Means {
			histograms[a.Name] = &quantize.Histogram{}
		}
	}
	means := map[string][]float64{}
	const pictures = 4
	for seed := range uint64(pictures) {
		x := picture(seed)
		histograms[n.Input()].Add(x)
		for i, data := range execute(t, onnx, x, []int64{1, 1, side, side}, shapes...) {
			name := tensors[i].Name
			if !tensors[i].Means {
				histograms[name].Add(data)
				continue
			}
			if means[name] == nil {
				means[name] = make([]float64, len(data))
			}
			for c, v := range data {
				means[name][c] += float64(v) / pictures
			}
		}
	}
	ranges := map[string]quantize.Range{}
	for name, h := range histograms {
		ranges[name] = h.LeastError()
	}
	return ranges, means
}

// operators counts a graph's nodes by kind.
func operators(t *testing.T, onnx []byte) map[string]int {
	t.Helper()
	var m onnxpb.ModelProto
	if err := proto.Unmarshal(onnx, &m); err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	for _, node := range m.Graph.Node {
		count[node.GetOpType()]++
	}
	return count
}

// signalToNoise of b as an approximation of a, in dB.
func signalToNoise(a, b []float32) float64 {
	var signal, noise float64
	for i := range a {
		signal += float64(a[i]) * float64(a[i])
		noise += float64(a[i]-b[i]) * float64(a[i]-b[i])
	}
	return 10 * math.Log10(signal/noise)
}

// The network has 23 convolutions, all but the last with a ReLU, four pools,
// four doublings and four sums.
func TestWrite(t *testing.T) {
	onnx := network(t)
	n, err := quantize.Parse(onnx)
	if err != nil {
		t.Fatal(err)
	}
	ranges, means := measure(t, n)
	in, out := []int64{1, 1, side, side}, []int64{1, 3, side, side}
	for _, c := range []struct {
		target string
		float  []string
		want   map[string]int
	}{
		{quantize.CPU, nil, map[string]int{"QLinearConv": 23, "Conv": 0, "QLinearAdd": 4, "Relu": 0, "QuantizeLinear": 5, "DequantizeLinear": 5}},
		{quantize.CPU, []string{"e1.0", "out"}, map[string]int{"QLinearConv": 21, "Conv": 2, "Relu": 1, "MaxPool": 4, "Resize": 4}},
		{quantize.CPU, []string{"d2.0", "out"}, map[string]int{"QLinearConv": 21, "Conv": 2, "Relu": 1, "QLinearAdd": 4}},
		{quantize.TensorRT, nil, map[string]int{"QLinearConv": 0, "Conv": 23, "Relu": 22, "QuantizeLinear": 23, "DequantizeLinear": 46}},
		{quantize.TensorRT, []string{"e1.0", "out"}, map[string]int{"Conv": 23, "QuantizeLinear": 21, "DequantizeLinear": 42}},
	} {
		t.Run(c.target+" "+strings.Join(c.float, ","), func(t *testing.T) {
			small, err := n.Write(quantize.Options{Target: c.target, Ranges: ranges, Means: means, Float: c.float})
			if err != nil {
				t.Fatal(err)
			}
			got := operators(t, small)
			for op, want := range c.want {
				if got[op] != want {
					t.Errorf("%d %s, want %d", got[op], op, want)
				}
			}
			for seed := uint64(10); seed < 13; seed++ {
				x := picture(seed)
				before, after := execute(t, onnx, x, in, out)[0], execute(t, small, x, in, out)[0]
				if db := signalToNoise(before, after); db < 20 {
					t.Errorf("picture %d: %.1f dB above the error of 8 bits", seed, db)
				}
			}
		})
	}
}

// The form in which the CPU runs it restores the same, but for values that lie
// between two steps.
func TestNativeForm(t *testing.T) {
	n, err := quantize.Parse(network(t))
	if err != nil {
		t.Fatal(err)
	}
	ranges, means := measure(t, n)
	for _, c := range []struct {
		float    []string
		replaced int
		want     map[string]int
	}{
		{[]string{"e1.0", "out"}, 6, map[string]int{"Conv3x3ToBytes": 1, "DoubleBytes": 4, "Conv3x3FromBytes": 1, "Conv": 0, "Resize": 0, "QuantizeLinear": 0}},
		{[]string{"e1.0", "d3.0", "out"}, 7, map[string]int{"Conv3x3": 1, "Transpose": 2, "QLinearConv": 20, "DoubleBytes": 4}},
		{[]string{"e1.0", "d4.3", "out"}, 7, map[string]int{"Conv3x3ToBytes": 1, "DoubleBytes": 4, "Conv3x3": 2, "Transpose": 1, "QLinearConv": 20, "Conv": 0}},
		{[]string{"e1.0", "d4.0", "d4.3", "out"}, 8, map[string]int{"Conv3x3": 3, "Transpose": 1, "Conv": 0}},
		// Where numbers are pooled or doubled before they are rounded it is not rewritten.
		{[]string{"e1.0", "e1.3", "out"}, 0, map[string]int{"Conv": 3}},
		{[]string{"e1.0", "d3.3", "out"}, 0, map[string]int{"Conv": 3}},
		{[]string{"out"}, 0, map[string]int{"QLinearConv": 22, "Resize": 4}}, // its first layer is in 8 bits: not rewritten
	} {
		t.Run(strings.Join(c.float, ","), func(t *testing.T) {
			small, err := n.Write(quantize.Options{Target: quantize.CPU, Ranges: ranges, Means: means, Float: c.float})
			if err != nil {
				t.Fatal(err)
			}
			form, replaced, err := native.Rewrite(small)
			if err != nil || replaced != c.replaced {
				t.Fatalf("%d replaced, %v", replaced, err)
			}
			got := operators(t, form)
			for op, want := range c.want {
				if got[op] != want {
					t.Errorf("%d %s, want %d", got[op], op, want)
				}
			}
			x := slices.Concat(picture(20), picture(21))
			in, out := []int64{2, 1, side, side}, []int64{2, 3, side, side}
			before := execute(t, small, x, in, out)[0]
			after := execute(t, form, x, in, out)[0]
			if db := signalToNoise(before, after); db < 45 {
				t.Errorf("%.1f dB above the difference", db)
			}
		})
	}
}

// Two products of the largest activation and the largest weight are added in 16
// bits on processors without VNNI: 8-bit weights would come out wrong there.
func TestLargestSumsAreExact(t *testing.T) {
	const channels = 16
	weights := make([]float32, channels*channels*9)
	for i := range weights {
		weights[i] = 1
	}
	g := graph.New("sums")
	x := g.Input("x", 1, channels, 8, 8)
	for i, name := range []string{"a", "b", "c"} { // the first and the last are as in every network
		g.Scope(name)
		scale := float32(1)
		if i > 0 {
			scale = 1.0 / (channels * 9)
		}
		scaled := slices.Clone(weights)
		for k := range scaled {
			scaled[k] *= scale
		}
		x = g.Relu(g.Conv(x, g.Named(name, scaled, channels, channels, 3, 3), graph.Value{}, graph.Window{PadH: 1, PadW: 1}))
	}
	g.Output("y", x)
	onnx, err := g.Build()
	if err != nil {
		t.Fatal(err)
	}
	n, err := quantize.Parse(onnx)
	if err != nil {
		t.Fatal(err)
	}
	ranges := map[string]quantize.Range{n.Input(): {High: 1}}
	_, tensors, err := n.Probe(8, 8)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range tensors {
		if !a.Means {
			ranges[a.Name] = quantize.Range{High: channels * 9}
		}
	}
	small, err := n.Write(quantize.Options{Target: quantize.CPU, Ranges: ranges})
	if err != nil {
		t.Fatal(err)
	}
	ones := make([]float32, channels*8*8)
	for i := range ones {
		ones[i] = 1
	}
	shape := []int64{1, channels, 8, 8}
	got := execute(t, small, ones, shape, shape)[0]
	want := execute(t, onnx, ones, shape, shape)[0]
	for i := range want {
		if math.Abs(float64(got[i]-want[i])) > 0.02*channels*9 {
			t.Fatalf("pixel %d: %v, in float32 %v", i, got[i], want[i])
		}
	}
}

func TestErrors(t *testing.T) {
	n, err := quantize.Parse(network(t))
	if err != nil {
		t.Fatal(err)
	}
	ranges, _ := measure(t, n)
	small, err := n.Write(quantize.Options{Target: quantize.CPU, Ranges: ranges})
	if err != nil {
		t.Fatal(err)
	}
	partial := map[string]quantize.Range{n.Input(): {High: 1, Signed: true}}
	written := func(o quantize.Options) func() error {
		return func() error { _, err := n.Write(o); return err }
	}
	parsed := func(onnx []byte) func() error {
		return func() error { _, err := quantize.Parse(onnx); return err }
	}
	for name, c := range map[string]struct {
		do   func() error
		want string
	}{
		"target":          {written(quantize.Options{Target: "npu", Ranges: ranges}), "choose cpu or tensorrt"},
		"layer":           {written(quantize.Options{Target: "cpu", Ranges: ranges, Float: []string{"e9"}}), `no layer "e9"`},
		"range":           {written(quantize.Options{Target: "cpu", Ranges: partial}), "its range was not measured"},
		"quantised twice": {parsed(small), "start from the float32 model"},
		"no network":      {parsed([]byte("RIFF")), "not an ONNX network"},
		"nothing":         {parsed(nil), "not an ONNX network"},
		"old":             {parsed(opset(t, 11)), "export it with 13 or newer"},
	} {
		if err := c.do(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", name, err, c.want)
		}
	}
}

func opset(t *testing.T, version int64) []byte {
	t.Helper()
	onnx, err := proto.Marshal(&onnxpb.ModelProto{
		IrVersion: proto.Int64(8), Graph: &onnxpb.GraphProto{},
		OpsetImport: []*onnxpb.OperatorSetIdProto{{Domain: proto.String(""), Version: proto.Int64(version)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return onnx
}
