package quantize

import (
	"fmt"
	"math"
	"slices"

	"faird/model/onnxpb"
)

// sound says in what a graph is not one that can be followed: files come from
// anywhere, and what comes after Parse looks no more.
func sound(g *onnxpb.GraphProto) error {
	for _, node := range g.Node {
		if err := soundNode(node); err != nil {
			return fmt.Errorf("%s %q: %w", node.GetOpType(), node.GetName(), err)
		}
	}
	for _, t := range g.Initializer {
		if elements(t) < 0 {
			return fmt.Errorf("constant %s has the shape %v", t.GetName(), t.Dims)
		}
	}
	return nil
}

func soundNode(node *onnxpb.NodeProto) error {
	if len(node.Output) == 0 || node.Output[0] == "" {
		return fmt.Errorf("it gives nothing")
	}
	if len(node.Input) == 0 && node.GetOpType() != "Constant" || slices.Contains(node.Input[:min(1, len(node.Input))], "") {
		return fmt.Errorf("it reads nothing")
	}
	for _, name := range []string{"kernel_shape", "strides", "dilations"} {
		if slices.ContainsFunc(attribute(node, name).GetInts(), func(n int64) bool { return n < 1 || n > math.MaxInt16 }) {
			return fmt.Errorf("its %s are %v", name, attribute(node, name).GetInts())
		}
	}
	switch node.GetOpType() {
	case "MaxPool", "AveragePool":
		if n := len(attribute(node, "kernel_shape").GetInts()); n != 2 {
			return fmt.Errorf("its window has %d sides", n)
		}
	case "Conv":
		if len(node.Input) < 2 {
			return fmt.Errorf("it has no weights")
		}
	}
	return nil
}

// elements is how many numbers a constant's shape asks for; -1 for a shape that
// is none.
func elements(t *onnxpb.TensorProto) int {
	n := int64(1)
	for _, d := range t.Dims {
		if d < 0 || d > math.MaxInt32 || n > math.MaxInt32 {
			return -1
		}
		n *= d
	}
	if n > math.MaxInt32 {
		return -1
	}
	return int(n)
}
