package vet

import "slices"

// window is how a convolution or a pooling moves over an image.
type window struct {
	kernel, strides, dilations, pads []int64 // pads: all beginnings, then all ends
	auto                             string
	ceil                             bool
}

func (n *node) window(kernel []int64) (w window, err error) {
	rank := len(kernel)
	w.kernel = kernel
	for _, k := range kernel {
		if k < 1 || k > maxStep {
			return w, n.refuse("its kernel is %v: export the network again", kernel)
		}
	}
	if w.strides, err = n.spatial("strides", rank, 1); err != nil {
		return w, err
	}
	if w.dilations, err = n.spatial("dilations", rank, 1); err != nil {
		return w, err
	}
	if w.pads, err = n.spatial("pads", 2*rank, 0); err != nil {
		return w, err
	}
	if slices.Contains(w.strides, 0) || slices.Contains(w.dilations, 0) {
		return w, n.refuse("its strides or dilations are 0: export the network again")
	}
	if a := n.attributes["auto_pad"]; a != nil {
		w.auto = string(a.GetS())
	}
	w.ceil = n.int("ceil_mode", 0) != 0
	return w, nil
}

// over is the size of what moving over an image gives.
func (w window) over(image []int64) []int64 {
	out := make([]int64, len(image))
	for i, size := range image {
		if w.auto == "SAME_UPPER" || w.auto == "SAME_LOWER" {
			out[i] = (size + w.strides[i] - 1) / w.strides[i]
			continue
		}
		pads := w.pads[i] + w.pads[len(image)+i]
		if w.auto == "VALID" {
			pads = 0
		}
		room := size + pads - w.dilations[i]*(w.kernel[i]-1) - 1
		if room < 0 {
			return nil
		}
		if w.ceil {
			room += w.strides[i] - 1
		}
		out[i] = room/w.strides[i] + 1
	}
	return out
}

func (n *node) conv() ([]*value, error) {
	in, err := n.need(2)
	if err != nil {
		return nil, err
	}
	return n.convolved(in[0], in[1])
}

func (n *node) qlinearConv() ([]*value, error) {
	in, err := n.need(8)
	if err != nil {
		return nil, err
	}
	out, err := n.convolved(in[0], in[3])
	if err == nil {
		out[0].kind = in[7].kind
	}
	return out, err
}

func (n *node) convolved(x, weights *value) ([]*value, error) {
	rank := len(x.dims) - 2
	if rank < 1 || len(weights.dims) != rank+2 || weights.dims[1]*n.int("group", 1) != x.dims[1] {
		return nil, n.unfit(x.dims, weights.dims)
	}
	w, err := n.window(weights.dims[2:])
	if err != nil {
		return nil, err
	}
	image := w.over(x.dims[2:])
	if image == nil {
		return nil, n.unfit(x.dims, weights.dims)
	}
	return one(like(x, append([]int64{x.dims[0], weights.dims[0]}, image...)...))
}

func (n *node) convTranspose() ([]*value, error) {
	in, err := n.need(2)
	if err != nil {
		return nil, err
	}
	x, weights := in[0], in[1]
	rank := len(x.dims) - 2
	if rank < 1 || len(weights.dims) != rank+2 || weights.dims[0] != x.dims[1] || n.int("group", 1) < 1 || n.int("group", 1) > maxStep {
		return nil, n.unfit(x.dims, weights.dims)
	}
	w, err := n.window(weights.dims[2:])
	if err != nil {
		return nil, err
	}
	more, err := n.spatial("output_padding", rank, 0)
	if err != nil {
		return nil, err
	}
	dims := []int64{x.dims[0], weights.dims[1] * n.int("group", 1)}
	for i, size := range x.dims[2:] {
		side := w.strides[i]*(size-1) + more[i] + w.dilations[i]*(w.kernel[i]-1) + 1 - w.pads[i] - w.pads[rank+i]
		if w.auto == "SAME_UPPER" || w.auto == "SAME_LOWER" {
			side = size * w.strides[i]
		}
		dims = append(dims, side)
	}
	if a := n.attributes["output_shape"]; a != nil {
		if len(a.GetInts()) != rank {
			return nil, n.unknown()
		}
		copy(dims[2:], a.GetInts())
	}
	return one(like(x, dims...))
}

func (n *node) pool() ([]*value, error) {
	in, err := n.need(1)
	if err != nil {
		return nil, err
	}
	x := in[0]
	kernel, _, _ := n.ints("kernel_shape", -1)
	if len(kernel) < 1 || len(kernel) != len(x.dims)-2 {
		return nil, n.unfit(x.dims, kernel)
	}
	w, err := n.window(kernel)
	if err != nil {
		return nil, err
	}
	image := w.over(x.dims[2:])
	if image == nil {
		return nil, n.unfit(x.dims, kernel)
	}
	return one(like(x, append(slices.Clone(x.dims[:2]), image...)...))
}

func (n *node) globalPool() ([]*value, error) {
	in, err := n.need(1)
	if err != nil || len(in[0].dims) < 2 {
		return nil, n.unknown()
	}
	dims := slices.Clone(in[0].dims)
	for i := 2; i < len(dims); i++ {
		dims[i] = 1
	}
	return one(like(in[0], dims...))
}

// resize is Resize, and Upsample that came before it.
func (n *node) resize() ([]*value, error) {
	in, err := n.need(1)
	if err != nil {
		return nil, err
	}
	x := in[0]
	scales := n.input(2)
	if n.proto.GetOpType() == "Upsample" || len(n.in) == 2 {
		scales = n.input(1)
	}
	axes := make([]int64, len(x.dims))
	for i := range axes {
		axes[i] = int64(i)
	}
	if given, there, _ := n.ints("axes", -1); there {
		axes = given
	}
	dims := slices.Clone(x.dims)
	var factors []float64
	if a := n.attributes["scales"]; a != nil { // Upsample's before opset 9
		for _, f := range a.GetFloats() {
			factors = append(factors, float64(f))
		}
	} else if scales != nil {
		factors = scales.content
	}
	sizes, bySize := n.input(3).ints()
	if bySize && len(sizes) != len(axes) || !bySize && len(factors) != len(axes) {
		return nil, n.unknown()
	}
	for i, axis := range axes {
		at, ok := axisOf(axis, len(dims))
		switch {
		case !ok:
			return nil, n.unknown()
		case bySize:
			dims[at] = sizes[i]
		default:
			dims[at] = int64(min(max(float64(x.dims[at])*factors[i], 0), maxTensor))
		}
	}
	return one(like(x, dims...))
}

func (n *node) pad() ([]*value, error) {
	in, err := n.need(1)
	if err != nil {
		return nil, err
	}
	x := in[0]
	pads, given, err := n.ints("pads", 1)
	if err != nil || !given {
		return nil, n.unknown()
	}
	axes, _, err := n.ints("axes", 3)
	if err != nil {
		return nil, err
	}
	if axes == nil {
		for i := range x.dims {
			axes = append(axes, int64(i))
		}
	}
	if len(pads) != 2*len(axes) {
		return nil, n.unfit(x.dims, pads)
	}
	dims := slices.Clone(x.dims)
	for i, axis := range axes {
		at, ok := axisOf(axis, len(dims))
		before, after := pads[i], pads[len(axes)+i]
		if !ok || max(before, after) > maxTensor || min(before, after) < -maxTensor {
			return nil, n.unfit(x.dims, pads)
		}
		dims[at] += before + after
	}
	return one(like(x, dims...))
}

func (n *node) depthToSpace() ([]*value, error) { return n.blocks(false) }
func (n *node) spaceToDepth() ([]*value, error) { return n.blocks(true) }

func (n *node) blocks(deeper bool) ([]*value, error) {
	in, err := n.need(1)
	if err != nil {
		return nil, err
	}
	x, b := in[0], n.int("blocksize", 0)
	if b < 1 || b > maxStep || len(x.dims) != 4 {
		return nil, n.unfit(x.dims, []int64{b})
	}
	d := x.dims
	if deeper {
		return one(like(x, d[0], d[1]*b*b, d[2]/b, d[3]/b))
	}
	return one(like(x, d[0], d[1]/(b*b), d[2]*b, d[3]*b))
}
