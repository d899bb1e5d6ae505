package graph_test

import (
	"testing"

	"google.golang.org/protobuf/proto"

	"faird/model/graph"
	"faird/model/onnxpb"
)

// FuzzInline holds that no bytes in a network's place make a graph fall over:
// they are joined, or Build says why not.
func FuzzInline(f *testing.F) {
	whole := negation(f, func(*onnxpb.ModelProto) {})
	for _, seed := range [][]byte{
		nil, []byte("text"), whole, whole[:len(whole)/2],
		negation(f, func(m *onnxpb.ModelProto) { m.Graph.Output = nil }),
		negation(f, func(m *onnxpb.ModelProto) { m.Graph.Node[0].Input = nil }),
		negation(f, func(m *onnxpb.ModelProto) { m.Graph.Output[0].Name = proto.String("of nothing") }),
		negation(f, func(m *onnxpb.ModelProto) { m.OpsetImport = nil }),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, onnx []byte) {
		g := graph.New("around")
		g.Output("y", g.Inline("a/", onnx, g.Input("x", 1, 3), 1, 3))
		out, err := g.Build()
		if err != nil {
			return
		}
		var m onnxpb.ModelProto
		if err := proto.Unmarshal(out, &m); err != nil || m.Graph.Output[0].GetName() != "y" {
			t.Errorf("%v: what was built cannot be read", err)
		}
	})
}
