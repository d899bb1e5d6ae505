package vet

import (
	"slices"

	"faird/model/onnxpb"
)

func (n *node) matMul() ([]*value, error) {
	in, err := n.need(2)
	if err != nil {
		return nil, err
	}
	a, b := in[0].dims, in[1].dims
	if len(a) < 2 || len(b) < 2 || a[len(a)-1] != b[len(b)-2] {
		return nil, n.unfit(a, b)
	}
	dims, ok := broadcast(a[:len(a)-2], b[:len(b)-2])
	if !ok {
		return nil, n.unfit(a, b)
	}
	return one(like(in[0], append(dims, a[len(a)-2], b[len(b)-1])...))
}

func (n *node) gemm() ([]*value, error) {
	in, err := n.need(2)
	if err != nil {
		return nil, err
	}
	a, b := in[0].dims, in[1].dims
	if len(a) != 2 || len(b) != 2 {
		return nil, n.unfit(a, b)
	}
	rows, columns := a[0], b[1]
	if n.int("transA", 0) != 0 {
		rows = a[1]
	}
	if n.int("transB", 0) != 0 {
		columns = b[0]
	}
	return one(like(in[0], rows, columns))
}

func (n *node) concat() ([]*value, error) {
	in, err := n.need(max(1, len(n.in)))
	if err != nil {
		return nil, err
	}
	return n.joined(in)
}

// qlinearConcat has three inputs for each tensor, after two for the result.
func (n *node) qlinearConcat() ([]*value, error) {
	in, err := n.need(max(5, len(n.in)))
	if err != nil {
		return nil, err
	}
	var parts []*value
	for i := 2; i < len(in); i += 3 {
		parts = append(parts, in[i])
	}
	return n.joined(parts)
}

func (n *node) joined(in []*value) ([]*value, error) {
	out := like(in[0], slices.Clone(in[0].dims)...)
	axis, ok := axisOf(n.int("axis", 0), len(out.dims))
	if !ok {
		return nil, n.unfit(out.dims)
	}
	out.content = in[0].content
	for _, v := range in[1:] {
		if len(v.dims) != len(out.dims) {
			return nil, n.unfit(out.dims, v.dims)
		}
		for i, d := range v.dims {
			if i != axis && d != out.dims[i] {
				return nil, n.unfit(out.dims, v.dims)
			}
		}
		out.dims[axis] += v.dims[axis]
		out.content = appended(out.content, v.content)
	}
	return one(out)
}

// split may leave it to the number of outputs how large the parts are.
func (n *node) split() ([]*value, error) {
	in, err := n.need(1)
	if err != nil {
		return nil, err
	}
	axis, ok := axisOf(n.int("axis", 0), len(in[0].dims))
	if !ok {
		return nil, n.unfit(in[0].dims)
	}
	parts, given, err := n.ints("split", 1)
	if err != nil {
		return nil, err
	}
	whole, count := in[0].dims[axis], int64(len(n.proto.Output))
	for i := int64(0); !given && i < count; i++ {
		each := (whole + count - 1) / count
		parts = append(parts, min(each, max(0, whole-i*each)))
	}
	var out []*value
	for _, p := range parts {
		v := like(in[0], slices.Clone(in[0].dims)...)
		if v.dims[axis] = p; p < 0 || p > whole || int64(len(out)) >= count {
			return nil, n.unfit(in[0].dims, parts)
		}
		out = append(out, v)
	}
	return out, nil
}

func (n *node) slice() ([]*value, error) {
	in, err := n.need(1)
	if err != nil {
		return nil, err
	}
	x := in[0]
	starts, _, err1 := n.ints("starts", 1)
	ends, _, err2 := n.ints("ends", 2)
	axes, some, err3 := n.ints("axes", 3)
	steps, _, err4 := n.ints("steps", 4)
	if err1 != nil || err2 != nil || err3 != nil || err4 != nil || len(starts) != len(ends) {
		return nil, n.unknown()
	}
	for i := range starts {
		if !some {
			axes = append(axes, int64(i))
		}
		if steps == nil || len(steps) <= i {
			steps = append(steps, 1)
		}
	}
	if len(axes) != len(starts) {
		return nil, n.unknown()
	}
	out := like(x, slices.Clone(x.dims)...)
	out.content = x.content
	for i, a := range axes {
		axis, ok := axisOf(a, len(x.dims))
		if !ok || steps[i] == 0 {
			return nil, n.unfit(x.dims)
		}
		first, count := sliced(x.dims[axis], starts[i], ends[i], steps[i])
		out.dims[axis] = count
		out.content = picked(out.content, first, count, steps[i])
	}
	return one(out)
}

// sliced is where a slice begins and how long it is.
func sliced(size, start, end, step int64) (first, count int64) {
	if start < 0 {
		start += size
	}
	if end < 0 {
		end += size
	}
	if step > 0 {
		start, end = min(max(start, 0), size), min(max(end, 0), size)
		step = min(step, size+1)
		return start, max(0, (end-start+step-1)/step)
	}
	start, end = min(max(start, 0), size-1), min(max(end, -1), size-1)
	step = max(step, -size-1)
	return start, max(0, (start-end-step-1)/-step)
}

func (n *node) reshape() ([]*value, error) {
	in, err := n.need(1)
	if err != nil {
		return nil, err
	}
	wanted, given, err := n.ints("shape", 1)
	if err != nil || !given {
		return nil, n.unknown()
	}
	total, _ := elements(in[0].dims)
	dims, open, rest := slices.Clone(wanted), -1, int64(1)
	for i, d := range dims {
		if d == 0 && n.int("allowzero", 0) == 0 && i < len(in[0].dims) {
			dims[i] = in[0].dims[i]
		}
		switch d = dims[i]; {
		case d == -1 && open < 0:
			open = i
		case d < 0 || d > maxTensor || d > 0 && rest > maxTensor/d:
			return nil, n.unfit(in[0].dims, wanted)
		default:
			rest *= d
		}
	}
	if open >= 0 && rest > 0 {
		dims[open] = total / rest
		rest *= dims[open]
	}
	if rest != total {
		return nil, n.unfit(in[0].dims, wanted)
	}
	out := like(in[0], dims...)
	out.content = in[0].content
	return one(out)
}

func (n *node) flatten() ([]*value, error) {
	in, err := n.need(1)
	if err != nil {
		return nil, err
	}
	axis := n.int("axis", 1)
	if axis < 0 {
		axis += int64(len(in[0].dims))
	}
	if axis < 0 || axis > int64(len(in[0].dims)) {
		return nil, n.unfit(in[0].dims)
	}
	rows, _ := elements(in[0].dims[:axis])
	columns, _ := elements(in[0].dims[axis:])
	return one(like(in[0], rows, columns))
}

func (n *node) squeeze() ([]*value, error) {
	in, err := n.need(1)
	if err != nil {
		return nil, err
	}
	axes, given, err := n.ints("axes", 1)
	if err != nil {
		return nil, err
	}
	drop, err := n.marks(axes, len(in[0].dims))
	if err != nil {
		return nil, err
	}
	out := like(in[0])
	for i, d := range in[0].dims {
		switch {
		case given && drop[i] && d != 1:
			return nil, n.unfit(in[0].dims, axes)
		case given && drop[i], !given && d == 1:
		default:
			out.dims = append(out.dims, d)
		}
	}
	out.content = in[0].content
	return one(out)
}

func (n *node) unsqueeze() ([]*value, error) {
	in, err := n.need(1)
	if err != nil {
		return nil, err
	}
	axes, given, err := n.ints("axes", 1)
	if err != nil || !given {
		return nil, n.unknown()
	}
	rank := len(in[0].dims) + len(axes)
	fresh, err := n.marks(axes, rank)
	if err != nil || len(fresh) != len(axes) {
		return nil, n.unfit(in[0].dims, axes)
	}
	out, left := like(in[0]), in[0].dims
	for i := range rank {
		if fresh[i] {
			out.dims = append(out.dims, 1)
			continue
		}
		out.dims, left = append(out.dims, left[0]), left[1:]
	}
	out.content = in[0].content
	return one(out)
}

// marks are the axes of a list.
func (n *node) marks(axes []int64, rank int) (map[int]bool, error) {
	set := map[int]bool{}
	for _, a := range axes {
		axis, ok := axisOf(a, rank)
		if !ok {
			return nil, n.refuse("it has no axis %d: export the network again", a)
		}
		set[axis] = true
	}
	return set, nil
}

func (n *node) transpose() ([]*value, error) {
	in, err := n.need(1)
	if err != nil {
		return nil, err
	}
	rank := len(in[0].dims)
	order, given, _ := n.ints("perm", -1)
	for i := rank - 1; !given && i >= 0; i-- {
		order = append(order, int64(i))
	}
	set, err := n.marks(order, rank)
	if err != nil || len(order) != rank || len(set) != rank {
		return nil, n.unfit(in[0].dims, order)
	}
	out := like(in[0])
	for _, a := range order {
		axis, _ := axisOf(a, rank)
		out.dims = append(out.dims, in[0].dims[axis])
	}
	return one(out)
}

func (n *node) reduce() ([]*value, error) {
	in, err := n.need(1)
	if err != nil {
		return nil, err
	}
	axes, given, err := n.ints("axes", 1)
	if err != nil {
		return nil, err
	}
	set, err := n.marks(axes, len(in[0].dims))
	if err != nil {
		return nil, err
	}
	if (!given || len(axes) == 0) && n.int("noop_with_empty_axes", 0) != 0 {
		return one(like(in[0], in[0].dims...))
	}
	out := like(in[0])
	for i, d := range in[0].dims {
		switch {
		case !set[i] && len(axes) > 0:
			out.dims = append(out.dims, d)
		case n.int("keepdims", 1) != 0:
			out.dims = append(out.dims, 1)
		}
	}
	return one(out)
}

func (n *node) shape() ([]*value, error) {
	in, err := n.need(1)
	if err != nil {
		return nil, err
	}
	rank := int64(len(in[0].dims))
	first, count := sliced(rank, n.int("start", 0), n.int("end", rank), 1)
	out := &value{dims: []int64{count}, kind: onnxpb.TensorProto_INT64, content: []float64{}}
	for _, d := range in[0].dims[first : first+count] {
		out.content = append(out.content, float64(d))
	}
	return one(out)
}

func (n *node) gather() ([]*value, error) {
	in, err := n.need(2)
	if err != nil {
		return nil, err
	}
	axis, ok := axisOf(n.int("axis", 0), len(in[0].dims))
	if !ok {
		return nil, n.unfit(in[0].dims, in[1].dims)
	}
	out := like(in[0], slices.Concat(in[0].dims[:axis], in[1].dims, in[0].dims[axis+1:])...)
	if indices, known := in[1].ints(); known && len(in[0].dims) == 1 && in[0].content != nil {
		out.content = []float64{}
		for _, i := range indices {
			at, ok := axisOf(i, len(in[0].content))
			if !ok {
				return nil, n.unfit(in[0].dims, indices)
			}
			out.content = append(out.content, in[0].content[at])
		}
	}
	return one(out)
}
