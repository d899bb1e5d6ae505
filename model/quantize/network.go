// Package quantize writes the 8-bit form of a float32 restoration network:
// static, weights by output channel, activations by tensor, with ranges that
// somebody measured on the network that Probe gives. It rewrites ONNX graphs
// and never runs one.
package quantize

import (
	"errors"
	"fmt"
	"path"
	"slices"

	"google.golang.org/protobuf/proto"

	"faird/model/onnxpb"
)

// leastOpset has quantisation by channel; older files are exported again.
const leastOpset = 13

// Network is a float32 network that can be observed and quantised.
type Network struct {
	model  *onnxpb.ModelProto
	consts map[string]*onnxpb.TensorProto
	uses   map[string][]*onnxpb.NodeProto // who reads a value
	layers []layer
}

// layer is one convolution with the ReLU after it, where there is one.
type layer struct {
	conv, relu *onnxpb.NodeProto
	out        string // value after the ReLU
	name       string // for people: "e1.0" to "out"
}

// Parse reads a network of convolutions with constant weights.
func Parse(onnx []byte) (*Network, error) {
	m := new(onnxpb.ModelProto)
	if err := proto.Unmarshal(onnx, m); err != nil || m.GetGraph() == nil {
		return nil, errors.New("not an ONNX network")
	}
	for _, o := range m.OpsetImport {
		if o.GetDomain() == "" && o.GetVersion() < leastOpset {
			return nil, fmt.Errorf("its operators are of opset %d: export it with %d or newer", o.GetVersion(), leastOpset)
		}
	}
	if err := sound(m.Graph); err != nil {
		return nil, err
	}
	n := &Network{model: m, consts: map[string]*onnxpb.TensorProto{}, uses: map[string][]*onnxpb.NodeProto{}}
	for _, t := range m.Graph.Initializer {
		n.consts[t.GetName()] = t
	}
	n.liftConstants()
	for _, node := range m.Graph.Node {
		switch node.GetOpType() {
		case "QLinearConv", "ConvInteger", "QuantizeLinear", "DequantizeLinear":
			return nil, errors.New("it is quantised already: start from the float32 model")
		}
		for _, in := range node.Input {
			n.uses[in] = append(n.uses[in], node)
		}
	}
	if n.Input() == "" {
		return nil, errors.New("it has no input")
	}
	return n, n.findLayers()
}

// liftConstants makes initialisers of Constant nodes, which some exporters write.
func (n *Network) liftConstants() {
	n.model.Graph.Node = slices.DeleteFunc(n.model.Graph.Node, func(node *onnxpb.NodeProto) bool {
		if node.GetOpType() != "Constant" || len(node.Output) != 1 {
			return false
		}
		t := attribute(node, "value").GetT()
		if t == nil {
			return false
		}
		if elements(t) < 0 {
			return false
		}
		t = proto.CloneOf(t)
		t.Name = proto.String(node.Output[0])
		n.consts[t.GetName()] = t
		n.model.Graph.Initializer = append(n.model.Graph.Initializer, t)
		return true
	})
}

func (n *Network) findLayers() error {
	for _, node := range n.model.Graph.Node {
		if node.GetOpType() != "Conv" {
			continue
		}
		w := n.consts[input(node, 1)]
		if w == nil || len(w.Dims) != 4 || slices.Contains(w.Dims, 0) || attribute(node, "group").GetI() > 1 {
			continue // grouped or with computed weights: stays in float32
		}
		l := layer{conv: node, out: node.Output[0], name: n.nameOf(node)}
		if next := n.uses[l.out]; len(next) == 1 && next[0].GetOpType() == "Relu" && !n.isOutput(l.out) {
			l.relu, l.out = next[0], next[0].Output[0]
		}
		n.layers = append(n.layers, l)
	}
	if len(n.layers) < 3 {
		return fmt.Errorf("%d convolutions with constant weights: too few to quantise", len(n.layers))
	}
	return nil
}

// Layers names the convolutions in the order in which they run.
func (n *Network) Layers() []string {
	names := make([]string, len(n.layers))
	for i, l := range n.layers {
		names[i] = l.name
	}
	return names
}

// nameOf makes a short name of a convolution's: exporters write "/e1/e1.0/Conv",
// faird "e1.0/Conv_1". Where that is no name, or another layer's, the whole
// serves.
func (n *Network) nameOf(node *onnxpb.NodeProto) string {
	whole := node.GetName()
	if whole == "" {
		whole = node.Output[0]
	}
	short := path.Base(path.Dir(whole))
	if short == "." || short == "/" || slices.ContainsFunc(n.layers, func(l layer) bool { return l.name == short }) {
		return whole
	}
	return short
}

func (n *Network) isOutput(value string) bool {
	return slices.ContainsFunc(n.model.Graph.Output, func(v *onnxpb.ValueInfoProto) bool { return v.GetName() == value })
}

// Input names the network's input, whose range is needed too.
func (n *Network) Input() string {
	for _, v := range n.model.Graph.Input {
		if n.consts[v.GetName()] == nil {
			return v.GetName()
		}
	}
	return ""
}

func input(node *onnxpb.NodeProto, i int) string {
	if i < len(node.Input) {
		return node.Input[i]
	}
	return ""
}

func attribute(node *onnxpb.NodeProto, name string) *onnxpb.AttributeProto {
	for _, a := range node.Attribute {
		if a.GetName() == name {
			return a
		}
	}
	return nil
}
