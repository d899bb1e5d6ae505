package vet

import (
	"maps"
	"slices"

	"faird/model/onnxpb"
)

// key names an operator: of ONNX itself, or of ONNX Runtime.
type key struct {
	microsoft bool
	op        string
}

// rule gives what is known of an operator's outputs.
type rule func(n *node) ([]*value, error)

// operators are those that a restoration network may have: of the paper's and of
// networks like it, of their 8-bit forms, of the filter and the score around them,
// and what exporters write to compute shapes.
var operators = table()

func table() map[key]rule {
	t := map[key]rule{
		{false, "Conv"}:                  (*node).conv,
		{false, "ConvTranspose"}:         (*node).convTranspose,
		{false, "QLinearConv"}:           (*node).qlinearConv,
		{false, "MatMul"}:                (*node).matMul,
		{false, "Gemm"}:                  (*node).gemm,
		{false, "MaxPool"}:               (*node).pool,
		{false, "AveragePool"}:           (*node).pool,
		{false, "GlobalMaxPool"}:         (*node).globalPool,
		{false, "GlobalAveragePool"}:     (*node).globalPool,
		{false, "Where"}:                 (*node).where,
		{false, "Cast"}:                  (*node).cast,
		{false, "QuantizeLinear"}:        (*node).quantise,
		{false, "DequantizeLinear"}:      (*node).dequantise,
		{false, "Concat"}:                (*node).concat,
		{false, "Split"}:                 (*node).split,
		{false, "Slice"}:                 (*node).slice,
		{false, "Reshape"}:               (*node).reshape,
		{false, "Flatten"}:               (*node).flatten,
		{false, "Squeeze"}:               (*node).squeeze,
		{false, "Unsqueeze"}:             (*node).unsqueeze,
		{false, "Transpose"}:             (*node).transpose,
		{false, "Pad"}:                   (*node).pad,
		{false, "Resize"}:                (*node).resize,
		{false, "Upsample"}:              (*node).resize,
		{false, "DepthToSpace"}:          (*node).depthToSpace,
		{false, "SpaceToDepth"}:          (*node).spaceToDepth,
		{false, "Shape"}:                 (*node).shape,
		{false, "Gather"}:                (*node).gather,
		{false, "Constant"}:              (*node).constantOf,
		{false, "ConstantOfShape"}:       (*node).constantOfShape,
		{false, "Expand"}:                (*node).expand,
		{false, "Tile"}:                  (*node).tile,
		{false, "Dropout"}:               (*node).dropout,
		{false, "BatchNormalization"}:    (*node).same,
		{false, "InstanceNormalization"}: (*node).same,
		{true, "QLinearAdd"}:             (*node).qlinearAdd,
		{true, "QLinearConcat"}:          (*node).qlinearConcat,
	}
	rules := map[string]rule{}
	for _, op := range []string{
		"Identity", "Relu", "LeakyRelu", "Elu", "Selu", "Celu", "Gelu", "Sigmoid", "HardSigmoid", "HardSwish", "Tanh", "Softplus", "Softsign", "Mish",
		"Clip", "Sqrt", "Exp", "Log", "Abs", "Neg", "Sign", "Floor", "Ceil", "Round", "Reciprocal", "Erf", "Not",
		"Softmax", "LogSoftmax", "LayerNormalization", "GroupNormalization", "LRN", "LpNormalization",
	} {
		rules[op] = (*node).same
	}
	for _, op := range []string{"Add", "Sub", "Mul", "Div", "Pow", "Min", "Max", "Sum", "Mean", "PRelu"} {
		rules[op] = (*node).arithmetic
	}
	for _, op := range []string{"Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "And", "Or"} {
		rules[op] = (*node).compare
	}
	for _, op := range []string{"ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2", "ReduceSumSquare"} {
		rules[op] = (*node).reduce
	}
	for op, r := range rules {
		t[key{op: op}] = r
	}
	return t
}

// Operators lists the operators that a network may have.
func Operators() []string {
	var list []string
	for k := range maps.Keys(operators) {
		if k.microsoft {
			k.op = microsoft + "." + k.op
		}
		list = append(list, k.op)
	}
	return slices.Sorted(slices.Values(list))
}

func one(v *value) ([]*value, error) { return []*value{v}, nil }

// like is a tensor of v's kind with another shape.
func like(v *value, dims ...int64) *value { return &value{dims: dims, kind: v.kind} }

// same is an operator whose result has the shape and kind of its first input.
func (n *node) same() ([]*value, error) {
	in, err := n.need(1)
	if err != nil {
		return nil, err
	}
	out := like(in[0], in[0].dims...)
	if n.proto.GetOpType() == "Identity" {
		out.content = in[0].content
	}
	return one(out)
}

// dropout also says what it would have left out.
func (n *node) dropout() ([]*value, error) {
	out, err := n.same()
	if err != nil {
		return nil, err
	}
	return append(out, &value{dims: out[0].dims, kind: onnxpb.TensorProto_BOOL}), nil
}

func (n *node) arithmetic() ([]*value, error) {
	in, err := n.need(max(1, len(n.in)))
	if err != nil {
		return nil, err
	}
	out := like(in[0], in[0].dims...)
	for _, v := range in[1:] {
		dims, ok := broadcast(out.dims, v.dims)
		if !ok {
			return nil, n.unfit(out.dims, v.dims)
		}
		out.dims = dims
	}
	if len(in) == 2 {
		out.content = fold(n.proto.GetOpType(), in[0], in[1])
	}
	return one(out)
}

func (n *node) compare() ([]*value, error) {
	out, err := n.arithmetic()
	if err == nil {
		out[0].kind, out[0].content = onnxpb.TensorProto_BOOL, nil
	}
	return out, err
}

func (n *node) where() ([]*value, error) {
	in, err := n.need(3)
	if err != nil {
		return nil, err
	}
	dims, ok := broadcast(in[1].dims, in[2].dims)
	if ok {
		dims, ok = broadcast(dims, in[0].dims)
	}
	if !ok {
		return nil, n.unfit(in[0].dims, in[1].dims, in[2].dims)
	}
	return one(like(in[1], dims...))
}

func (n *node) cast() ([]*value, error) {
	out, err := n.same()
	if err != nil {
		return nil, err
	}
	out[0].kind, out[0].content = onnxpb.TensorProto_DataType(n.int("to", 0)), n.in[0].content
	if out[0].integer() && !n.in[0].integer() {
		out[0].content = truncated(out[0].content)
	}
	return out, nil
}

// quantise gives 8 bits; its third input, or an attribute, may say of another kind.
func (n *node) quantise() ([]*value, error) {
	out, err := n.same()
	if err != nil {
		return nil, err
	}
	out[0].kind = onnxpb.TensorProto_UINT8
	if zero := n.input(2); zero != nil {
		out[0].kind = zero.kind
	}
	if kind := n.int("output_dtype", 0); kind != 0 {
		out[0].kind = onnxpb.TensorProto_DataType(kind)
	}
	return out, nil
}

func (n *node) dequantise() ([]*value, error) {
	in, err := n.need(2)
	if err != nil {
		return nil, err
	}
	return one(&value{dims: in[0].dims, kind: in[1].kind})
}

func (n *node) qlinearAdd() ([]*value, error) {
	in, err := n.need(7)
	if err != nil {
		return nil, err
	}
	dims, ok := broadcast(in[0].dims, in[3].dims)
	if !ok {
		return nil, n.unfit(in[0].dims, in[3].dims)
	}
	return one(like(in[0], dims...))
}

// broadcast is NumPy's.
func broadcast(a, b []int64) ([]int64, bool) {
	if len(a) < len(b) {
		a, b = b, a
	}
	out := slices.Clone(a)
	for i, d := range b {
		at := len(a) - len(b) + i
		switch {
		case out[at] == d || d == 1:
		case out[at] == 1:
			out[at] = d
		default:
			return nil, false
		}
	}
	return out, true
}
