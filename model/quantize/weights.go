package quantize

import (
	"encoding/binary"
	"fmt"
	"math"

	"google.golang.org/protobuf/proto"

	"faird/model/onnxpb"
)

// symmetric brings weights [out, ...] to whole numbers of -most to most, with
// one scale for each output channel: w = scale[o] q.
func symmetric(weights []float32, out, most int) (q []int8, scales []float32) {
	taps := len(weights) / out
	q, scales = make([]int8, len(weights)), make([]float32, out)
	for o := range out {
		channel := weights[o*taps : (o+1)*taps]
		var top float64
		for _, w := range channel {
			top = max(top, math.Abs(float64(w)))
		}
		scale := top / float64(most)
		if scale == 0 {
			scale = 1
		}
		scales[o] = float32(scale)
		for i, w := range channel {
			v := math.RoundToEven(float64(w) / float64(scales[o]))
			q[o*taps+i] = int8(max(min(v, float64(most)), -float64(most)))
		}
	}
	return q, scales
}

// corrected takes out of the bias what rounding the weights [out, in, ...] adds to
// a layer's mean result: bias[o] - sum over i of E[x[i]] sum over taps of
// (w' - w)[o,i] (bias correction, Nagel et al. 2019, eq. 13). Zero padding at the
// border is left out of account.
func corrected(bias, weights []float32, q []int8, scales []float32, means []float64) []float32 {
	if len(means) == 0 {
		return bias
	}
	out := make([]float32, len(scales))
	copy(out, bias)
	per := len(weights) / len(scales)
	taps := per / len(means)
	for o := range out {
		var shift float64
		for i := range per {
			k := o*per + i
			shift += means[i/taps] * (float64(q[k])*float64(scales[o]) - float64(weights[k]))
		}
		out[o] -= float32(shift)
	}
	return out
}

// wholeBias is the bias in steps of the products: b / (activation scale *
// weight scale), as QLinearConv adds it.
func wholeBias(bias []float32, activation float32, weights []float32) []int32 {
	q := make([]int32, len(weights))
	for o := range q {
		if bias == nil {
			break
		}
		v := math.RoundToEven(float64(bias[o]) / (float64(activation) * float64(weights[o])))
		q[o] = int32(max(min(v, math.MaxInt32), math.MinInt32))
	}
	return q
}

// floats reads a float32 constant.
func floats(t *onnxpb.TensorProto) ([]float32, error) {
	if t.GetDataType() != int32(onnxpb.TensorProto_FLOAT) {
		return nil, fmt.Errorf("constant %s is not float32", t.GetName())
	}
	n := elements(t)
	if n < 0 || len(t.FloatData) != n && len(t.RawData) != 4*n {
		return nil, fmt.Errorf("constant %s has not the numbers of its shape %v", t.GetName(), t.Dims)
	}
	v := make([]float32, n)
	if len(t.FloatData) == n {
		copy(v, t.FloatData)
		return v, nil
	}
	for i := range v {
		v[i] = math.Float32frombits(binary.LittleEndian.Uint32(t.RawData[4*i:]))
	}
	return v, nil
}

func floatConst(name string, v []float32, dims ...int64) *onnxpb.TensorProto {
	raw := make([]byte, 0, 4*len(v))
	for _, x := range v {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(x))
	}
	return constant(name, onnxpb.TensorProto_FLOAT, raw, dims)
}

func int8Const(name string, v []int8, dims ...int64) *onnxpb.TensorProto {
	raw := make([]byte, len(v))
	for i, x := range v {
		raw[i] = byte(x)
	}
	return constant(name, onnxpb.TensorProto_INT8, raw, dims)
}

func int32Const(name string, v []int32, dims ...int64) *onnxpb.TensorProto {
	raw := make([]byte, 0, 4*len(v))
	for _, x := range v {
		raw = binary.LittleEndian.AppendUint32(raw, uint32(x))
	}
	return constant(name, onnxpb.TensorProto_INT32, raw, dims)
}

func constant(name string, kind onnxpb.TensorProto_DataType, raw []byte, dims []int64) *onnxpb.TensorProto {
	return &onnxpb.TensorProto{Name: proto.String(name), DataType: proto.Int32(int32(kind)), Dims: dims, RawData: raw}
}
