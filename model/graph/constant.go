package graph

import (
	"encoding/binary"
	"fmt"
	"math"

	"faird/model/onnxpb"

	"google.golang.org/protobuf/proto"
)

// Named is a float constant under a name of its own, as weights have.
func (g *Graph) Named(name string, data []float32, shape ...int) Value {
	return g.constant(name, Float, floatBytes(data), len(data), shape)
}

// Const is a float constant; equal ones are written once.
func (g *Graph) Const(data []float32, shape ...int) Value {
	return g.constant("", Float, floatBytes(data), len(data), shape)
}

// Scalar is a float constant without dimensions.
func (g *Graph) Scalar(v float64) Value { return g.Const([]float32{float32(v)}) }

// Fill is a float constant of one value everywhere.
func (g *Graph) Fill(v float64, shape ...int) Value {
	n := Value{shape: shape}.Elements()
	data := make([]float32, max(n, 0))
	for i := range data {
		data[i] = float32(v)
	}
	return g.Const(data, shape...)
}

// ints is a list of integers as a tensor, which many operators take for shapes
// and axes.
func (g *Graph) ints(v ...int) Value {
	raw := make([]byte, 0, 8*len(v))
	for _, x := range v {
		raw = binary.LittleEndian.AppendUint64(raw, uint64(x))
	}
	return g.constant("", Int, raw, len(v), []int{len(v)})
}

func (g *Graph) constant(name string, kind Kind, raw []byte, n int, shape []int) Value {
	v := Value{name: name, shape: shape, kind: kind}
	if v.Elements() != n {
		g.Fail("constant %s: %d numbers for shape %v", name, n, shape)
	}
	key := name
	if name == "" {
		key = fmt.Sprint(kind, shape, string(raw))
	}
	if old, ok := g.consts[key]; ok {
		if name != "" {
			g.Fail("constant %s is there twice", name)
		}
		return old
	}
	if name == "" {
		v.name = fmt.Sprintf("const_%d", len(g.consts))
	}
	g.consts[key] = v
	g.proto.Initializer = append(g.proto.Initializer, &onnxpb.TensorProto{
		Name: proto.String(v.name), DataType: proto.Int32(int32(kind)), Dims: int64s(shape), RawData: raw,
	})
	return v
}

// FloatBytes are numbers as a constant's raw data.
func FloatBytes(data ...float32) []byte { return floatBytes(data) }

func floatBytes(data []float32) []byte {
	raw := make([]byte, 0, 4*len(data))
	for _, x := range data {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(x))
	}
	return raw
}
