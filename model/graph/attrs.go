package graph

import (
	"maps"
	"slices"

	"faird/model/onnxpb"

	"google.golang.org/protobuf/proto"
)

// attrs are an operator's attributes: int, []int, float32 or string by name.
type attrs map[string]any

func (a attrs) proto() []*onnxpb.AttributeProto {
	var out []*onnxpb.AttributeProto
	for _, name := range slices.Sorted(maps.Keys(a)) {
		p := &onnxpb.AttributeProto{Name: proto.String(name)}
		switch v := a[name].(type) {
		case int:
			p.Type, p.I = onnxpb.AttributeProto_INT.Enum(), proto.Int64(int64(v))
		case []int:
			p.Type, p.Ints = onnxpb.AttributeProto_INTS.Enum(), int64s(v)
		case float32:
			p.Type, p.F = onnxpb.AttributeProto_FLOAT.Enum(), proto.Float32(v)
		case string:
			p.Type, p.S = onnxpb.AttributeProto_STRING.Enum(), []byte(v)
		}
		out = append(out, p)
	}
	return out
}

func int64s(v []int) []int64 {
	out := make([]int64, len(v))
	for i, x := range v {
		out[i] = int64(x)
	}
	return out
}
