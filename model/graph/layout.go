package graph

import (
	"math"
	"slices"
)

// Reshape gives the same elements another shape.
func (g *Graph) Reshape(a Value, shape ...int) Value {
	v := Value{shape: shape}
	if g.err == nil && (v.Elements() != a.Elements() || v.Elements() == Free) {
		g.Fail("Reshape: %v to %v", a.shape, shape)
	}
	return g.node("Reshape", a.kind, shape, nil, a, g.ints(shape...))
}

// Flat is a as a vector.
func (g *Graph) Flat(a Value) Value { return g.Reshape(a, a.Elements()) }

// Transpose reorders the dimensions.
func (g *Graph) Transpose(a Value, perm ...int) Value {
	shape := make([]int, len(perm))
	for i, p := range perm {
		shape[i] = a.Dim(p)
	}
	if len(perm) != len(a.shape) {
		g.Fail("Transpose: %v by %v", a.shape, perm)
	}
	return g.node("Transpose", a.kind, shape, attrs{"perm": perm}, a)
}

// Reverse turns the order along the axes round.
func (g *Graph) Reverse(a Value, axes ...int) Value {
	n := len(axes)
	starts, ends, steps := repeat(-1, n), repeat(math.MinInt64, n), repeat(-1, n)
	return g.node("Slice", a.kind, a.shape, nil, a, g.ints(starts...), g.ints(ends...), g.ints(axes...), g.ints(steps...))
}

// Concat joins values along an axis.
func (g *Graph) Concat(axis int, in ...Value) Value {
	if g.err != nil || len(in) == 0 {
		g.Fail("Concat: nothing to join")
		return Value{}
	}
	shape := slices.Clone(in[0].shape)
	for _, v := range in[1:] {
		other := slices.Clone(v.shape)
		if len(other) != len(shape) || axis >= len(shape) {
			g.Fail("Concat: %v and %v along %d", shape, other, axis)
			return Value{}
		}
		shape[axis] += other[axis]
		other[axis] = shape[axis]
		if !slices.Equal(other, shape) {
			g.Fail("Concat: %v and %v along %d", in[0].shape, v.shape, axis)
		}
	}
	return g.node("Concat", in[0].kind, shape, attrs{"axis": axis}, in...)
}

// Split cuts a into parts of the given sizes along an axis.
func (g *Graph) Split(a Value, axis int, sizes ...int) []Value {
	total, shapes := 0, make([][]int, len(sizes))
	for i, s := range sizes {
		total += s
		shapes[i] = slices.Clone(a.shape)
		if axis < len(a.shape) {
			shapes[i][axis] = s
		}
	}
	if total != a.Dim(axis) {
		g.Fail("Split: %v along %d into %v", a.shape, axis, sizes)
	}
	return g.nodes("Split", a.kind, shapes, attrs{"axis": axis}, a, g.ints(sizes...))
}

// Slice is a from start to end (exclusive) along an axis.
func (g *Graph) Slice(a Value, axis, start, end int) Value {
	if start < 0 || end <= start || end > a.Dim(axis) {
		g.Fail("Slice: %v along %d from %d to %d", a.shape, axis, start, end)
	}
	shape := slices.Clone(a.shape)
	if axis < len(shape) {
		shape[axis] = end - start
	}
	return g.node("Slice", a.kind, shape, nil, a, g.ints(start), g.ints(end), g.ints(axis))
}

func repeat(v, n int) []int { return slices.Repeat([]int{v}, n) }
