package operators_test

import (
	"context"
	"encoding/binary"
	"math"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	"faird/infer"
	"faird/model/graph"
	"faird/model/onnxpb"
)

// Pictures whose channels fill vectors and such that do not, rows that are looked
// at in one go and such that are not.
var byteShapes = []shape{
	{1, 1, 32, 33, 40},
	{2, 2, 9, 5, 7},
	{1, 4, 17, 3, 1100},
	{1, 3, 1, 1, 1},
	{1, 1, 16, 20, 64},
}

func TestConv3x3ToBytes(t *testing.T) {
	onKinds(t, func(t *testing.T) {
		for _, s := range byteShapes {
			x, w, bias := noise(1, s.n*s.in*s.h*s.w), noise(2, s.out*s.in*9), noise(3, s.out)
			const scale, zero = 0.03, 7
			want := convolved(s, x, w)
			y := execute(t, []int{s.n, s.in, s.h, s.w}, x, []int{s.n, s.h, s.w, s.out},
				own("Conv3x3ToBytes", []string{"x", "w", "bias", "scale", "zero"}, "q"),
				onnx("DequantizeLinear", []string{"q", "scale", "zero"}, "y"))(
				numbers("w", w, s.out, s.in, 3, 3), numbers("bias", bias, s.out), numbers("scale", []float32{scale}), byteOf("zero", zero))
			for i, got := range y {
				c, pixel := i%s.out, i/s.out
				n, at := pixel/(s.h*s.w), pixel%(s.h*s.w)
				exact := math.Max(want[(n*s.out+c)*s.h*s.w+at]+float64(bias[c]), 0)
				if exact = min(exact, (255-zero)*scale); math.Abs(float64(got)-exact) > 0.51*scale {
					t.Fatalf("%s: pixel %d, channel %d is %v, want %v to half a step of %v", s, at, c, got, exact, scale)
				}
			}
		}
	})
}

func TestConv3x3FromBytes(t *testing.T) {
	onKinds(t, func(t *testing.T) {
		for _, turned := range byteShapes {
			s := shape{turned.n, turned.out, turned.in, turned.h, turned.w} // many channels in, few out
			const scale, zero = 0.02, 100
			x := make([]float32, s.n*s.in*s.h*s.w) // channels last, whole steps
			planes := make([]float32, len(x))
			for i, v := range noise(4, len(x)) {
				x[i] = scale * float32(math.Round(math.Max(-zero, math.Min(float64(30*v), 255-zero))))
				c, pixel := i%s.in, i/s.in
				planes[(pixel/(s.h*s.w)*s.in+c)*s.h*s.w+pixel%(s.h*s.w)] = x[i]
			}
			w, bias := noise(5, s.out*s.in*9), noise(6, s.out)
			y := execute(t, []int{s.n, s.h, s.w, s.in}, x, []int{s.n, s.out, s.h, s.w},
				onnx("QuantizeLinear", []string{"x", "scale", "zero"}, "q"),
				own("Conv3x3FromBytes", []string{"q", "scale", "zero", "w", "bias"}, "y"))(
				numbers("w", w, s.out, s.in, 3, 3), numbers("bias", bias, s.out), numbers("scale", []float32{scale}), byteOf("zero", zero))
			want := convolved(s, planes, w)
			for i := range want {
				want[i] += float64(bias[i/(s.h*s.w)%s.out])
			}
			compare(t, s.String(), y, want)
		}
	})
}

func TestDoubleBytes(t *testing.T) {
	onKinds(t, func(t *testing.T) {
		for _, s := range []shape{{1, 32, 0, 8, 12}, {2, 5, 0, 1, 3}, {1, 17, 0, 6, 1}, {1, 3, 0, 1, 1}} {
			const scale, zero, scale2, zero2 = 0.05, 9, 0.04, 3
			x := make([]float32, s.n*s.h*s.w*s.in)
			for i, v := range noise(7, len(x)) {
				x[i] = scale * float32(math.Round(math.Max(-zero, math.Min(float64(40*v), 255-zero))))
			}
			y := execute(t, []int{s.n, s.h, s.w, s.in}, x, []int{s.n, 2 * s.h, 2 * s.w, s.in},
				onnx("QuantizeLinear", []string{"x", "scale", "zero"}, "q"),
				own("DoubleBytes", []string{"q", "scale", "zero", "scale2", "zero2"}, "q2"),
				onnx("DequantizeLinear", []string{"q2", "scale2", "zero2"}, "y"))(
				numbers("scale", []float32{scale}), byteOf("zero", zero), numbers("scale2", []float32{scale2}), byteOf("zero2", zero2))
			for i, got := range y {
				c, col, row, n := i%s.in, i/s.in%(2*s.w), i/s.in/(2*s.w)%(2*s.h), i/s.in/(4*s.w*s.h)
				at := func(r, k int) float64 {
					return float64(x[((n*s.h+min(r, s.h-1))*s.w+min(k, s.w-1))*s.in+c])
				}
				r, k := float64(row)*float64(s.h-1)/float64(2*s.h-1), float64(col)*float64(s.w-1)/float64(2*s.w-1)
				r0, k0 := int(r), int(k)
				fr, fk := r-float64(r0), k-float64(k0)
				exact := (1-fr)*((1-fk)*at(r0, k0)+fk*at(r0, k0+1)) + fr*((1-fk)*at(r0+1, k0)+fk*at(r0+1, k0+1))
				exact = max(-zero2*scale2, min(exact, (255-zero2)*scale2))
				if math.Abs(float64(got)-exact) > 0.51*scale2 {
					t.Fatalf("%s: row %d, column %d, channel %d is %v, want %v to half a step of %v", s, row, col, c, got, exact, scale2)
				}
			}
		}
	})
}

// execute runs nodes from "x" to "y" on the constants that it is then given.
func execute(t *testing.T, in []int, x []float32, out []int, nodes ...*onnxpb.NodeProto) func(...*onnxpb.TensorProto) []float32 {
	return func(constants ...*onnxpb.TensorProto) []float32 {
		t.Helper()
		m := &onnxpb.ModelProto{
			IrVersion: proto.Int64(graph.IRVersion),
			OpsetImport: []*onnxpb.OperatorSetIdProto{
				{Domain: proto.String(""), Version: proto.Int64(graph.Opset)},
				{Domain: proto.String(graph.Domain), Version: proto.Int64(graph.DomainVersion)},
			},
			Graph: &onnxpb.GraphProto{
				Name: proto.String("bytes"), Node: nodes, Initializer: constants,
				Input: []*onnxpb.ValueInfoProto{value("x", in)}, Output: []*onnxpb.ValueInfoProto{value("y", out)},
			},
		}
		data, err := proto.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		g, err := infer.OpenGraph(data, infer.GraphOptions{})
		if err != nil {
			t.Fatalf("%v (make deps gets the library)", err)
		}
		defer g.Close()
		input, output := tensor(t, in), tensor(t, out)
		copy(input.Data(), x)
		if err := g.Run(context.Background(), []*infer.Tensor{input}, []*infer.Tensor{output}); err != nil {
			t.Fatal(err)
		}
		return slices.Clone(output.Data())
	}
}

func onnx(op string, inputs []string, output string) *onnxpb.NodeProto {
	return &onnxpb.NodeProto{OpType: proto.String(op), Name: proto.String(op + output), Input: inputs, Output: []string{output}}
}

func own(op string, inputs []string, output string) *onnxpb.NodeProto {
	n := onnx(op, inputs, output)
	n.Domain = proto.String(graph.Domain)
	return n
}

func numbers(name string, data []float32, dims ...int) *onnxpb.TensorProto {
	t := &onnxpb.TensorProto{Name: proto.String(name), DataType: proto.Int32(int32(onnxpb.TensorProto_FLOAT))}
	for _, d := range dims {
		t.Dims = append(t.Dims, int64(d))
	}
	for _, v := range data {
		t.RawData = binary.LittleEndian.AppendUint32(t.RawData, math.Float32bits(v))
	}
	return t
}

func byteOf(name string, v byte) *onnxpb.TensorProto {
	return &onnxpb.TensorProto{Name: proto.String(name), DataType: proto.Int32(int32(onnxpb.TensorProto_UINT8)), RawData: []byte{v}}
}

func value(name string, shape []int) *onnxpb.ValueInfoProto {
	s := &onnxpb.TensorShapeProto{}
	for _, d := range shape {
		s.Dim = append(s.Dim, &onnxpb.TensorShapeProto_Dimension{Value: &onnxpb.TensorShapeProto_Dimension_DimValue{DimValue: int64(d)}})
	}
	return &onnxpb.ValueInfoProto{Name: proto.String(name), Type: &onnxpb.TypeProto{Value: &onnxpb.TypeProto_TensorType{
		TensorType: &onnxpb.TypeProto_Tensor{ElemType: proto.Int32(int32(onnxpb.TensorProto_FLOAT)), Shape: s},
	}}}
}
