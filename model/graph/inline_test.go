package graph_test

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"faird/model/graph"
	"faird/model/onnxpb"
)

// negation is a network that gives -2x.
func negation(t testing.TB, change func(m *onnxpb.ModelProto)) []byte {
	t.Helper()
	g := graph.New("negation")
	g.Output("y", g.Scale(g.Input("x", 1, 3), -2))
	onnx, err := g.Build()
	if err != nil {
		t.Fatal(err)
	}
	var m onnxpb.ModelProto
	if err := proto.Unmarshal(onnx, &m); err != nil {
		t.Fatal(err)
	}
	change(&m)
	if onnx, err = proto.Marshal(&m); err != nil {
		t.Fatal(err)
	}
	return onnx
}

func TestInlineJoinsNames(t *testing.T) {
	g := graph.New("twice")
	once := g.Inline("a/", negation(t, func(m *onnxpb.ModelProto) {
		m.OpsetImport = append(m.OpsetImport, &onnxpb.OperatorSetIdProto{Domain: proto.String("com.microsoft"), Version: proto.Int64(1)})
	}), g.Input("x", 1, 3), 1, 3)
	g.Output("y", g.Inline("b/", negation(t, func(*onnxpb.ModelProto) {}), once, 1, 3))
	onnx, err := g.Build()
	if err != nil {
		t.Fatal(err)
	}
	var m onnxpb.ModelProto
	if err := proto.Unmarshal(onnx, &m); err != nil {
		t.Fatal(err)
	}
	nodes := m.Graph.Node
	if len(nodes) != 2 || nodes[0].Input[0] != "x" || nodes[1].Input[0] != nodes[0].Output[0] || nodes[1].Output[0] != "y" {
		t.Errorf("nodes %v", nodes)
	}
	if len(m.Graph.Initializer) != 2 || len(m.OpsetImport) != 2 || m.OpsetImport[1].GetDomain() != "com.microsoft" {
		t.Errorf("constants %v, operator sets %v", m.Graph.Initializer, m.OpsetImport)
	}
}

func TestInlineRefuses(t *testing.T) {
	for want, change := range map[string]func(m *onnxpb.ModelProto){
		"opset 11: 13 to 17": func(m *onnxpb.ModelProto) { m.OpsetImport[0].Version = proto.Int64(11) },
		"opset 21":           func(m *onnxpb.ModelProto) { m.OpsetImport[0].Version = proto.Int64(21) },
		"2 inputs and 1 outputs": func(m *onnxpb.ModelProto) {
			m.Graph.Input = append(m.Graph.Input, &onnxpb.ValueInfoProto{Name: proto.String("z")})
		},
		`which nothing before it`: func(m *onnxpb.ModelProto) { m.Graph.Node[0].Input[0] = "nowhere" },
		"not an ONNX network":     func(m *onnxpb.ModelProto) { m.Graph = nil },
	} {
		g := graph.New("g")
		g.Output("y", g.Inline("n/", negation(t, change), g.Input("x", 1, 3), 1, 3))
		if _, err := g.Build(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}
