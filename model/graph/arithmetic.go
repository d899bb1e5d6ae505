package graph

import "slices"

// Add is a + b with broadcasting.
func (g *Graph) Add(a, b Value) Value { return g.binary("Add", a, b) }

// Sub is a - b with broadcasting.
func (g *Graph) Sub(a, b Value) Value { return g.binary("Sub", a, b) }

// Mul is a * b, element by element, with broadcasting.
func (g *Graph) Mul(a, b Value) Value { return g.binary("Mul", a, b) }

// Div is a / b with broadcasting.
func (g *Graph) Div(a, b Value) Value { return g.binary("Div", a, b) }

// Scale is a times a number.
func (g *Graph) Scale(a Value, by float64) Value { return g.Mul(a, g.Scalar(by)) }

// AddScalar is a plus a number.
func (g *Graph) AddScalar(a Value, v float64) Value { return g.Add(a, g.Scalar(v)) }

// Square is a * a.
func (g *Graph) Square(a Value) Value { return g.Mul(a, a) }

// Sqrt is the square root.
func (g *Graph) Sqrt(a Value) Value { return g.node("Sqrt", Float, a.shape, nil, a) }

// Relu is max(a, 0).
func (g *Graph) Relu(a Value) Value { return g.node("Relu", Float, a.shape, nil, a) }

// Positive is 1 where a > 0, else 0. HardSigmoid with a huge slope is several
// times faster than Sign or Where on ONNX Runtime's CPU provider; values below
// 1e-30 count as zero.
func (g *Graph) Positive(a Value) Value {
	return g.node("HardSigmoid", Float, a.shape, attrs{"alpha": float32(1e30), "beta": float32(0)}, a)
}

// Equal is 1 where a = b, else 0.
func (g *Graph) Equal(a, b Value) Value {
	shape, ok := broadcast(a.shape, b.shape)
	if !ok {
		g.Fail("Equal: shapes %v and %v do not fit", a.shape, b.shape)
	}
	same := g.node("Equal", Bool, shape, nil, a, b)
	return g.node("Cast", Float, shape, attrs{"to": int(Float)}, same)
}

// Mean is the mean over the axes, which are dropped.
func (g *Graph) Mean(a Value, axes ...int) Value {
	shape := g.without(a, axes)
	return g.node("ReduceMean", Float, shape, attrs{"axes": axes, "keepdims": 0}, a)
}

// Sum is the sum over the axes, which are dropped.
func (g *Graph) Sum(a Value, axes ...int) Value {
	shape := g.without(a, axes)
	return g.node("ReduceSum", Float, shape, attrs{"keepdims": 0}, a, g.ints(axes...))
}

func (g *Graph) without(a Value, axes []int) []int {
	var shape []int
	for i, d := range a.shape {
		if !slices.Contains(axes, i) {
			shape = append(shape, d)
		}
	}
	if len(shape)+len(axes) != len(a.shape) {
		g.Fail("reduce: shape %v has not all of the axes %v", a.shape, axes)
	}
	return shape
}

// MatMul is NumPy's matmul: matrices in the last two dimensions, the others
// broadcast.
func (g *Graph) MatMul(a, b Value) Value {
	ra, rb := len(a.shape), len(b.shape)
	if g.err != nil || ra < 2 || rb < 2 || a.shape[ra-1] != b.shape[rb-2] {
		g.Fail("MatMul: shapes %v and %v do not fit", a.shape, b.shape)
		return Value{}
	}
	shape, ok := broadcast(a.shape[:ra-2], b.shape[:rb-2])
	if !ok {
		g.Fail("MatMul: batches of %v and %v do not fit", a.shape, b.shape)
	}
	return g.node("MatMul", Float, append(shape, a.shape[ra-2], b.shape[rb-1]), nil, a, b)
}

func (g *Graph) binary(op string, a, b Value) Value {
	shape, ok := broadcast(a.shape, b.shape)
	if !ok {
		g.Fail("%s: shapes %v and %v do not fit", op, a.shape, b.shape)
	}
	return g.node(op, Float, shape, nil, a, b)
}
