package quantize

import (
	"faird/model/onnxpb"

	"google.golang.org/protobuf/proto"
)

// wholeConv writes a convolution with everything in whole numbers. Where a ReLU
// follows, the zero point 0 is the ReLU.
func (w *writer) wholeConv(k kernel) {
	x := w.asWhole(k.conv.Input[0])
	y := w.steps(k.out, w.rangeOf(k.out))
	out := k.dims[0]
	zeros := make([]int8, out)
	inputs := []string{
		x.name, x.scale, x.zero,
		w.keep(int8Const(k.out+".weights", k.q, k.dims...)),
		w.keep(floatConst(k.out+".weight_scales", k.scales, out)),
		w.keep(int8Const(k.out+".weight_zeros", zeros, out)),
		y.scale, y.zero,
		w.keep(int32Const(k.out+".bias", wholeBias(k.bias, x.step, k.scales), out)),
	}
	w.node("QLinearConv", "", inputs, y.name, k.conv.Attribute...)
	w.whole[k.out] = y
}

// inWholeNumbers writes an operator on 8-bit values, if it is one that has such
// a form and its first input is in 8 bits. Pooling keeps the steps of its input.
// Resizing is left to float: ONNX Runtime's is faster, the rounding before and
// after counted in (c=32 at 256x256: 4 ms instead of 13).
func (w *writer) inWholeNumbers(node *onnxpb.NodeProto) bool {
	x, ok := w.whole[input(node, 0)]
	if !ok {
		return false
	}
	out := node.Output[0]
	switch node.GetOpType() {
	case "MaxPool":
		y := x
		y.name = out + eightBits
		w.node(node.GetOpType(), "", append([]string{x.name}, node.Input[1:]...), y.name, node.Attribute...)
		w.whole[out] = y
	case "Add":
		b := w.asWhole(node.Input[1])
		y := w.steps(out, w.rangeOf(out))
		w.node("QLinearAdd", microsoft, []string{x.name, x.scale, x.zero, b.name, b.scale, b.zero, y.scale, y.zero}, y.name)
		w.whole[out] = y
	case "Concat":
		y := w.steps(out, w.rangeOf(out))
		inputs := []string{y.scale, y.zero}
		for _, in := range node.Input {
			v := w.asWhole(in)
			inputs = append(inputs, v.name, v.scale, v.zero)
		}
		w.node("QLinearConcat", microsoft, inputs, y.name, node.Attribute...)
		w.whole[out] = y
	default:
		return false
	}
	return w.err == nil
}

const eightBits = "_8bit"

// steps makes the constants of a value's 8 bits: 0 to 255 for 0 to High, or
// around 128 where it is signed.
func (w *writer) steps(value string, r Range) quantised {
	q := quantised{name: value + eightBits, r: r, step: float32(r.High / r.levels())}
	zero := byte(0)
	if r.Signed {
		zero = 128
	}
	q.scale = w.keep(floatConst(value+".scale", []float32{q.step}))
	q.zero = w.keep(constant(value+".zero", onnxpb.TensorProto_UINT8, []byte{zero}, nil))
	return q
}

// asWhole gives a value in 8 bits, and rounds it where it is only there in
// float. A pooled or resized one has the range of what it came from.
func (w *writer) asWhole(value string) quantised {
	if q, ok := w.whole[value]; ok {
		return q
	}
	q := w.steps(value, w.rangeOf(w.origin(value)))
	w.node("QuantizeLinear", "", []string{value, q.scale, q.zero}, q.name)
	w.whole[value] = q
	return q
}

// asFloat sees to it that a value is there in float.
func (w *writer) asFloat(value string) {
	q, ok := w.whole[value]
	if w.float[value] || !ok {
		return
	}
	w.node("DequantizeLinear", "", []string{q.name, q.scale, q.zero}, value)
	w.float[value] = true
}

// origin is the value that a pooled or resized one was made of.
func (w *writer) origin(value string) string {
	for _, node := range w.model.Graph.Node {
		if node.Output[0] != value {
			continue
		}
		switch node.GetOpType() {
		case "MaxPool", "Resize", "Identity":
			return w.origin(node.Input[0])
		}
	}
	return value
}

func axis(n int64) *onnxpb.AttributeProto {
	return &onnxpb.AttributeProto{Name: proto.String("axis"), Type: onnxpb.AttributeProto_INT.Enum(), I: proto.Int64(n)}
}
