package graph_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"faird/model/graph"
	"faird/model/onnxpb"
)

func TestShapes(t *testing.T) {
	g := graph.New("shapes")
	x := g.Input("x", 2, 3, 4, 6)
	free := g.Input("free", graph.Free, 3, 4, 6)
	w := g.Fill(1, 5, 3, 3, 1)
	for _, c := range []struct {
		name string
		got  graph.Value
		want []int
	}{
		{"broadcast", g.Add(g.Input("b", 3, 1, 1), x), []int{2, 3, 4, 6}},
		{"both stretch", g.Mul(g.Input("c", 4, 1), g.Input("d", 1, 7)), []int{4, 7}},
		{"free stays free", g.Add(free, free), []int{graph.Free, 3, 4, 6}},
		{"matmul", g.MatMul(g.Input("e", 9, 4), x), []int{2, 3, 9, 6}},
		{"conv", g.Conv(x, w, graph.Value{}, graph.Window{PadH: 2}), []int{2, 5, 6, 6}},
		{"depthwise", g.Conv(x, g.Fill(1, 6, 1, 3, 3), g.Fill(0, 6), graph.Window{PadH: 1, PadW: 1, Groups: 3}), []int{2, 6, 4, 6}},
		{"pool", g.MaxPool2(free), []int{graph.Free, 3, 2, 3}},
		{"double", g.Bilinear2(x), []int{2, 3, 8, 12}},
		{"sum", g.Sum(x, 0, 2, 3), []int{3}},
		{"mean of all", g.Mean(x, 0, 1, 2, 3), nil},
		{"transpose", g.Transpose(x, 1, 0, 3, 2), []int{3, 2, 6, 4}},
		{"concat", g.Concat(1, x, x), []int{2, 6, 4, 6}},
		{"flat", g.Flat(x), []int{144}},
	} {
		if !slices.Equal(c.got.Shape(), c.want) {
			t.Errorf("%s: shape %v, want %v", c.name, c.got.Shape(), c.want)
		}
	}
	if err := g.Err(); err != nil {
		t.Error(err)
	}
}

// A mistake is told once, by Build, with the place it was made at; what is
// built on it neither panics nor hides it.
func TestMistakes(t *testing.T) {
	for _, c := range []struct {
		name string
		make func(g *graph.Graph, x graph.Value) graph.Value
		want string
	}{
		{"add", func(g *graph.Graph, x graph.Value) graph.Value { return g.Add(x, g.Fill(1, 5)) }, "Add: shapes"},
		{"matmul", func(g *graph.Graph, x graph.Value) graph.Value { return g.MatMul(x, x) }, "MatMul"},
		{"vector", func(g *graph.Graph, x graph.Value) graph.Value { return g.MatMul(g.Fill(1, 3), x) }, "MatMul"},
		{"conv", func(g *graph.Graph, x graph.Value) graph.Value {
			return g.Conv(x, g.Fill(1, 2, 2, 3, 3), graph.Value{}, graph.Window{})
		}, "Conv"},
		{"groups", func(g *graph.Graph, x graph.Value) graph.Value {
			return g.Conv(g.Flat(x), g.Fill(1, 2, 2, 3, 3), graph.Value{}, graph.Window{})
		}, "Conv"},
		{"norm", func(g *graph.Graph, x graph.Value) graph.Value {
			return g.BatchNorm(x, g.Fill(1, 2), g.Fill(1, 3), g.Fill(1, 3), g.Fill(1, 3), 0)
		}, "BatchNorm"},
		{"odd", func(g *graph.Graph, x graph.Value) graph.Value { return g.MaxPool2(x) }, "cannot be halved"},
		{"flat picture", func(g *graph.Graph, x graph.Value) graph.Value { return g.Nearest2(g.Flat(x)) }, "no picture"},
		{"reshape", func(g *graph.Graph, x graph.Value) graph.Value { return g.Reshape(x, 2, 3) }, "Reshape"},
		{"transpose", func(g *graph.Graph, x graph.Value) graph.Value { return g.Transpose(x, 9) }, "Transpose"},
		{"axes", func(g *graph.Graph, x graph.Value) graph.Value { return g.Sum(x, 4) }, "axes"},
		{"concat", func(g *graph.Graph, x graph.Value) graph.Value { return g.Concat(0, x, g.Flat(x)) }, "Concat"},
		{"concat sizes", func(g *graph.Graph, x graph.Value) graph.Value { return g.Concat(0, x, g.Fill(1, 1, 3, 5, 9)) }, "Concat"},
		{"nothing", func(g *graph.Graph, _ graph.Value) graph.Value { return g.Concat(0) }, "nothing to join"},
		{"slice", func(g *graph.Graph, x graph.Value) graph.Value { return g.Slice(x, 1, 2, 4) }, "Slice"},
		{"split", func(g *graph.Graph, x graph.Value) graph.Value { return g.Split(x, 1, 1, 1)[0] }, "Split"},
		{"constant", func(g *graph.Graph, _ graph.Value) graph.Value { return g.Const([]float32{1}, 2) }, "1 numbers"},
		{"name", func(g *graph.Graph, _ graph.Value) graph.Value {
			return g.Add(g.Named("w", []float32{1}, 1), g.Named("w", []float32{2}, 1))
		}, "there twice"},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := graph.New("wrong")
			g.Scope("here")
			y := c.make(g, g.Input("x", 2, 3, 5, 7))
			y = g.Flat(g.Transpose(g.Split(g.Concat(1, y, y), 0, 1)[0], 1, 0))
			g.Output("y", g.MatMul(g.MaxPool2(y), g.Bilinear2(y)))
			_, err := g.Build()
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "here") {
				t.Errorf("got %v, want something with %q and the place", err, c.want)
			}
		})
	}
	if _, err := graph.New("empty").Build(); err == nil {
		t.Error("a graph without outputs was built")
	}
}

func TestOutputsHaveTheirNames(t *testing.T) {
	build := func() []byte {
		g := graph.New("names")
		x := g.Input("x", graph.Free, 2)
		y := g.Relu(x)
		g.Output("first", y)
		g.Output("second", y) // one value under two names
		g.Output("same", x)
		g.Output("number", g.Scalar(3))
		g.Output("after", g.Add(y, g.AddScalar(y, 3)))
		onnx, err := g.Build()
		if err != nil {
			t.Fatal(err)
		}
		return onnx
	}
	onnx := build()
	if !bytes.Equal(onnx, build()) {
		t.Error("the same calls gave other bytes")
	}
	var m onnxpb.ModelProto
	if err := proto.Unmarshal(onnx, &m); err != nil {
		t.Fatal(err)
	}
	made := map[string]string{}
	for _, n := range m.GetGraph().GetNode() {
		made[n.GetOutput()[0]] = n.GetOpType()
	}
	for name, op := range map[string]string{"first": "Relu", "second": "Identity", "same": "Identity", "number": "Identity", "after": "Add"} {
		if made[name] != op {
			t.Errorf("%s comes from %q, want %s", name, made[name], op)
		}
	}
	if n := len(m.GetGraph().GetInitializer()); n != 1 {
		t.Errorf("%d constants, the number 3 is written once", n)
	}
	if d := m.GetGraph().GetInput()[0].GetType().GetTensorType().GetShape().GetDim(); d[0].GetDimParam() != "n" || d[1].GetDimValue() != 2 {
		t.Errorf("input shape %v", d)
	}
}
