package vet

import (
	"fmt"

	"faird/model/onnxpb"
)

// microsoft is the domain of ONNX Runtime's own operators, of which the 8-bit form
// for the CPU has two.
const microsoft = "com.microsoft"

// maxStep bounds sides of kernels, strides and the like.
const maxStep = 1 << 20

// node is an operator with what is known of its inputs.
type node struct {
	proto      *onnxpb.NodeProto
	attributes map[string]*onnxpb.AttributeProto
	in         []*value // nil where an optional one is left out
}

// String names the operator for an error.
func (n *node) String() string {
	name := n.proto.GetName()
	if name == "" && len(n.proto.Output) > 0 {
		name = n.proto.Output[0]
	}
	op := n.proto.GetOpType()
	if len(op) > 64 {
		op = op[:64]
	}
	return fmt.Sprintf("operator %q (%s)", op, quoted(name))
}

func (n *node) refuse(format string, args ...any) error {
	return refuse("%s: %s", n, fmt.Sprintf(format, args...))
}

// allowed says whether a restoration network has such an operator, and reads its
// attributes.
func (n *node) allowed() error {
	switch op, domain := n.proto.GetOpType(), n.proto.GetDomain(); {
	case controlFlow[op]:
		return n.refuse("a restoration network has no control flow: export it without")
	case domain != "" && domain != "ai.onnx" && domain != microsoft:
		return n.refuse("it is of %s, not one of ONNX's own operators: export the network without custom operators", quoted(domain))
	case operators[key{domain == microsoft, op}] == nil:
		return n.refuse("a restoration network has no such operator: export a network of those in docs/updates.md")
	}
	for _, a := range n.proto.Attribute {
		if a.G != nil || len(a.Graphs) > 0 || a.GetRefAttrName() != "" || a.SparseTensor != nil || len(a.SparseTensors) > 0 || len(a.Tensors) > 0 {
			return n.refuse("its attribute %s holds what no operator of a restoration network has: export the network again", quoted(a.GetName()))
		}
		if n.attributes[a.GetName()] != nil {
			return n.refuse("it has the attribute %s twice: export the network again", quoted(a.GetName()))
		}
		n.attributes[a.GetName()] = a
	}
	return nil
}

// controlFlow are the operators that contain networks of their own.
var controlFlow = map[string]bool{"Loop": true, "If": true, "Scan": true, "SequenceMap": true}

// infer gives what is known of the outputs.
func (n *node) infer() ([]*value, error) {
	out, err := operators[key{n.proto.GetDomain() == microsoft, n.proto.GetOpType()}](n)
	if err != nil {
		return nil, err
	}
	for _, v := range out {
		if sizes[v.kind] == 0 {
			return nil, n.refuse("it makes %v, which is no kind of number of a restoration network: export it in float32", v.kind)
		}
	}
	return out, nil
}

// constant reports whether no input of the network reaches the operator.
func (n *node) constant() bool {
	for _, v := range n.in {
		if v != nil && !v.constant {
			return false
		}
	}
	return true
}

// input is one of the inputs; nil where it is left out.
func (n *node) input(i int) *value {
	if i < len(n.in) {
		return n.in[i]
	}
	return nil
}

// need gives the first so many inputs.
func (n *node) need(count int) ([]*value, error) {
	for i := range count {
		if n.input(i) == nil {
			return nil, n.refuse("its input %d is missing: export the network again", i+1)
		}
	}
	return n.in, nil
}

// unknown refuses a shape that the file leaves open.
func (n *node) unknown() error {
	return n.refuse("the shape of its result cannot be told from the file: export the network at a fixed size")
}

// unfit refuses inputs whose shapes do not fit.
func (n *node) unfit(shapes ...[]int64) error {
	return n.refuse("shapes %v do not fit: export the network again", shapes)
}

func (n *node) int(name string, otherwise int64) int64 {
	if a := n.attributes[name]; a != nil && a.I != nil {
		return a.GetI()
	}
	return otherwise
}

// ints is a list, from an attribute of the name or, where that is not there, an
// input; given is false where there is neither.
func (n *node) ints(name string, input int) (list []int64, given bool, err error) {
	if a := n.attributes[name]; a != nil {
		return a.GetInts(), true, nil
	}
	if input < 0 || n.input(input) == nil {
		return nil, false, nil
	}
	list, known := n.input(input).ints()
	if !known {
		return nil, true, n.unknown()
	}
	return list, true, nil
}

// spatial is a list of one number for each dimension of the image.
func (n *node) spatial(name string, count int, otherwise int64) ([]int64, error) {
	list := make([]int64, count)
	for i := range list {
		list[i] = otherwise
	}
	if a := n.attributes[name]; a != nil {
		if len(a.GetInts()) != count {
			return nil, n.refuse("its %s has %d numbers, must have %d: export the network again", name, len(a.GetInts()), count)
		}
		copy(list, a.GetInts())
	}
	for _, x := range list {
		if x < 0 || x > maxStep {
			return nil, n.refuse("its %s is %v: export the network again", name, list)
		}
	}
	return list, nil
}

func axisOf(axis int64, rank int) (int, bool) {
	if axis < 0 {
		axis += int64(rank)
	}
	return int(axis), axis >= 0 && axis < int64(rank)
}
