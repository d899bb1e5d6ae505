package vet

import (
	"slices"

	"faird/model/onnxpb"
)

// Operators that make a tensor larger than what they are given, or out of nothing.

func (n *node) constantOf() ([]*value, error) {
	for name, a := range n.attributes {
		v := &value{kind: onnxpb.TensorProto_INT64}
		switch name {
		case "value":
			if a.T == nil {
				return nil, n.unknown()
			}
			v, err := constant(a.T, n.String())
			if err != nil {
				return nil, err
			}
			return one(v)
		case "value_int":
			v.content = []float64{float64(a.GetI())}
		case "value_ints":
			v.dims, v.content = []int64{int64(len(a.GetInts()))}, floats(a.GetInts())
		case "value_float":
			v.kind, v.content = onnxpb.TensorProto_FLOAT, []float64{float64(a.GetF())}
		case "value_floats":
			v.kind, v.dims = onnxpb.TensorProto_FLOAT, []int64{int64(len(a.GetFloats()))}
		default:
			continue
		}
		return one(v)
	}
	return nil, n.unknown()
}

func (n *node) constantOfShape() ([]*value, error) {
	dims, given, err := n.ints("", 0)
	if err != nil || !given {
		return nil, n.unknown()
	}
	out := &value{dims: dims, kind: onnxpb.TensorProto_FLOAT}
	fill := []float64{0}
	if a := n.attributes["value"]; a != nil {
		v, err := constant(a.GetT(), n.String())
		if err != nil {
			return nil, err
		}
		out.kind, fill = v.kind, v.content
	}
	if count, ok := elements(dims); ok && count <= maxContent && len(dims) <= 1 && len(fill) == 1 {
		out.content = slices.Repeat(fill, int(count))
	}
	return one(out)
}

func (n *node) expand() ([]*value, error) {
	in, err := n.need(2)
	if err != nil {
		return nil, err
	}
	wanted, known := in[1].ints()
	if !known {
		return nil, n.unknown()
	}
	dims, ok := broadcast(in[0].dims, wanted)
	if !ok {
		return nil, n.unfit(in[0].dims, wanted)
	}
	return one(like(in[0], dims...))
}

func (n *node) tile() ([]*value, error) {
	in, err := n.need(2)
	if err != nil {
		return nil, err
	}
	repeats, known := in[1].ints()
	if !known || len(repeats) != len(in[0].dims) {
		return nil, n.unknown()
	}
	out := like(in[0], slices.Clone(in[0].dims)...)
	for i, r := range repeats {
		if r < 0 || r > maxTensor || out.dims[i] > 0 && r > maxTensor/out.dims[i] {
			return nil, n.refuse("repeating a tensor of the shape %v %v times takes more than %d MiB: export the network for smaller images, or correct the operator", in[0].dims, repeats, maxTensor>>20)
		}
		out.dims[i] *= r
	}
	return one(out)
}
