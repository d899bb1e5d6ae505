// Package hostile makes model files that a box must refuse, for tests. It is never
// part of the program.
package hostile

import (
	"encoding/binary"
	"math"

	"google.golang.org/protobuf/proto"

	"faird/model/onnxpb"
)

// Side of the images that the networks take, and Channels of the input.
const Side = 32

// File is one that must be refused.
type File struct {
	Name string
	ONNX []byte
	Why  string // part of the refusal
}

// Files are refused before anything runs them. Each is a few kilobytes.
func Files() []File {
	const huge = 77_000 // 77000 x 77000 float32 are 22 GiB
	files := []File{
		{"endless loop", network(node("Loop", "y", in("trips", "true", "x"), attribute("body", body("y"))), ints("trips", math.MaxInt64), truth("true")), "control flow"},
		{"condition", network(node("If", "y", in("true"), attribute("then_branch", body("y")), attribute("else_branch", body("y"))), truth("true")), "control flow"},
		{"scan", network(node("Scan", "y", in("x"), attribute("body", body("y")))), "control flow"},
		{"22 GB of zeros", network(node("ConstantOfShape", "y", in("shape")), ints("shape", huge, huge)), "takes more than"},
		{"expanded to 22 GB", network(node("Expand", "y", in("one", "shape")), ints("shape", huge, huge), numbers("one", 1)), "takes more than"},
		{"tiled to 22 GB", network(node("Tile", "y", in("x", "times")), ints("times", 1, 1, 2400, 2400)), "takes more than"},
		{"resized to 22 GB", network(node("Resize", "y", in("x", "", "scales")), numbers("scales", 1, 1, 2400, 2400)), "takes more than"},
		{"padded to 22 GB", network(node("Pad", "y", in("x", "pads")), ints("pads", 0, 0, 0, 0, 0, 0, huge, huge)), "takes more than"},
		{"padded over the edge of numbers", network(node("Pad", "y", in("x", "pads")), ints("pads", 0, 0, math.MaxInt64, math.MaxInt64, 0, 0, math.MaxInt64, math.MaxInt64)), "do not fit"},
		{"strides of 22 GB", network(node("ConvTranspose", "y", in("x", "w"), list("strides", 2400, 2400)), shaped("w", 1, 1, 1, 1)), "takes more than"},
		{"a size that nobody knows", network(node("Resize", "y", in("x", "", "scales")), node("Relu", "scales", in("x"))), "nothing before it makes"},
		{"a shape that nobody knows", network(node("Relu", "r", in("x")), node("Reshape", "y", in("x", "r"))), "cannot be told"},
		{"doubled 40 times", network(doubled(40)...), "takes more than"},
		{"held 200 times", network(held(200)...), "takes more than"},
		{"external data", network(node("Add", "y", in("x", "w")), external("w")), "another file"},
		{"external data in an operator", network(node("Constant", "w", nil, tensor("value", outside("w"))), node("Add", "y", in("x", "w"))), "another file"},
		{"a foreign operator", network(foreign("com.example", "Run", "y")), "custom operators"},
		{"an operator of the daemon's own", network(foreign("faird", "Conv3x3", "y")), "custom operators"},
		{"a Microsoft operator", network(foreign("com.microsoft", "Attention", "y")), "no such operator"},
		{"an unknown operator", network(node("StringNormalizer", "y", in("x"))), "no such operator"},
		{"a hidden network", network(node("Relu", "y", in("x"), attribute("body", body("y")))), "attribute"},
		{"weights that are not there", network(node("Add", "y", in("x", "w")), shaped("w", 1<<20, 1<<20)), "none"},
		{"weights that are shorter", network(node("Add", "y", in("x", "w")), short("w")), "but 1 numbers"},
		{"a value made twice", network(node("Relu", "x", in("x")), node("Relu", "y", in("x"))), "there already"},
		{"a circle", network(node("Add", "a", in("x", "b")), node("Relu", "b", in("a")), node("Relu", "y", in("b"))), "nothing before it makes"},
		{"too many operators", network(many(20_000)...), "operators"},
		{"too many parts", network(many(300_000)...), "parts"},
	}
	function := build(node("Relu", "y", in("x")))
	function.Functions = []*onnxpb.FunctionProto{{Name: proto.String("Relu"), Domain: proto.String("")}}
	sparse := build(node("Relu", "y", in("x")))
	sparse.Graph.SparseInitializer = []*onnxpb.SparseTensorProto{{Dims: []int64{huge, huge}}}
	nested := node("Relu", "y", in("x"))
	for range 50 {
		nested = node("If", "y", in("x"), attribute("body", &onnxpb.GraphProto{Node: []*onnxpb.NodeProto{nested.(*onnxpb.NodeProto)}}))
	}
	return append(files,
		File{"a function", encode(function), "function of its own"},
		File{"sparse weights", encode(sparse), "sparse"},
		File{"deeply nested", network(nested), "nested deeper"},
	)
}

// part is a node or an initializer.
type part any

func network(parts ...part) []byte { return encode(build(parts...)) }

func encode(m *onnxpb.ModelProto) []byte {
	data, err := proto.Marshal(m)
	if err != nil {
		panic(err) // of messages made here
	}
	return data
}

// build makes a network of x, [n,1,32,32], and y.
func build(parts ...part) *onnxpb.ModelProto {
	g := &onnxpb.GraphProto{
		Name:   proto.String("hostile"),
		Input:  []*onnxpb.ValueInfoProto{value("x", 1)},
		Output: []*onnxpb.ValueInfoProto{value("y", 3)},
	}
	for _, p := range parts {
		switch p := p.(type) {
		case *onnxpb.NodeProto:
			g.Node = append(g.Node, p)
		case *onnxpb.TensorProto:
			g.Initializer = append(g.Initializer, p)
		}
	}
	return &onnxpb.ModelProto{
		IrVersion: proto.Int64(8), Graph: g,
		OpsetImport: []*onnxpb.OperatorSetIdProto{{Domain: proto.String(""), Version: proto.Int64(17)}},
	}
}

func value(name string, channels int64) *onnxpb.ValueInfoProto {
	shape := &onnxpb.TensorShapeProto{Dim: []*onnxpb.TensorShapeProto_Dimension{{Value: &onnxpb.TensorShapeProto_Dimension_DimParam{DimParam: "n"}}}}
	for _, d := range []int64{channels, Side, Side} {
		shape.Dim = append(shape.Dim, &onnxpb.TensorShapeProto_Dimension{Value: &onnxpb.TensorShapeProto_Dimension_DimValue{DimValue: d}})
	}
	return &onnxpb.ValueInfoProto{Name: &name, Type: &onnxpb.TypeProto{Value: &onnxpb.TypeProto_TensorType{
		TensorType: &onnxpb.TypeProto_Tensor{ElemType: proto.Int32(int32(onnxpb.TensorProto_FLOAT)), Shape: shape},
	}}}
}

func in(names ...string) []string { return names }

func node(op, out string, inputs []string, attributes ...*onnxpb.AttributeProto) part {
	return &onnxpb.NodeProto{OpType: &op, Name: proto.String(op + " " + out), Input: inputs, Output: []string{out}, Attribute: attributes}
}

func foreign(domain, op, out string) part {
	return &onnxpb.NodeProto{OpType: &op, Domain: &domain, Input: []string{"x"}, Output: []string{out}}
}

func attribute(name string, g *onnxpb.GraphProto) *onnxpb.AttributeProto {
	return &onnxpb.AttributeProto{Name: &name, Type: onnxpb.AttributeProto_GRAPH.Enum(), G: g}
}

func tensor(name string, t *onnxpb.TensorProto) *onnxpb.AttributeProto {
	return &onnxpb.AttributeProto{Name: &name, Type: onnxpb.AttributeProto_TENSOR.Enum(), T: t}
}

func list(name string, values ...int64) *onnxpb.AttributeProto {
	return &onnxpb.AttributeProto{Name: &name, Type: onnxpb.AttributeProto_INTS.Enum(), Ints: values}
}

// body goes on for ever, as a loop's.
func body(out string) *onnxpb.GraphProto {
	scalar := func(name string, kind onnxpb.TensorProto_DataType) *onnxpb.ValueInfoProto {
		return &onnxpb.ValueInfoProto{Name: &name, Type: &onnxpb.TypeProto{Value: &onnxpb.TypeProto_TensorType{
			TensorType: &onnxpb.TypeProto_Tensor{ElemType: proto.Int32(int32(kind)), Shape: &onnxpb.TensorShapeProto{}},
		}}}
	}
	return &onnxpb.GraphProto{
		Name:  proto.String("body"),
		Input: []*onnxpb.ValueInfoProto{scalar("i", onnxpb.TensorProto_INT64), scalar("go", onnxpb.TensorProto_BOOL), value("state", 1)},
		Node: []*onnxpb.NodeProto{
			{OpType: proto.String("Identity"), Input: []string{"go"}, Output: []string{"still"}},
			{OpType: proto.String("Identity"), Input: []string{"state"}, Output: []string{out}},
		},
		Output: []*onnxpb.ValueInfoProto{scalar("still", onnxpb.TensorProto_BOOL), value(out, 1)},
	}
}

func ints(name string, values ...int64) part {
	return &onnxpb.TensorProto{Name: &name, DataType: proto.Int32(int32(onnxpb.TensorProto_INT64)), Dims: []int64{int64(len(values))}, Int64Data: values}
}

func truth(name string) part {
	return &onnxpb.TensorProto{Name: &name, DataType: proto.Int32(int32(onnxpb.TensorProto_BOOL)), RawData: []byte{1}}
}

func numbers(name string, values ...float32) part {
	t := shapedTensor(name, int64(len(values)))
	t.RawData = nil
	for _, v := range values {
		t.RawData = binary.LittleEndian.AppendUint32(t.RawData, math.Float32bits(v))
	}
	return t
}

func shaped(name string, dims ...int64) part { return shapedTensor(name, dims...) }

// shapedTensor has one number, however many its shape asks for.
func shapedTensor(name string, dims ...int64) *onnxpb.TensorProto {
	return &onnxpb.TensorProto{Name: &name, DataType: proto.Int32(int32(onnxpb.TensorProto_FLOAT)), Dims: dims, RawData: make([]byte, 4)}
}

func short(name string) part { return shapedTensor(name, 1, 1, Side, Side) }

func outside(name string) *onnxpb.TensorProto {
	t := shapedTensor(name, 1)
	t.RawData, t.DataLocation = nil, onnxpb.TensorProto_EXTERNAL.Enum()
	t.ExternalData = []*onnxpb.StringStringEntryProto{{Key: proto.String("location"), Value: proto.String("/etc/passwd")}}
	return t
}

func external(name string) part { return outside(name) }

// doubled is x beside itself, so many times over.
func doubled(times int) (parts []part) {
	last := "x"
	for i := range times {
		next := "d" + string(rune('A'+i))
		if i == times-1 {
			next = "y"
		}
		axis := &onnxpb.AttributeProto{Name: proto.String("axis"), Type: onnxpb.AttributeProto_INT.Enum(), I: proto.Int64(3)}
		parts, last = append(parts, node("Concat", next, in(last, last), axis)), next
	}
	return parts
}

// held are large values, none of which can be freed before the last operator.
func held(count int) []part {
	parts := []part{numbers("scales", 1, 1, 128, 128)} // 64 MiB each
	all := []string{}
	for i := range count {
		name := "h" + string(rune('Ā'+i))
		parts, all = append(parts, node("Resize", name, in("x", "", "scales"))), append(all, name)
	}
	return append(parts, node("Sum", "y", all))
}

func many(count int) []part {
	parts := make([]part, 0, count+1)
	for i := range count {
		parts = append(parts, &onnxpb.NodeProto{OpType: proto.String("Relu"), Input: []string{"x"}, Output: []string{"n" + string(rune(0x10000+i))}})
	}
	return append(parts, node("Relu", "y", in("x")))
}
