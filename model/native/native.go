// Package native writes a restoration network anew for the CPU operators of
// infer/operators: of a float32 one the 3x3 convolutions, each with the ReLU and
// the skip that follow it; of one in 8 bits everything that is not whole numbers.
// It rewrites ONNX graphs and never runs one; what the network gives stays the
// same but for rounding.
package native

import (
	"errors"
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"

	"faird/model/graph"
	"faird/model/onnxpb"
)

// Rewrite gives the network with its convolutions replaced, and how many were.
// What it does not know stays as it is.
func Rewrite(onnx []byte) ([]byte, int, error) {
	m := new(onnxpb.ModelProto)
	if err := proto.Unmarshal(onnx, m); err != nil || m.GetGraph() == nil {
		return nil, 0, errors.New("not an ONNX network")
	}
	r := newRewriter(m.Graph)
	if r.has("QLinearConv") {
		return rewriteBytes(m, r, onnx)
	}
	for _, node := range m.Graph.Node {
		r.convolution(node)
	}
	if r.replaced == 0 {
		return onnx, 0, nil
	}
	m.Graph.Node = slices.DeleteFunc(m.Graph.Node, func(n *onnxpb.NodeProto) bool { return r.gone[n] })
	m.Graph.ValueInfo = nil // may name values that are gone
	out, err := write(m)
	return out, r.replaced, err
}

func write(m *onnxpb.ModelProto) ([]byte, error) {
	m.OpsetImport = append(m.OpsetImport, &onnxpb.OperatorSetIdProto{Domain: proto.String(graph.Domain), Version: proto.Int64(graph.DomainVersion)})
	out, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("the network cannot be written: %w", err)
	}
	return out, nil
}

type rewriter struct {
	weights  map[string]*onnxpb.TensorProto
	uses     map[string][]*onnxpb.NodeProto
	maker    map[string]*onnxpb.NodeProto // of each value
	outputs  map[string]bool
	gone     map[*onnxpb.NodeProto]bool
	replaced int
}

func newRewriter(g *onnxpb.GraphProto) *rewriter {
	r := &rewriter{
		weights: map[string]*onnxpb.TensorProto{}, uses: map[string][]*onnxpb.NodeProto{}, maker: map[string]*onnxpb.NodeProto{},
		outputs: map[string]bool{}, gone: map[*onnxpb.NodeProto]bool{},
	}
	for _, t := range g.Initializer {
		r.weights[t.GetName()] = t
	}
	for _, node := range g.Node {
		for _, in := range node.Input {
			r.uses[in] = append(r.uses[in], node)
		}
		for _, out := range node.Output {
			r.maker[out] = node
		}
	}
	for _, v := range g.Output {
		r.outputs[v.GetName()] = true
	}
	return r
}

func (r *rewriter) has(op string) bool {
	for _, node := range r.maker {
		if node.GetOpType() == op {
			return true
		}
	}
	return false
}

// convolution replaces a node that is one of ours. It stands in the place of the
// last node that it takes in, since the skip must have been made.
func (r *rewriter) convolution(conv *onnxpb.NodeProto) {
	if !r.known(conv) {
		return
	}
	last, relu := conv, false
	if next := r.only(last, "Relu"); next != nil {
		r.gone[last], last, relu = true, next, true
	}
	skip := ""
	if next := r.only(last, "Add"); next != nil && relu {
		if skip = r.skip(last, next); skip != "" {
			r.gone[last], last = true, next
		}
	}
	inputs := slices.Clone(conv.Input)
	if skip != "" {
		for len(inputs) < 3 {
			inputs = append(inputs, "")
		}
		inputs = append(inputs, skip)
	}
	last.OpType, last.Domain = proto.String("Conv3x3"), proto.String(graph.Domain)
	last.Input, last.Attribute = inputs, nil
	if relu {
		last.Attribute = []*onnxpb.AttributeProto{reluAttribute()}
	}
	r.replaced++
}

func reluAttribute() *onnxpb.AttributeProto {
	return &onnxpb.AttributeProto{Name: proto.String("relu"), Type: onnxpb.AttributeProto_INT.Enum(), I: proto.Int64(1)}
}

// known holds for a 3x3 convolution of constant float weights, step one, zero
// padding of one pixel.
func (r *rewriter) known(node *onnxpb.NodeProto) bool {
	if node.GetOpType() != "Conv" || node.GetDomain() != "" || len(node.Input) < 2 || len(node.Output) != 1 || r.gone[node] {
		return false
	}
	w := r.weights[node.Input[1]]
	if w == nil || w.GetDataType() != int32(onnxpb.TensorProto_FLOAT) || len(w.Dims) != 4 || w.Dims[0] < 1 || w.Dims[1] < 1 {
		return false
	}
	if !slices.Equal(w.Dims[2:], []int64{3, 3}) {
		return false
	}
	want := map[string][]int64{"kernel_shape": {3, 3}, "pads": {1, 1, 1, 1}, "strides": {1, 1}, "dilations": {1, 1}, "group": {1}}
	padded := false
	for _, a := range node.Attribute {
		have := a.GetInts()
		if a.GetType() == onnxpb.AttributeProto_INT {
			have = []int64{a.GetI()}
		}
		if expected, ok := want[a.GetName()]; !ok || !slices.Equal(have, expected) {
			return false
		}
		padded = padded || a.GetName() == "pads"
	}
	return padded
}

// only is the one reader of a node's result, if it is an op and nobody outside
// reads the result too.
func (r *rewriter) only(node *onnxpb.NodeProto, op string) *onnxpb.NodeProto {
	result := node.Output[0]
	if next := r.uses[result]; !r.outputs[result] && len(next) == 1 && next[0].GetOpType() == op && next[0].GetDomain() == "" {
		return next[0]
	}
	return nil
}

// skip is the other side of a sum after a convolution's ReLU, where it is a
// ReLU's result of as many channels, so that nothing is broadcast.
func (r *rewriter) skip(relu, sum *onnxpb.NodeProto) string {
	if len(sum.Input) != 2 {
		return ""
	}
	other := sum.Input[0]
	if other == relu.Output[0] {
		other = sum.Input[1]
	}
	if c := r.channels(other); other == relu.Output[0] || c == 0 || c != r.channels(relu.Output[0]) {
		return ""
	}
	return other
}

// channels of a convolution's value, with or without its ReLU; 0 where it is not
// one, or not made before.
func (r *rewriter) channels(value string) int64 {
	node := r.maker[value]
	if node != nil && node.GetOpType() == "Relu" && node.GetDomain() == "" {
		node = r.maker[node.Input[0]]
	}
	if node == nil || len(node.Input) < 2 || node.GetOpType() != "Conv" && node.GetOpType() != "Conv3x3" {
		return 0
	}
	w := r.weights[node.Input[1]]
	if w == nil || len(w.Dims) != 4 {
		return 0
	}
	return w.Dims[0]
}
