package quantize

import "faird/model/onnxpb"

// simulated writes a float convolution whose input and weights went through 8
// bits, which TensorRT runs in whole numbers (explicit quantisation). Zero points
// are 0, as it wants them.
func (w *writer) simulated(k kernel) {
	x := w.through(k.conv.Input[0])
	weights, zeros := k.out+".weights", make([]int8, k.dims[0])
	inputs := []string{
		w.keep(int8Const(weights, k.q, k.dims...)),
		w.keep(floatConst(k.out+".weight_scales", k.scales, k.dims[0])),
		w.keep(int8Const(k.out+".weight_zeros", zeros, k.dims[0])),
	}
	w.node("DequantizeLinear", "", inputs, weights+"_float", axis(0))
	conv := []string{x, weights + "_float"}
	if len(k.bias) > 0 {
		conv = append(conv, w.keep(floatConst(k.out+".bias", k.bias, k.dims[0])))
	}
	w.node("Conv", "", conv, k.conv.Output[0], k.conv.Attribute...)
	if k.relu != nil {
		w.node("Relu", "", k.relu.Input, k.out)
	}
	w.float[k.out] = true
}

// through rounds a float value to 8 bits and back.
func (w *writer) through(value string) string {
	if q, ok := w.whole[value]; ok {
		return q.name
	}
	r := w.rangeOf(w.origin(value))
	rounded := value + eightBits
	back := rounded + "_float"
	inputs := []string{
		value,
		w.keep(floatConst(value+".scale", []float32{float32(r.High / 127)})),
		w.keep(constant(value+".zero", onnxpb.TensorProto_INT8, []byte{0}, nil)),
	}
	w.node("QuantizeLinear", "", inputs, rounded)
	w.node("DequantizeLinear", "", []string{rounded, inputs[1], inputs[2]}, back)
	w.whole[value] = quantised{name: back}
	return back
}
