package quantize_test

import (
	"testing"

	"google.golang.org/protobuf/proto"

	"faird/model/onnxpb"
	"faird/model/quantize"
	"faird/model/unet"
)

// changed is the small network with its graph edited.
func changed(f *testing.F, edit func(*onnxpb.GraphProto)) []byte {
	f.Helper()
	n := unet.Network{Width: 8, Channels: 1}
	onnx, err := n.Inference(n.Initial(3), side, side)
	if err != nil {
		f.Fatal(err)
	}
	var m onnxpb.ModelProto
	if err := proto.Unmarshal(onnx, &m); err != nil {
		f.Fatal(err)
	}
	for _, t := range m.Graph.Initializer { // small seeds: shapes matter, not weights
		if len(t.RawData) > 64 {
			t.RawData = t.RawData[:16]
		}
	}
	edit(m.Graph)
	if onnx, err = proto.Marshal(&m); err != nil {
		f.Fatal(err)
	}
	return onnx
}

// FuzzParse holds that no bytes make the quantiser fall over, nor what follows
// when it takes them for a network.
func FuzzParse(f *testing.F) {
	for _, seed := range [][]byte{
		nil, []byte("text"),
		{0x3a, 0x00},
		changed(f, func(*onnxpb.GraphProto) {}),
		changed(f, func(g *onnxpb.GraphProto) { g.Node[0].Output = nil }),
		changed(f, func(g *onnxpb.GraphProto) { g.Node[1].Input = nil }),
		changed(f, func(g *onnxpb.GraphProto) { g.Input = nil }),
		changed(f, func(g *onnxpb.GraphProto) { g.Initializer[0].Dims = []int64{0, 0, 0, 0} }),
		changed(f, func(g *onnxpb.GraphProto) { g.Initializer[0].Dims = []int64{-1, 1 << 40, 3, 3} }),
		changed(f, func(g *onnxpb.GraphProto) {
			for _, n := range g.Node {
				for _, a := range n.Attribute {
					for i := range a.Ints {
						a.Ints[i] = 0
					}
				}
			}
		}),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, onnx []byte) {
		n, err := quantize.Parse(onnx)
		if err != nil {
			return
		}
		ranges := map[string]quantize.Range{n.Input(): {High: 1, Signed: true}}
		if _, tensors, err := n.Probe(side, side); err == nil {
			for _, x := range tensors {
				ranges[x.Name] = quantize.Range{High: 1}
			}
		}
		for _, target := range []string{quantize.CPU, quantize.TensorRT} {
			if out, err := n.Write(quantize.Options{Target: target, Ranges: ranges}); err == nil && len(out) == 0 {
				t.Error("nothing came of it, and no error")
			}
		}
	})
}
