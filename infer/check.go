package infer

import (
	"context"
	"fmt"

	"google.golang.org/protobuf/proto"

	"faird/config"
	"faird/model/onnxpb"
)

// Check says why provider p runs nothing on this machine, or nil: it has it
// run one small addition and reads ONNX Runtime's report. No model is needed.
func Check(p Provider, c config.Infer) error {
	onnx, err := proto.Marshal(addition())
	if err != nil {
		return err
	}
	prefix, remove, err := profileFolder()
	if err != nil {
		return err
	}
	defer remove()
	trt := c.TensorRT
	trt.EngineCache = "" // nothing worth keeping
	g, err := OpenGraph(onnx, GraphOptions{
		Library: c.Library, Provider: p, Strict: true, Threads: 1, CUDA: c.CUDA, TensorRT: trt, profile: prefix,
	})
	if err != nil {
		return fmt.Errorf("provider %s: %w", p, err)
	}
	defer g.Close()
	return g.ranOn(p)
}

// ranOn runs a graph of one input [4] and one output [4] on p.
func (g *Graph) ranOn(p Provider) error {
	in, err := NewTensor(4)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := NewTensor(4)
	if err != nil {
		return err
	}
	defer out.Close()
	ctx, cancel := context.WithTimeout(context.Background(), Patience(config.Infer{Provider: string(p)}))
	defer cancel()
	u, err := g.profiledRun(ctx, []*Tensor{in}, []*Tensor{out})
	if err == nil && !u.only(p) {
		err = fmt.Errorf("provider %s: ONNX Runtime ran the graph elsewhere (kernels: %s)", p, u)
	}
	return err
}

// addition is y = x + x over four numbers.
func addition() *onnxpb.ModelProto {
	vector := func(name string) *onnxpb.ValueInfoProto {
		four := &onnxpb.TensorShapeProto_Dimension{Value: &onnxpb.TensorShapeProto_Dimension_DimValue{DimValue: 4}}
		return &onnxpb.ValueInfoProto{Name: proto.String(name), Type: &onnxpb.TypeProto{Value: &onnxpb.TypeProto_TensorType{
			TensorType: &onnxpb.TypeProto_Tensor{
				ElemType: proto.Int32(int32(onnxpb.TensorProto_FLOAT)),
				Shape:    &onnxpb.TensorShapeProto{Dim: []*onnxpb.TensorShapeProto_Dimension{four}},
			},
		}}}
	}
	return &onnxpb.ModelProto{
		IrVersion:   proto.Int64(8),
		OpsetImport: []*onnxpb.OperatorSetIdProto{{Domain: proto.String(""), Version: proto.Int64(17)}},
		Graph: &onnxpb.GraphProto{
			Name:  proto.String("addition"),
			Input: []*onnxpb.ValueInfoProto{vector("x")}, Output: []*onnxpb.ValueInfoProto{vector("y")},
			Node: []*onnxpb.NodeProto{{OpType: proto.String("Add"), Name: proto.String("add"), Input: []string{"x", "x"}, Output: []string{"y"}}},
		},
	}
}
