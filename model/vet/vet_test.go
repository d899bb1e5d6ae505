package vet_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"faird/model"
	"faird/model/onnxpb"
	"faird/model/vet"
	"faird/model/vet/hostile"
)

// Every hostile file is refused by what reads models, in one line that says why.
func TestHostileFilesAreRefused(t *testing.T) {
	for _, f := range hostile.Files() {
		t.Run(f.Name, func(t *testing.T) {
			_, err := model.Parse(f.ONNX)
			if err == nil || !strings.Contains(err.Error(), f.Why) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%d bytes: %v, want %q", len(f.ONNX), err, f.Why)
			}
			if !errors.Is(err, vet.ErrRefused) && f.Why != "another file" { // which the signature's check may say before
				t.Errorf("%v is not the error of a refusal", err)
			}
		})
	}
}

// exported is a network as exporters write them for images of any size: the size of
// the upsampled image is that of another value, computed by a dozen operators.
func exported() *onnxpb.ModelProto {
	op := func(kind, out string, in ...string) *onnxpb.NodeProto {
		return &onnxpb.NodeProto{OpType: &kind, Name: &out, Input: in, Output: []string{out}}
	}
	with := func(n *onnxpb.NodeProto, name string, v ...int64) *onnxpb.NodeProto {
		a := &onnxpb.AttributeProto{Name: &name, Type: onnxpb.AttributeProto_INTS.Enum(), Ints: v}
		if len(v) == 1 && name != "strides" && name != "axes" {
			a = &onnxpb.AttributeProto{Name: &name, Type: onnxpb.AttributeProto_INT.Enum(), I: &v[0]}
		}
		n.Attribute = append(n.Attribute, a)
		return n
	}
	ints := func(name string, v ...int64) *onnxpb.TensorProto {
		return &onnxpb.TensorProto{Name: &name, DataType: proto.Int32(int32(onnxpb.TensorProto_INT64)), Dims: []int64{int64(len(v))}, Int64Data: v}
	}
	weights := func(name string, dims ...int64) *onnxpb.TensorProto {
		n := int64(1)
		for _, d := range dims {
			n *= d
		}
		return &onnxpb.TensorProto{Name: &name, DataType: proto.Int32(int32(onnxpb.TensorProto_FLOAT)), Dims: dims, RawData: make([]byte, 4*n)}
	}
	scalar := ints("i2", 2)
	scalar.Dims = nil
	other := ints("i3", 3)
	other.Dims = nil
	return &onnxpb.ModelProto{Graph: &onnxpb.GraphProto{
		Initializer: []*onnxpb.TensorProto{
			weights("w1", 8, 1, 3, 3), weights("w2", 16, 8, 3, 3), weights("w3", 3, 24, 1, 1), scalar, other,
			ints("zero", 0), ints("two", 2), ints("axis", 0), ints("channels", 16),
		},
		Node: []*onnxpb.NodeProto{
			with(op("Conv", "a", "x", "w1"), "pads", 1, 1, 1, 1),
			with(with(op("MaxPool", "p", "a"), "kernel_shape", 2, 2), "strides", 2, 2),
			with(op("Conv", "b", "p", "w2"), "pads", 1, 1, 1, 1),
			op("Shape", "s", "a"),
			op("Gather", "h", "s", "i2"),
			op("Gather", "w", "s", "i3"),
			op("Unsqueeze", "h1", "h", "axis"),
			op("Unsqueeze", "wd1", "w", "axis"),
			op("Slice", "front", "s", "zero", "two", "axis"),
			with(op("Concat", "hw", "h1", "wd1"), "axis", 0),
			op("Shape", "bs", "b"),
			op("Slice", "bfront", "bs", "zero", "two", "axis"),
			with(op("Cast", "hw64", "hw"), "to", int64(onnxpb.TensorProto_INT64)),
			with(op("Concat", "size", "bfront", "hw64"), "axis", 0),
			op("Resize", "u", "b", "", "", "size"),
			with(op("Concat", "c", "a", "u"), "axis", 1),
			op("Conv", "y", "c", "w3"),
		},
		Output: []*onnxpb.ValueInfoProto{{Name: proto.String("y")}},
	}}
}

// The memory that a network takes is worked out by hand: a, u and their concatenation
// are alive together, of 8, 16 and 24 channels.
func TestExportedNetworksPass(t *testing.T) {
	for _, batch := range []int64{1, 3} {
		memory, err := vet.Network(exported(), "x", []int64{batch, 1, 64, 96})
		if err != nil {
			t.Fatal(err)
		}
		plane := 4 * batch * 64 * 96
		weights := int64(4 * (8*9 + 16*8*9 + 3*24))
		if rest := memory - weights - 48*plane; rest < 0 || rest > 1000 {
			t.Errorf("%d bytes for %d images, want a little more than %d", memory, batch, weights+48*plane)
		}
	}
}

// A shape that its own arithmetic makes too large is refused too.
func TestShapesAreFollowed(t *testing.T) {
	m := exported()
	for _, n := range m.Graph.Node {
		if n.GetOpType() == "Cast" {
			n.OpType, n.Attribute = proto.String("Mul"), nil
			n.Input = []string{"hw", "big"}
		}
	}
	m.Graph.Initializer = append(m.Graph.Initializer, &onnxpb.TensorProto{
		Name: proto.String("big"), DataType: proto.Int32(int32(onnxpb.TensorProto_INT64)), Dims: []int64{1}, Int64Data: []int64{1000},
	})
	if _, err := vet.Network(m, "x", []int64{1, 1, 64, 96}); !errors.Is(err, vet.ErrRefused) || !strings.Contains(err.Error(), `"Resize" ("u")`) {
		t.Errorf("%v, want Resize u to be refused", err)
	}
}

func TestScanCountsNumbersOfVariableLength(t *testing.T) {
	m := exported()
	m.Graph.Initializer = append(m.Graph.Initializer, &onnxpb.TensorProto{
		Name: proto.String("many"), DataType: proto.Int32(int32(onnxpb.TensorProto_INT32)), Dims: []int64{17 << 20}, Int32Data: make([]int32, 17<<20),
	})
	data, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	if err := vet.Scan(data); !errors.Is(err, vet.ErrRefused) {
		t.Errorf("%v", err)
	}
	if err := vet.Scan(data[:len(data)/2]); err != nil {
		t.Errorf("half a file: %v, want it to be left to the decoder", err)
	}
}

// No network makes the walk fail by itself.
func FuzzNetwork(f *testing.F) {
	for _, h := range hostile.Files() {
		if len(h.ONNX) < 10_000 {
			f.Add(h.ONNX, int64(1), int64(1), int64(hostile.Side), int64(hostile.Side))
		}
	}
	good, err := proto.Marshal(exported())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good, int64(1), int64(1), int64(64), int64(96))
	f.Add(good, int64(-1), int64(0), int64(math.MaxInt64), int64(math.MinInt64))
	f.Fuzz(func(t *testing.T, data []byte, n, c, h, w int64) {
		if vet.Scan(data) != nil {
			return
		}
		m := new(onnxpb.ModelProto)
		if proto.Unmarshal(data, m) != nil {
			return
		}
		memory, err := vet.Network(m, "x", []int64{n, c, h, w})
		if err == nil && (memory < 0 || memory > 6<<30) {
			t.Errorf("%d bytes pass", memory)
		}
		if err != nil && !errors.Is(err, vet.ErrRefused) {
			t.Errorf("%v is no refusal", err)
		}
	})
}
