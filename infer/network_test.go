package infer_test

import (
	"encoding/binary"
	"math"
	"testing"

	"google.golang.org/protobuf/proto"

	"faird/model/onnxpb"
)

// network builds a chain of 3x3 convolutions, 1 -> width -> ... -> 3 channels,
// whose weights are all `weight`: with depth 1 and weight 1/9 each output
// channel is the input's 3x3 mean.
func network(t testing.TB, size, width, depth int, weight float32) []byte {
	t.Helper()
	g := &onnxpb.GraphProto{Name: proto.String("chain")}
	g.Input = []*onnxpb.ValueInfoProto{value("highpass", 1, size)}
	g.Output = []*onnxpb.ValueInfoProto{value("restored", 3, size)}
	in, from := 1, "highpass"
	for i := range depth {
		out, to := width, "h"+string(rune('a'+i))
		if i == depth-1 {
			out, to = 3, "restored"
		}
		w := "w" + string(rune('a'+i))
		g.Initializer = append(g.Initializer, constant(w, weight, out, in, 3, 3))
		g.Node = append(g.Node, &onnxpb.NodeProto{
			OpType: proto.String("Conv"), Name: proto.String("conv_" + w),
			Input: []string{from, w}, Output: []string{to},
			Attribute: []*onnxpb.AttributeProto{{
				Name: proto.String("pads"), Type: onnxpb.AttributeProto_INTS.Enum(), Ints: []int64{1, 1, 1, 1},
			}},
		})
		in, from = out, to
	}
	return encode(t, g)
}

// addition builds z = x + y, all of one dimension n.
func addition(t testing.TB, n int64) []byte {
	t.Helper()
	vector := func(name string) *onnxpb.ValueInfoProto { return typed(name, dim(n)) }
	return encode(t, &onnxpb.GraphProto{
		Name:  proto.String("addition"),
		Input: []*onnxpb.ValueInfoProto{vector("x"), vector("y")}, Output: []*onnxpb.ValueInfoProto{vector("z")},
		Node: []*onnxpb.NodeProto{{OpType: proto.String("Add"), Name: proto.String("add"), Input: []string{"x", "y"}, Output: []string{"z"}}},
	})
}

func encode(t testing.TB, g *onnxpb.GraphProto) []byte {
	t.Helper()
	b, err := proto.Marshal(&onnxpb.ModelProto{
		IrVersion: proto.Int64(8), Graph: g,
		OpsetImport: []*onnxpb.OperatorSetIdProto{{Domain: proto.String(""), Version: proto.Int64(17)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func value(name string, channels, size int) *onnxpb.ValueInfoProto {
	n := &onnxpb.TensorShapeProto_Dimension{Value: &onnxpb.TensorShapeProto_Dimension_DimParam{DimParam: "n"}}
	return typed(name, n, dim(int64(channels)), dim(int64(size)), dim(int64(size)))
}

func typed(name string, dims ...*onnxpb.TensorShapeProto_Dimension) *onnxpb.ValueInfoProto {
	return &onnxpb.ValueInfoProto{Name: proto.String(name), Type: &onnxpb.TypeProto{Value: &onnxpb.TypeProto_TensorType{
		TensorType: &onnxpb.TypeProto_Tensor{
			ElemType: proto.Int32(int32(onnxpb.TensorProto_FLOAT)), Shape: &onnxpb.TensorShapeProto{Dim: dims},
		},
	}}}
}

func dim(n int64) *onnxpb.TensorShapeProto_Dimension {
	return &onnxpb.TensorShapeProto_Dimension{Value: &onnxpb.TensorShapeProto_Dimension_DimValue{DimValue: n}}
}

func constant(name string, v float32, dims ...int) *onnxpb.TensorProto {
	n, shape := 1, make([]int64, len(dims))
	for i, d := range dims {
		n, shape[i] = n*d, int64(d)
	}
	raw := make([]byte, 4*n)
	for i := range n {
		binary.LittleEndian.PutUint32(raw[4*i:], math.Float32bits(v))
	}
	return &onnxpb.TensorProto{Name: proto.String(name), Dims: shape, DataType: proto.Int32(int32(onnxpb.TensorProto_FLOAT)), RawData: raw}
}
