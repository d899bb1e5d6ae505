package native

import (
	"errors"
	"slices"

	"google.golang.org/protobuf/proto"

	"faird/model/graph"
	"faird/model/onnxpb"
)

// microsoft is the domain of ONNX Runtime's own operators.
const microsoft = "com.microsoft"

// errForeign says that a network in 8 bits is not one that faird quantised.
var errForeign = errors.New("not of this form")

// rewriteBytes lays a network in 8 bits, as model/quantize writes it for the CPU,
// out with channels last, as its kernels want it, so that nothing is turned
// around on the way: the first convolution gives such bytes, doublings keep them,
// the last convolution takes them. A network of another form stays as it is.
func rewriteBytes(m *onnxpb.ModelProto, r *rewriter, onnx []byte) ([]byte, int, error) {
	b := &byteRewriter{rewriter: r, last: map[string]bool{}}
	for _, node := range m.Graph.Node {
		if r.gone[node] {
			continue
		}
		if err := b.node(node); err != nil {
			return onnx, 0, nil // every node is needed, or none is touched
		}
	}
	m.Graph.Node, m.Graph.ValueInfo = b.nodes, nil
	if !slices.ContainsFunc(m.OpsetImport, func(s *onnxpb.OperatorSetIdProto) bool { return s.GetDomain() == microsoft }) {
		m.OpsetImport = append(m.OpsetImport, &onnxpb.OperatorSetIdProto{Domain: proto.String(microsoft), Version: proto.Int64(1)})
	}
	out, err := write(m)
	return out, r.replaced, err
}

type byteRewriter struct {
	*rewriter
	last  map[string]bool // values that are bytes with their channels last
	nodes []*onnxpb.NodeProto
}

func (b *byteRewriter) node(node *onnxpb.NodeProto) error {
	switch node.GetOpType() {
	case "Conv":
		return b.first(node)
	case "QLinearConv":
		if len(node.Input) != 9 || !b.last[node.Input[0]] {
			return errForeign
		}
		b.channelsLast(node, "QLinearConv", &onnxpb.AttributeProto{
			Name: proto.String("channels_last"), Type: onnxpb.AttributeProto_INT.Enum(), I: proto.Int64(1),
		})
	case "MaxPool":
		if len(node.Input) != 1 || len(node.Output) != 1 || !b.last[node.Input[0]] {
			return errForeign
		}
		b.channelsLast(node, "NhwcMaxPool")
	case "QLinearAdd":
		if len(node.Input) != 8 || !b.last[node.Input[0]] || !b.last[node.Input[3]] {
			return errForeign
		}
		b.channelsLast(node, "QLinearAdd")
	case "DequantizeLinear":
		if len(node.Input) != 3 || !b.last[node.Input[0]] {
			return errForeign
		}
		if resize := b.only(node, "Resize"); resize != nil {
			return b.double(node, resize)
		}
		if conv := b.only(node, "Conv"); conv != nil && b.only(conv, "Relu") != nil {
			return b.between(node, conv)
		}
		return b.lastOf(node)
	default:
		return errForeign
	}
	return nil
}

// channelsLast keeps a node whose values' channels come last now.
func (b *byteRewriter) channelsLast(node *onnxpb.NodeProto, op string, more ...*onnxpb.AttributeProto) {
	attributes := slices.Concat(node.Attribute, more)
	b.add(&onnxpb.NodeProto{
		OpType: proto.String(op), Domain: proto.String(microsoft), Name: node.Name, Input: node.Input, Output: node.Output, Attribute: attributes,
	})
	b.last[node.Output[0]] = true
}

// first joins the convolution of the picture, its ReLU and their rounding.
func (b *byteRewriter) first(conv *onnxpb.NodeProto) error {
	relu := b.only(conv, "Relu")
	if !b.known(conv) || relu == nil || len(conv.Input) != 3 {
		return errForeign
	}
	round := b.only(relu, "QuantizeLinear")
	if w := b.weights[conv.Input[1]]; round == nil || len(round.Input) != 3 || w.Dims[1] > fewChannels || b.maker[conv.Input[0]] != nil {
		return errForeign
	}
	b.own("Conv3x3ToBytes", slices.Concat(conv.Input, round.Input[1:]), round.Output[0])
	b.last[round.Output[0]] = true
	b.gone[relu], b.gone[round] = true, true
	return nil
}

// double joins a doubling with the roundings before and after it.
func (b *byteRewriter) double(from, resize *onnxpb.NodeProto) error {
	to := b.only(resize, "QuantizeLinear")
	if to == nil || len(to.Input) != 3 || !b.doubles(resize) {
		return errForeign
	}
	b.own("DoubleBytes", slices.Concat(from.Input, to.Input[1:]), to.Output[0])
	b.last[to.Output[0]] = true
	b.gone[resize], b.gone[to] = true, true
	return nil
}

// doubles holds for twice the height and width, bilinear, corners aligned.
func (b *byteRewriter) doubles(resize *onnxpb.NodeProto) bool {
	if len(resize.Input) != 3 || resize.Input[1] != "" {
		return false
	}
	scales := b.weights[resize.Input[2]]
	if scales == nil || !slices.Equal(scales.RawData, graph.FloatBytes(1, 1, 2, 2)) {
		return false
	}
	want := map[string]string{"mode": "linear", "coordinate_transformation_mode": "align_corners"}
	for _, a := range resize.Attribute {
		if want[a.GetName()] != string(a.GetS()) {
			return false
		}
		delete(want, a.GetName())
	}
	return len(want) == 0
}

// lastOf joins the last convolution with the rounding before it.
func (b *byteRewriter) lastOf(from *onnxpb.NodeProto) error {
	conv := b.only(from, "Conv")
	if conv == nil || !b.known(conv) || len(conv.Input) != 3 || !b.outputs[conv.Output[0]] || b.weights[conv.Input[1]].Dims[0] > fewChannels {
		return errForeign
	}
	b.own("Conv3x3FromBytes", slices.Concat(from.Input, conv.Input[1:]), conv.Output[0])
	b.gone[conv] = true
	return nil
}

// between are convolutions in float32 after those in 8 bits: their numbers are
// turned around for them.
func (b *byteRewriter) between(from, conv *onnxpb.NodeProto) error {
	b.add(from)
	b.transpose(from.Output[0], conv.GetName()+"/first", 0, 3, 1, 2)
	return b.inFloat(conv, conv.GetName()+"/first")
}

// inFloat is a convolution in float32 of numbers with channels first and those
// that follow it, up to the rounding after them, whose bytes have their channels
// last again, or to the network's output.
func (b *byteRewriter) inFloat(conv *onnxpb.NodeProto, at string) error {
	for b.known(conv) {
		b.gone[conv] = true
		inputs := slices.Concat([]string{at}, conv.Input[1:])
		relu := b.only(conv, "Relu")
		if relu == nil {
			b.own("Conv3x3", inputs, conv.Output[0])
			if !b.outputs[conv.Output[0]] {
				return errForeign
			}
			return nil
		}
		b.gone[relu], at = true, relu.Output[0]
		b.own("Conv3x3", inputs, at, reluAttribute())
		if to := b.only(relu, "QuantizeLinear"); to != nil && len(to.Input) == 3 {
			b.transpose(at, conv.GetName()+"/last", 0, 2, 3, 1)
			to.Input[0] = conv.GetName() + "/last"
			b.add(to)
			b.gone[to], b.last[to.Output[0]] = true, true
			return nil
		}
		if conv = b.only(relu, "Conv"); conv == nil {
			return errForeign
		}
	}
	return errForeign
}

func (b *byteRewriter) transpose(from, to string, order ...int64) {
	b.add(&onnxpb.NodeProto{
		OpType: proto.String("Transpose"), Name: proto.String(to), Input: []string{from}, Output: []string{to},
		Attribute: []*onnxpb.AttributeProto{{Name: proto.String("perm"), Type: onnxpb.AttributeProto_INTS.Enum(), Ints: order}},
	})
}

// fewChannels is what the operators take on the side that is float32.
const fewChannels = 4

func (b *byteRewriter) own(op string, inputs []string, output string, attributes ...*onnxpb.AttributeProto) {
	b.add(&onnxpb.NodeProto{
		OpType: proto.String(op), Domain: proto.String(graph.Domain), Name: proto.String(output),
		Input: inputs, Output: []string{output}, Attribute: attributes,
	})
	b.replaced++
}

func (b *byteRewriter) add(node *onnxpb.NodeProto) { b.nodes = append(b.nodes, node) }
