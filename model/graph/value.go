package graph

import (
	"fmt"
	"slices"

	"faird/model/onnxpb"

	"google.golang.org/protobuf/proto"
)

// Free is a dimension fixed only when the graph runs, such as a batch.
const Free = -1

// Kind is the element type of a value.
type Kind int32

// Element types used here.
const (
	Float = Kind(onnxpb.TensorProto_FLOAT)
	Int   = Kind(onnxpb.TensorProto_INT64)
	Bool  = Kind(onnxpb.TensorProto_BOOL)
)

// Value is a tensor in a graph: an input, a constant or a result. The zero
// Value is no tensor.
type Value struct {
	name  string
	shape []int
	kind  Kind
}

// Name is what the graph calls the value.
func (v Value) Name() string { return v.name }

// Valid says whether v is a tensor at all.
func (v Value) Valid() bool { return v.name != "" }

// Shape is the value's shape, with Free where it is known only at run time.
func (v Value) Shape() []int { return slices.Clone(v.shape) }

// Dim is one dimension of the shape; 0 where there is no such dimension.
func (v Value) Dim(i int) int {
	if i < 0 || i >= len(v.shape) {
		return 0
	}
	return v.shape[i]
}

// Elements is the number of elements, or Free if a dimension is.
func (v Value) Elements() int {
	n := 1
	for _, d := range v.shape {
		if d == Free {
			return Free
		}
		n *= d
	}
	return n
}

func (v Value) String() string { return fmt.Sprintf("%s%v", v.name, v.shape) }

func (v Value) info() *onnxpb.ValueInfoProto {
	shape := &onnxpb.TensorShapeProto{}
	for i, d := range v.shape {
		dim := &onnxpb.TensorShapeProto_Dimension{}
		if d == Free {
			dim.Value = &onnxpb.TensorShapeProto_Dimension_DimParam{DimParam: string("nchw"[min(i, 3)])}
		} else {
			dim.Value = &onnxpb.TensorShapeProto_Dimension_DimValue{DimValue: int64(d)}
		}
		shape.Dim = append(shape.Dim, dim)
	}
	return &onnxpb.ValueInfoProto{
		Name: proto.String(v.name),
		Type: &onnxpb.TypeProto{Value: &onnxpb.TypeProto_TensorType{TensorType: &onnxpb.TypeProto_Tensor{
			ElemType: proto.Int32(int32(v.kind)), Shape: shape,
		}}},
	}
}

// broadcast is NumPy's rule: aligned at the right, ones stretch.
func broadcast(a, b []int) ([]int, bool) {
	if len(a) < len(b) {
		a, b = b, a
	}
	out := slices.Clone(a)
	for i := range b {
		k := len(a) - len(b) + i
		switch {
		case b[i] == out[k] || b[i] == 1:
		case out[k] == 1:
			out[k] = b[i]
		default:
			return nil, false
		}
	}
	return out, true
}
