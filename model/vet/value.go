package vet

import (
	"encoding/binary"
	"math"

	"faird/model/onnxpb"
)

// maxContent is the most numbers of a tensor whose content is followed: shapes,
// axes, scales.
const maxContent = 64

// sizes are the bytes of an element of each kind that a network may have.
var sizes = map[onnxpb.TensorProto_DataType]int64{
	onnxpb.TensorProto_FLOAT: 4, onnxpb.TensorProto_FLOAT16: 2, onnxpb.TensorProto_BFLOAT16: 2, onnxpb.TensorProto_DOUBLE: 8,
	onnxpb.TensorProto_UINT8: 1, onnxpb.TensorProto_INT8: 1, onnxpb.TensorProto_UINT16: 2, onnxpb.TensorProto_INT16: 2,
	onnxpb.TensorProto_INT32: 4, onnxpb.TensorProto_UINT32: 4, onnxpb.TensorProto_INT64: 8, onnxpb.TensorProto_UINT64: 8,
	onnxpb.TensorProto_BOOL: 1,
}

// value is what is known of a tensor.
type value struct {
	dims     []int64
	kind     onnxpb.TensorProto_DataType
	content  []float64 // nil: not known
	constant bool      // depends on no input
	freed    bool
}

// elements is how many numbers a shape has; false above what any tensor may have.
func elements(dims []int64) (int64, bool) {
	n := int64(1)
	for _, d := range dims {
		if d < 0 {
			return 0, false
		}
		if d > 0 && n > maxTensor/d {
			return 0, false
		}
		n *= d
	}
	return n, true
}

// bytes is what the tensor takes; false where that is more than one may.
func (v *value) bytes() (int64, bool) {
	n, ok := elements(v.dims)
	if !ok || n > maxTensor/sizes[v.kind] {
		return 0, false
	}
	return n * sizes[v.kind], true
}

func (v *value) integer() bool {
	switch v.kind {
	case onnxpb.TensorProto_FLOAT, onnxpb.TensorProto_FLOAT16, onnxpb.TensorProto_BFLOAT16, onnxpb.TensorProto_DOUBLE:
		return false
	}
	return true
}

// constant checks a tensor of the file, which has to hold as many numbers as its
// shape says.
func constant(t *onnxpb.TensorProto, who string) (*value, error) {
	v := &value{dims: t.GetDims(), kind: onnxpb.TensorProto_DataType(t.GetDataType()), constant: true}
	size, known := sizes[v.kind]
	n, ok := elements(v.dims)
	switch {
	case t.GetDataLocation() == onnxpb.TensorProto_EXTERNAL || len(t.GetExternalData()) > 0:
		return nil, refuse("%s lies in another file: export the network as a single file", who)
	case t.GetSegment() != nil:
		return nil, refuse("%s is one of several parts: export the network as a single file", who)
	case !known:
		return nil, refuse("%s holds %v, which is no kind of number of a restoration network: export it in float32", who, v.kind)
	case !ok:
		return nil, refuse("%s has the shape %v, which is none: export the network again", who, v.dims)
	}
	have := int64(len(t.GetRawData())) / size
	whole := int64(len(t.GetRawData()))%size == 0
	if len(t.GetRawData()) == 0 {
		have = int64(max(len(t.GetFloatData()), len(t.GetInt32Data()), len(t.GetInt64Data()), len(t.GetDoubleData()), len(t.GetUint64Data())))
	}
	if have != n || !whole {
		return nil, refuse("%s has the shape %v, but %d numbers: export the network again", who, v.dims, have)
	}
	if n <= maxContent && len(v.dims) <= 1 {
		v.content = numbers(t, v.kind)
	}
	return v, nil
}

// numbers are the content of a small tensor; nil of a kind that no shape is of.
func numbers(t *onnxpb.TensorProto, kind onnxpb.TensorProto_DataType) []float64 {
	out := []float64{}
	raw := t.GetRawData()
	switch kind {
	case onnxpb.TensorProto_INT64:
		for _, x := range t.GetInt64Data() {
			out = append(out, float64(x))
		}
		for ; len(raw) >= 8; raw = raw[8:] {
			out = append(out, float64(int64(binary.LittleEndian.Uint64(raw))))
		}
	case onnxpb.TensorProto_INT32:
		for _, x := range t.GetInt32Data() {
			out = append(out, float64(x))
		}
		for ; len(raw) >= 4; raw = raw[4:] {
			out = append(out, float64(int32(binary.LittleEndian.Uint32(raw))))
		}
	case onnxpb.TensorProto_FLOAT:
		for _, x := range t.GetFloatData() {
			out = append(out, float64(x))
		}
		for ; len(raw) >= 4; raw = raw[4:] {
			out = append(out, float64(math.Float32frombits(binary.LittleEndian.Uint32(raw))))
		}
	default:
		return nil
	}
	return out
}

// ints is the content as whole numbers, the largest brought into half of their
// range; false where it is not known.
func (v *value) ints() ([]int64, bool) {
	if v == nil || v.content == nil {
		return nil, false
	}
	out := make([]int64, len(v.content))
	for i, x := range v.content {
		out[i] = int64(min(max(x, math.MinInt64/2), math.MaxInt64/2))
	}
	return out, true
}
