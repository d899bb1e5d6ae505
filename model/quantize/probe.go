package quantize

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"google.golang.org/protobuf/proto"

	"faird/model/onnxpb"
)

// Tensor is an output of a probe: an activation whose range is to be measured,
// or the mean of each channel that a layer reads.
type Tensor struct {
	Name  string  // the activation's
	Shape []int64 // [1, c, h, w]; of means [c]
	Means bool
}

// Probe is the float network with its activations as outputs, in the order of
// the tensors, for pictures of h x w pixels. The range of its input is measured
// on the pictures themselves.
func (n *Network) Probe(h, w int) (onnx []byte, tensors []Tensor, err error) {
	sizes, err := n.sizes(h, w)
	if err != nil {
		return nil, nil, err
	}
	m := proto.CloneOf(n.model)
	m.MetadataProps = nil
	m.Graph.Output = nil
	for _, name := range n.observed() {
		s := sizes[name]
		tensors = append(tensors, Tensor{name, []int64{1, int64(s.c), int64(s.h), int64(s.w)}, false})
		m.Graph.Output = append(m.Graph.Output, &onnxpb.ValueInfoProto{Name: proto.String(name), Type: floatTensor})
	}
	for _, name := range n.read() {
		tensors = append(tensors, Tensor{name, []int64{int64(sizes[name].c)}, true})
		mean := &onnxpb.NodeProto{
			OpType: proto.String("ReduceMean"), Name: proto.String(name + ".mean"), Input: []string{name}, Output: []string{name + ".mean"},
			Attribute: []*onnxpb.AttributeProto{
				{Name: proto.String("axes"), Type: onnxpb.AttributeProto_INTS.Enum(), Ints: []int64{0, 2, 3}},
				{Name: proto.String("keepdims"), Type: onnxpb.AttributeProto_INT.Enum(), I: proto.Int64(0)},
			},
		}
		m.Graph.Node = append(m.Graph.Node, mean)
		m.Graph.Output = append(m.Graph.Output, &onnxpb.ValueInfoProto{Name: proto.String(name + ".mean"), Type: floatTensor})
	}
	onnx, err = proto.Marshal(m)
	return onnx, tensors, err
}

var floatTensor = &onnxpb.TypeProto{Value: &onnxpb.TypeProto_TensorType{
	TensorType: &onnxpb.TypeProto_Tensor{ElemType: proto.Int32(int32(onnxpb.TensorProto_FLOAT))},
}}

// observed are the values with a range of their own: what layers and sums give.
// Pooling and resizing keep their input's.
func (n *Network) observed() []string {
	var names []string
	for _, l := range n.layers {
		names = append(names, l.out)
	}
	for _, node := range n.model.Graph.Node {
		switch node.GetOpType() {
		case "Add", "Concat":
			names = append(names, node.Output[0])
		}
	}
	return names
}

// read are the values that layers read, each once.
func (n *Network) read() []string {
	var names []string
	for _, l := range n.layers {
		if x := l.conv.Input[0]; !slices.Contains(names, x) {
			names = append(names, x)
		}
	}
	return names
}

// size of an activation: channels, height, width.
type size struct{ c, h, w int }

// sizes follows the network with a picture of h x w pixels.
func (n *Network) sizes(h, w int) (map[string]size, error) {
	channels := 1
	for _, l := range n.layers {
		if l.conv.Input[0] == n.Input() {
			channels = int(n.consts[l.conv.Input[1]].Dims[1])
		}
	}
	sizes := map[string]size{n.Input(): {channels, h, w}}
	for _, node := range n.model.Graph.Node {
		s, err := n.sizeOf(node, sizes)
		if err != nil {
			return nil, fmt.Errorf("%s %s: %w", node.GetOpType(), node.Output[0], err)
		}
		sizes[node.Output[0]] = s
	}
	return sizes, nil
}

func (n *Network) sizeOf(node *onnxpb.NodeProto, sizes map[string]size) (size, error) {
	s, known := sizes[input(node, 0)]
	if !known {
		return s, fmt.Errorf("its input %q is not a picture that can be followed", input(node, 0))
	}
	switch node.GetOpType() {
	case "Conv":
		weights := n.consts[input(node, 1)]
		if weights == nil || len(weights.Dims) != 4 {
			return s, fmt.Errorf("its weights are not constant, or not of four dimensions")
		}
		return s.through(node, int(weights.Dims[0]), int(weights.Dims[2]), int(weights.Dims[3])), nil
	case "MaxPool", "AveragePool":
		k := attribute(node, "kernel_shape").GetInts()
		return s.through(node, s.c, int(k[0]), int(k[1])), nil
	case "Resize":
		scales := n.consts[input(node, 2)]
		if scales == nil || len(scales.RawData) != 16 {
			return s, fmt.Errorf("its scales are not four constants: export the network for a fixed size")
		}
		at := func(i int) float64 {
			return float64(math.Float32frombits(binary.LittleEndian.Uint32(scales.RawData[4*i:])))
		}
		return size{s.c, int(float64(s.h) * at(2)), int(float64(s.w) * at(3))}, nil
	case "Concat":
		for _, more := range node.Input[1:] {
			s.c += sizes[more].c
		}
		return s, nil
	case "Relu", "LeakyRelu", "Sigmoid", "Tanh", "Clip", "Identity", "BatchNormalization", "Add", "Sub", "Mul", "Div":
		return s, nil
	}
	return s, fmt.Errorf("faird does not know what this operator does to a picture's size")
}

// through is the size after a window of kh x kw slid over the picture.
func (s size) through(node *onnxpb.NodeProto, channels, kh, kw int) size {
	at := func(name string, i int, otherwise int64) int {
		if v := attribute(node, name).GetInts(); i < len(v) {
			return int(v[i])
		}
		return int(otherwise)
	}
	side := func(n, k, axis int) int {
		reach := (k-1)*at("dilations", axis, 1) + 1
		return (n+at("pads", axis, 0)+at("pads", axis+2, 0)-reach)/at("strides", axis, 1) + 1
	}
	return size{channels, side(s.h, kh, 0), side(s.w, kw, 1)}
}
