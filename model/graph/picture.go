package graph

import "slices"

// Window is how a convolution moves: zero padding at both sides of each
// dimension, and the number of groups (0 is 1). The step is always one.
type Window struct {
	PadH, PadW int
	Groups     int
}

// Conv convolves x [n, c, h, w] with weights [out, c/groups, kh, kw]; bias
// [out] may be the zero Value.
func (g *Graph) Conv(x, weights, bias Value, win Window) Value {
	groups := max(win.Groups, 1)
	if g.err == nil && (len(x.shape) != 4 || len(weights.shape) != 4 || x.shape[1] != weights.shape[1]*groups) {
		g.Fail("Conv: input %v and weights %v in %d groups do not fit", x.shape, weights.shape, groups)
	}
	kh, kw := weights.Dim(2), weights.Dim(3)
	shape := []int{x.Dim(0), weights.Dim(0), moved(x.Dim(2), kh, win.PadH), moved(x.Dim(3), kw, win.PadW)}
	in := []Value{x, weights}
	if bias.Valid() {
		in = append(in, bias)
	}
	return g.node("Conv", Float, shape, attrs{
		"kernel_shape": []int{kh, kw}, "pads": []int{win.PadH, win.PadW, win.PadH, win.PadW},
		"strides": []int{1, 1}, "dilations": []int{1, 1}, "group": groups,
	}, in...)
}

// Conv3x3 is faird's own operator on the CPU (infer/operators): x [n, in, h, w]
// with weights [out, in, 3, 3], zero padding of one pixel.
func (g *Graph) Conv3x3(x, weights Value) Value {
	return g.conv3x3(x, weights, weights.Dim(0), weights.Dim(1), attrs{})
}

// Conv3x3Turned is the gradient of the input of a Conv3x3 with these weights, for
// the gradient dy [n, out, h, w] of its result.
func (g *Graph) Conv3x3Turned(dy, weights Value) Value {
	return g.conv3x3(dy, weights, weights.Dim(1), weights.Dim(0), attrs{"turned": 1})
}

func (g *Graph) conv3x3(x, weights Value, out, in int, a attrs) Value {
	if g.err == nil && (len(x.shape) != 4 || len(weights.shape) != 4 || x.shape[1] != in || !slices.Equal(weights.shape[2:], []int{3, 3})) {
		g.Fail("Conv3x3: input %v and weights %v do not fit", x.shape, weights.shape)
	}
	return g.own("Conv3x3", []int{x.Dim(0), out, x.Dim(2), x.Dim(3)}, a, x, weights)
}

// Conv3x3Weights is the gradient [out, in, 3, 3] of the weights of a Conv3x3 of
// x [n, in, h, w], for the gradient dy [n, out, h, w] of its result.
func (g *Graph) Conv3x3Weights(x, dy Value) Value {
	if g.err == nil && (len(x.shape) != 4 || len(dy.shape) != 4 || x.shape[0] != dy.shape[0] || !slices.Equal(x.shape[2:], dy.shape[2:])) {
		g.Fail("Conv3x3Weights: input %v and gradient %v do not fit", x.shape, dy.shape)
	}
	return g.own("Conv3x3Weights", []int{dy.Dim(1), x.Dim(1), 3, 3}, attrs{}, x, dy)
}

func moved(size, kernel, pad int) int {
	if size == Free {
		return Free
	}
	return size + 2*pad - kernel + 1
}

// BatchNorm is (x - mean) / sqrt(variance + eps) * scale + bias for each
// channel of x [n, c, h, w]; the others are [c].
func (g *Graph) BatchNorm(x, scale, bias, mean, variance Value, eps float64) Value {
	g.perChannel("BatchNorm", x, scale, bias, mean, variance)
	return g.node("BatchNormalization", Float, x.shape, attrs{"epsilon": float32(eps)}, x, scale, bias, mean, variance)
}

// NormRelu is faird's own operator on the CPU for a batch norm in training, by the
// mean and variance of x [n, c, h, w] itself, which are [c], and the ReLU after it.
func (g *Graph) NormRelu(x, scale, bias Value, eps float64) (y, mean, variance Value) {
	g.perChannel("NormRelu", x, scale, bias)
	c := []int{x.Dim(1)}
	v := g.owns("NormRelu", [][]int{x.shape, c, c}, attrs{"epsilon": float32(eps)}, x, scale, bias)
	return v[0], v[1], v[2]
}

// NormReluBack gives the gradients of x, scale and bias of a NormRelu, for the
// gradient dy of its result.
func (g *Graph) NormReluBack(x, dy, scale, bias, mean, variance Value, eps float64) (dx, dscale, dbias Value) {
	g.perChannel("NormReluBack", x, scale, bias, mean, variance)
	if g.err == nil && !slices.Equal(x.shape, dy.shape) {
		g.Fail("NormReluBack: gradient %v for %v", dy.shape, x.shape)
	}
	c := []int{x.Dim(1)}
	v := g.owns("NormReluBack", [][]int{x.shape, c, c}, attrs{"epsilon": float32(eps)}, x, dy, scale, bias, mean, variance)
	return v[0], v[1], v[2]
}

// perChannel fails where a value is not a number for each channel of x.
func (g *Graph) perChannel(op string, x Value, values ...Value) {
	for _, v := range values {
		if g.err == nil && (len(x.shape) != 4 || v.Elements() != x.Dim(1)) {
			g.Fail("%s: %v for %v", op, v.shape, x.shape)
		}
	}
}

// MaxPool2 halves height and width by the maximum of every 2x2 pixels.
func (g *Graph) MaxPool2(x Value) Value { return g.pool2("MaxPool", x) }

// AveragePool2 halves height and width by the mean of every 2x2 pixels.
func (g *Graph) AveragePool2(x Value) Value { return g.pool2("AveragePool", x) }

func (g *Graph) pool2(op string, x Value) Value {
	if g.err == nil && (len(x.shape) != 4 || x.shape[2]%2 != 0 || x.shape[3]%2 != 0) {
		g.Fail("%s: %v cannot be halved", op, x.shape)
	}
	shape := []int{x.Dim(0), x.Dim(1), x.Dim(2) / 2, x.Dim(3) / 2}
	return g.node(op, Float, shape, attrs{"kernel_shape": []int{2, 2}, "strides": []int{2, 2}}, x)
}

// Nearest2 doubles height and width by repeating pixels.
func (g *Graph) Nearest2(x Value) Value {
	return g.resize2(x, attrs{"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"})
}

// Bilinear2 doubles height and width, bilinear with the corners aligned.
func (g *Graph) Bilinear2(x Value) Value {
	return g.resize2(x, attrs{"mode": "linear", "coordinate_transformation_mode": "align_corners"})
}

func (g *Graph) resize2(x Value, a attrs) Value {
	if g.err == nil && len(x.shape) != 4 {
		g.Fail("Resize: %v is no picture", x.shape)
	}
	shape := []int{x.Dim(0), x.Dim(1), 2 * x.Dim(2), 2 * x.Dim(3)}
	return g.node("Resize", Float, shape, a, x, Value{}, g.Const([]float32{1, 1, 2, 2}, 4))
}

// Mirror widens x [n, c, h, w] by so many pixels at each side, mirrored at the
// outermost ones, which are not repeated (OpenCV's BORDER_REFLECT_101).
func (g *Graph) Mirror(x Value, by int) Value {
	shape := []int{x.Dim(0), x.Dim(1), x.Dim(2) + 2*by, x.Dim(3) + 2*by}
	return g.node("Pad", Float, shape, attrs{"mode": "reflect"}, x, g.ints(0, 0, by, by, 0, 0, by, by))
}

// MeanFilter is the mean over kh x kw pixels (odd) around each pixel of x
// [n, c, h, w]; outside is zero, and counts.
func (g *Graph) MeanFilter(x Value, kh, kw int) Value {
	return g.node("AveragePool", Float, x.shape, attrs{
		"kernel_shape": []int{kh, kw}, "pads": []int{kh / 2, kw / 2, kh / 2, kw / 2}, "strides": []int{1, 1}, "count_include_pad": 1,
	}, x)
}

// Stretch resizes x [n, c, h, w] by whole factors, bilinear between the centres
// of the pixels.
func (g *Graph) Stretch(x Value, by int) Value {
	shape := []int{x.Dim(0), x.Dim(1), by * x.Dim(2), by * x.Dim(3)}
	return g.node("Resize", Float, shape, attrs{"mode": "linear", "coordinate_transformation_mode": "half_pixel"},
		x, Value{}, g.Const([]float32{1, 1, float32(by), float32(by)}, 4))
}
