package model

import (
	"fmt"
	"strconv"

	"faird/model/onnxpb"
)

// outputs is how many channels a restored picture has: BGR.
const outputs = 3

// shape is that of the input or the output; 0 is a free dimension.
type shape struct{ batch, channels, height, width int }

// agrees says whether a picture of w x h pixels fits.
func (s shape) agrees(w, h int) error {
	if s.width != 0 && s.width != w || s.height != 0 && s.height != h {
		return fmt.Errorf("%s is %dx%d, but the network's input is %dx%d: correct the metadata", keySize, w, h, s.width, s.height)
	}
	return nil
}

// signature is a network's one input and one output.
type signature struct {
	input, output string
	in            shape
}

// checkGraph finds the input [n,c,h,w] and the output [n,3,h,w].
func checkGraph(g *onnxpb.GraphProto) (signature, error) {
	constant := map[string]bool{}
	for _, t := range g.Initializer {
		constant[t.GetName()] = true // old files list them among the inputs
		if t.GetDataLocation() == onnxpb.TensorProto_EXTERNAL {
			return signature{}, fmt.Errorf("its weights lie in another file (%s): export it as a single file", t.GetName())
		}
	}
	var ins []*onnxpb.ValueInfoProto
	for _, v := range g.Input {
		if !constant[v.GetName()] {
			ins = append(ins, v)
		}
	}
	if len(ins) != 1 || len(g.Output) != 1 {
		return signature{}, fmt.Errorf("it has %d inputs and %d outputs, must have one of each: the high-pass picture [n,c,h,w] and the restored one [n,3,h,w]",
			len(ins), len(g.Output))
	}
	s := signature{input: ins[0].GetName(), output: g.Output[0].GetName()}
	in, err := shapeOf(ins[0], true)
	if err != nil {
		return s, fmt.Errorf("input %s: %w", s.input, err)
	}
	out, err := shapeOf(g.Output[0], false)
	if err != nil {
		return s, fmt.Errorf("output %s: %w", s.output, err)
	}
	s.in = in
	return s, matches(s, in, out)
}

func matches(s signature, in, out shape) error {
	if in.channels == 0 {
		return fmt.Errorf("input %s: its number of channels is free: export with 1 channel, or 2 for filter sobel_xy", s.input)
	}
	if out.channels != 0 && out.channels != outputs {
		return fmt.Errorf("output %s: it has %d channels, must have %d (BGR): export a network that restores colour", s.output, out.channels, outputs)
	}
	for _, d := range []struct {
		name    string
		in, out int
	}{{"batch", in.batch, out.batch}, {"height", in.height, out.height}, {"width", in.width, out.width}} {
		if d.in != 0 && d.out != 0 && d.in != d.out {
			return fmt.Errorf("output %s: its %s is %d, but the input's is %d: export a network that keeps the size", s.output, d.name, d.out, d.in)
		}
	}
	return nil
}

// shapeOf reads a float32 tensor's four dimensions. An output may have no
// shape at all; exporters leave it out where they cannot tell.
func shapeOf(v *onnxpb.ValueInfoProto, needed bool) (shape, error) {
	t := v.GetType().GetTensorType()
	if t == nil {
		return shape{}, fmt.Errorf("it is no tensor: export with float32 [n,channels,height,width]")
	}
	if e := onnxpb.TensorProto_DataType(t.GetElemType()); e != onnxpb.TensorProto_FLOAT {
		return shape{}, fmt.Errorf("its elements are %s, must be FLOAT: export in float32", e)
	}
	if t.Shape == nil && !needed {
		return shape{}, nil
	}
	dims := t.GetShape().GetDim()
	if len(dims) != 4 {
		return shape{}, fmt.Errorf("it has %d dimensions, must have four: export with [n,channels,height,width]", len(dims))
	}
	var d [4]int
	for i, dim := range dims {
		v := dim.GetDimValue()
		if v < 0 || v > 1<<20 {
			return shape{}, fmt.Errorf("dimension %s is %d", strconv.Itoa(i), v)
		}
		d[i] = int(v)
	}
	return shape{d[0], d[1], d[2], d[3]}, nil
}
