package model_test

import (
	"bytes"
	"image"
	"image/png"
	"testing"

	"google.golang.org/protobuf/proto"

	"faird/fair"
	"faird/model"
	"faird/model/onnxpb"
)

// edit changes a sound network before it is encoded.
type edit func(m *onnxpb.ModelProto)

// network encodes a graph of the right shape, [n,1,32,48] to [n,3,32,48],
// after the edits.
func network(t testing.TB, edits ...edit) []byte {
	t.Helper()
	m := &onnxpb.ModelProto{
		IrVersion: proto.Int64(8), ProducerName: proto.String("test"),
		OpsetImport: []*onnxpb.OperatorSetIdProto{{Domain: proto.String(""), Version: proto.Int64(17)}},
		Graph: &onnxpb.GraphProto{
			Name:        proto.String("g"),
			Input:       []*onnxpb.ValueInfoProto{tensor("highpass", onnxpb.TensorProto_FLOAT, "n", 1, 32, 48)},
			Output:      []*onnxpb.ValueInfoProto{tensor("restored", onnxpb.TensorProto_FLOAT, "n", 3, 32, 48)},
			ValueInfo:   []*onnxpb.ValueInfoProto{tensor("middle", onnxpb.TensorProto_FLOAT, "n", 3, 32, 48)},
			Initializer: []*onnxpb.TensorProto{{Name: proto.String("w"), Dims: []int64{1}, DataType: proto.Int32(1), RawData: make([]byte, 4)}},
			Node:        []*onnxpb.NodeProto{{OpType: proto.String("Concat"), Input: []string{"highpass", "highpass", "highpass"}, Output: []string{"restored"}}},
		},
	}
	for _, e := range edits {
		e(m)
	}
	b, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// tensor's dimensions are numbers, or strings for free ones.
func tensor(name string, kind onnxpb.TensorProto_DataType, dims ...any) *onnxpb.ValueInfoProto {
	shape := &onnxpb.TensorShapeProto{}
	for _, d := range dims {
		dim := &onnxpb.TensorShapeProto_Dimension{}
		switch d := d.(type) {
		case int:
			dim.Value = &onnxpb.TensorShapeProto_Dimension_DimValue{DimValue: int64(d)}
		case string:
			dim.Value = &onnxpb.TensorShapeProto_Dimension_DimParam{DimParam: d}
		}
		shape.Dim = append(shape.Dim, dim)
	}
	return &onnxpb.ValueInfoProto{Name: proto.String(name), Type: &onnxpb.TypeProto{Value: &onnxpb.TypeProto_TensorType{
		TensorType: &onnxpb.TypeProto_Tensor{ElemType: proto.Int32(int32(kind)), Shape: shape},
	}}}
}

func input(v *onnxpb.ValueInfoProto) edit {
	return func(m *onnxpb.ModelProto) {
		m.Graph.Input[0] = v
		for i := range m.Graph.Node[0].Input {
			m.Graph.Node[0].Input[i] = v.GetName()
		}
	}
}

func output(v *onnxpb.ValueInfoProto) edit {
	return func(m *onnxpb.ModelProto) {
		m.Graph.Output[0] = v
		m.Graph.Node[0].Output[0] = v.GetName()
	}
}

// meta adds metadata: key, value, key, value.
func meta(pairs ...string) edit {
	return func(m *onnxpb.ModelProto) {
		for i := 0; i < len(pairs); i += 2 {
			m.MetadataProps = append(m.MetadataProps, &onnxpb.StringStringEntryProto{Key: &pairs[i], Value: &pairs[i+1]})
		}
	}
}

// described is metadata that is right, in which the pairs replace values.
func described(pairs ...string) edit {
	all := []string{
		"faird.format", "1", "faird.filter", `{"type":"gaussian","d0":12}`, "faird.size", "48x32",
		"faird.colour", "BGR", "faird.scoring", `{"k":0.001,"smooth":11,"scales":1}`,
	}
	return func(m *onnxpb.ModelProto) {
		meta(all...)(m)
		for i := 0; i < len(pairs); i += 2 {
			set := false
			for _, p := range m.MetadataProps {
				if p.GetKey() == pairs[i] {
					p.Value, set = &pairs[i+1], true
				}
			}
			if !set {
				meta(pairs[i], pairs[i+1])(m)
			}
		}
	}
}

func picture(t testing.TB, w, h int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewNRGBA(image.Rect(0, 0, w, h))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// fullSpec uses every field.
func fullSpec(t testing.TB) model.Spec {
	t.Helper()
	review := 0.1
	sample := func(defective bool, score float64) model.GoldenSample {
		return model.GoldenSample{
			PNG: picture(t, 48, 32), Defective: defective, Score: score,
			Tolerance: map[string]float64{model.Float32: 1e-4, model.Float16: 5e-3},
		}
	}
	return model.Spec{
		Filter:  fair.Filter{Type: fair.Ideal, D0: 20},
		Scoring: fair.Scoring{K: 2e-4, Smooth: 15, Scales: 3},
		Calibration: &model.Calibration{
			N: 40, Quantiles: map[string]float64{"0.5": 0.05, "0.99": 0.09}, Mean: 0.05, Std: 0.01,
			Threshold: 0.14, Review: &review, FalseReject: 0.001, Confidence: 0.95,
		},
		Quantization: &model.Quantization{Target: "cpu", Scheme: "uint8 QLinearConv"},
		Golden:       []model.GoldenSample{sample(false, 0.05), sample(true, 0.3)},
		Training:     []byte(`{"pictures":40}`),
	}
}
