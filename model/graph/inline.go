package graph

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/proto"

	"faird/model/onnxpb"
)

// oldest operator set whose operators mean the same in Opset, for those of
// restoration networks.
const oldest = 13

// Inline appends a whole network of one input and one output, whose names get
// a prefix, and gives its output for x. The shape is that of the result.
func (g *Graph) Inline(prefix string, onnx []byte, x Value, shape ...int) Value {
	m := new(onnxpb.ModelProto)
	if err := proto.Unmarshal(onnx, m); err != nil || m.GetGraph() == nil {
		g.Fail("inline: %w", errors.New("not an ONNX network"))
		return Value{}
	}
	if err := g.adopt(m.OpsetImport); err != nil {
		g.Fail("inline: %w", err)
		return Value{}
	}
	names := map[string]string{"": ""}
	for _, t := range m.Graph.Initializer {
		names[t.GetName()] = prefix + t.GetName()
		t.Name = proto.String(prefix + t.GetName())
		g.proto.Initializer = append(g.proto.Initializer, t)
	}
	inputs := 0
	for _, v := range m.Graph.Input {
		if _, constant := names[v.GetName()]; !constant {
			names[v.GetName()] = x.name
			inputs++
		}
	}
	if inputs != 1 || len(m.Graph.Output) != 1 {
		g.Fail("inline: %d inputs and %d outputs, must be one of each", inputs, len(m.Graph.Output))
		return Value{}
	}
	for _, node := range m.Graph.Node {
		node.Name = proto.String(prefix + node.GetName())
		for i, in := range node.Input {
			name, known := names[in]
			if !known {
				g.Fail("inline: %s reads %q, which nothing before it gives", node.GetName(), in)
				return Value{}
			}
			node.Input[i] = name
		}
		for i, out := range node.Output {
			if out != "" {
				names[out] = prefix + out
				node.Output[i] = names[out]
			}
		}
		g.proto.Node = append(g.proto.Node, node)
	}
	return Value{name: names[m.Graph.Output[0].GetName()], shape: shape, kind: Float}
}

// adopt takes over the operator sets of other domains.
func (g *Graph) adopt(sets []*onnxpb.OperatorSetIdProto) error {
	for _, s := range sets {
		switch v := s.GetVersion(); {
		case s.GetDomain() != "" && s.GetDomain() != "ai.onnx":
			g.domains = append(g.domains, s)
		case v < oldest || v > Opset:
			return fmt.Errorf("its operators are of opset %d: %d to %d can be joined", v, oldest, Opset)
		}
	}
	return nil
}
