package model

import (
	"errors"
	"fmt"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"faird/model/onnxpb"
)

// metadataField is ModelProto.metadata_props; in its entries, 1 is the key.
const metadataField = 14

// setMetadata replaces faird's entries in the bytes of a checked file. Every
// other byte stays, and stays in order: nothing that this program does not
// know is lost or re-encoded.
func setMetadata(data []byte, meta map[string]string) []byte {
	out := make([]byte, 0, len(data)+1024)
	for len(data) > 0 {
		number, kind, tag := protowire.ConsumeTag(data)
		n := tag + protowire.ConsumeFieldValue(number, kind, data[tag:])
		if number != metadataField || kind != protowire.BytesType || !ours(data[tag:n]) {
			out = append(out, data[:n]...)
		}
		data = data[n:]
	}
	for _, key := range keys {
		if key == keyNormal && meta[key] == "" {
			continue // the first format does not know it
		}
		entry := protowire.AppendTag(nil, 1, protowire.BytesType)
		entry = protowire.AppendString(entry, key)
		entry = protowire.AppendTag(entry, 2, protowire.BytesType)
		entry = protowire.AppendString(entry, meta[key])
		out = protowire.AppendTag(out, metadataField, protowire.BytesType)
		out = protowire.AppendBytes(out, entry)
	}
	return out
}

// ours says whether a length-delimited StringStringEntryProto has one of keys.
func ours(field []byte) bool {
	entry, _ := protowire.ConsumeBytes(field)
	var p onnxpb.StringStringEntryProto
	return proto.Unmarshal(entry, &p) == nil && slices.Contains(keys, p.GetKey())
}

// SetBatch fixes the first dimension of a graph's inputs and outputs, and of
// every value inside that shares its symbol. TensorRT engines and CUDA graphs
// are built for one batch size.
func SetBatch(onnx []byte, batch int) ([]byte, error) {
	if batch < 1 {
		return nil, fmt.Errorf("a batch of %d pictures is none", batch)
	}
	m, err := unmarshalModel(onnx)
	if err != nil {
		return nil, err
	}
	constant := map[string]bool{}
	for _, t := range m.Graph.Initializer {
		constant[t.GetName()] = true
	}
	symbols := map[string]bool{}
	for _, v := range slices.Concat(m.Graph.Input, m.Graph.Output) {
		if constant[v.GetName()] {
			continue
		}
		d := v.GetType().GetTensorType().GetShape().GetDim()
		if len(d) == 0 {
			continue
		}
		if n := d[0].GetDimValue(); n != 0 && n != int64(batch) {
			return nil, fmt.Errorf("%s is made for batches of %d, not %d: export it with a free batch", v.GetName(), n, batch)
		}
		if p := d[0].GetDimParam(); p != "" {
			symbols[p] = true
		}
		d[0].Value = &onnxpb.TensorShapeProto_Dimension_DimValue{DimValue: int64(batch)}
	}
	for _, v := range slices.Concat(m.Graph.Input, m.Graph.Output, m.Graph.ValueInfo) {
		for _, d := range v.GetType().GetTensorType().GetShape().GetDim() {
			if symbols[d.GetDimParam()] {
				d.Value = &onnxpb.TensorShapeProto_Dimension_DimValue{DimValue: int64(batch)}
			}
		}
	}
	out, err := proto.Marshal(m)
	if err != nil {
		return nil, errors.Join(errors.New("the network cannot be written"), err)
	}
	return out, nil
}
