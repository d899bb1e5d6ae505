package unet_test

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"google.golang.org/protobuf/proto"

	"faird/infer"
	"faird/model/onnxpb"
)

// program is a graph ready to run on numbers by name.
type program struct {
	t       testing.TB
	graph   *infer.Graph
	in, out map[string]*infer.Tensor
}

// compile loads a graph and makes its tensors; a free batch becomes one.
func compile(t testing.TB, onnx []byte) *program {
	t.Helper()
	return compileBatch(t, onnx, 1)
}

func compileBatch(t testing.TB, onnx []byte, batch int64) *program {
	t.Helper()
	if _, err := infer.Load(""); err != nil {
		t.Fatalf("%v (make deps gets the library)", err)
	}
	g, err := infer.OpenGraph(onnx, infer.GraphOptions{NoMemoryPattern: true, Optimisation: infer.OptimiseExtended})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = g.Close() })
	var m onnxpb.ModelProto
	if err := proto.Unmarshal(onnx, &m); err != nil {
		t.Fatal(err)
	}
	return &program{t: t, graph: g, in: tensors(t, batch, m.GetGraph().GetInput()), out: tensors(t, batch, m.GetGraph().GetOutput())}
}

func tensors(t testing.TB, batch int64, infos []*onnxpb.ValueInfoProto) map[string]*infer.Tensor {
	t.Helper()
	all := map[string]*infer.Tensor{}
	for _, v := range infos {
		var shape []int64
		for _, d := range v.GetType().GetTensorType().GetShape().GetDim() {
			if d.GetDimParam() != "" {
				shape = append(shape, batch)
				continue
			}
			shape = append(shape, d.GetDimValue())
		}
		x, err := infer.NewTensor(shape...)
		if err != nil {
			t.Fatalf("%s: %v", v.GetName(), err)
		}
		t.Cleanup(func() { _ = x.Close() })
		all[v.GetName()] = x
	}
	return all
}

// set fills an input.
func (p *program) set(name string, data []float32) {
	p.t.Helper()
	x := p.in[name]
	if x == nil || len(x.Data()) != len(data) {
		p.t.Fatalf("input %s does not take %d numbers", name, len(data))
	}
	copy(x.Data(), data)
}

func (p *program) run() {
	p.t.Helper()
	var in, out []*infer.Tensor
	for _, n := range p.graph.Inputs() {
		in = append(in, p.in[n])
	}
	for _, n := range p.graph.Outputs() {
		out = append(out, p.out[n])
	}
	if err := p.graph.Run(context.Background(), in, out); err != nil {
		p.t.Fatal(err)
	}
}

func (p *program) get(name string) []float32 {
	p.t.Helper()
	if p.out[name] == nil {
		p.t.Fatalf("there is no output %s", name)
	}
	return p.out[name].Data()
}

func noise(seed uint64, n int) []float32 {
	r := rand.New(rand.NewPCG(seed, 7))
	data := make([]float32, n)
	for i := range data {
		data[i] = float32(r.NormFloat64())
	}
	return data
}

// distance is |a - b| / |b| in the Euclidean norm.
func distance(a, b []float32) float64 {
	var diff, norm float64
	for i := range b {
		d := float64(a[i]) - float64(b[i])
		diff += d * d
		norm += float64(b[i]) * float64(b[i])
	}
	return math.Sqrt(diff) / math.Max(math.Sqrt(norm), 1e-30)
}

func largest(a, b []float32) float64 {
	var most float64
	for i := range b {
		most = max(most, math.Abs(float64(a[i])-float64(b[i])))
	}
	return most
}
