package quantize

import (
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"

	"faird/model/onnxpb"
)

// Targets: what the 8-bit network is written for.
const (
	CPU      = "cpu"      // whole-number operators, uint8 activations
	TensorRT = "tensorrt" // float operators between QuantizeLinear and DequantizeLinear, int8 with zero point 0
)

// Scheme names how a target's network is written, for the model's metadata.
func Scheme(target string) string {
	if target == TensorRT {
		return "qdq int8, weights 8 bits by channel, zero point 0"
	}
	return "qlinear uint8, weights 7 bits by channel"
}

// largest weight of a target. Processors without VNNI add two products of an
// unsigned and a signed byte in 16 bits, where 2 * 255 * 127 does not fit: 7 bits
// give the same verdicts on every box.
var largest = map[string]int{CPU: 63, TensorRT: 127}

// Options say how the network is written.
type Options struct {
	Target string
	Ranges map[string]Range     // of every activation of Probe, and of the input
	Means  map[string][]float64 // of the channels of what layers read; a layer without them is not corrected
	Float  []string             // layers that stay in float32, by their names
}

// Write gives the quantised network, without metadata.
func (n *Network) Write(o Options) ([]byte, error) {
	if largest[o.Target] == 0 {
		return nil, fmt.Errorf("target %q: choose %s or %s", o.Target, CPU, TensorRT)
	}
	for _, name := range o.Float {
		if !slices.Contains(n.Layers(), name) {
			return nil, fmt.Errorf("no layer %q to leave in float32: there are %v", name, n.Layers())
		}
	}
	w := &writer{
		Network: n, o: o,
		out:    &onnxpb.GraphProto{Name: n.model.Graph.Name, Input: n.model.Graph.Input, Output: n.model.Graph.Output},
		whole:  map[string]quantised{},
		float:  map[string]bool{n.Input(): true},
		layers: map[*onnxpb.NodeProto]layer{}, written: map[string]bool{},
	}
	for _, l := range n.layers {
		if !slices.Contains(o.Float, l.name) {
			w.layers[l.conv] = l
		}
	}
	w.all()
	if w.err != nil {
		return nil, w.err
	}
	return proto.MarshalOptions{Deterministic: true}.Marshal(w.finish())
}

// quantised is a value in 8 bits.
type quantised struct {
	name        string
	scale, zero string // constants
	step        float32
	r           Range
}

// writer appends the quantised network's nodes in order. Every value is there
// in float, in 8 bits, or in both once somebody asked for the other form.
type writer struct {
	*Network
	o       Options
	out     *onnxpb.GraphProto
	layers  map[*onnxpb.NodeProto]layer // to be quantised
	whole   map[string]quantised        // values that are there in 8 bits
	float   map[string]bool             // values that are there in float
	fused   map[*onnxpb.NodeProto]bool  // ReLUs that are inside a convolution
	written map[string]bool             // constants
	err     error
}

func (w *writer) all() {
	w.fused = map[*onnxpb.NodeProto]bool{}
	for _, node := range w.model.Graph.Node {
		if w.err != nil {
			return
		}
		switch l, yes := w.layers[node]; {
		case yes:
			w.layer(l)
		case w.fused[node]:
		default:
			w.other(node)
		}
	}
	for _, v := range w.model.Graph.Output {
		w.asFloat(v.GetName())
	}
}

// other writes an operator that is no quantised layer: in 8 bits where its
// input is and the target has it, else in float.
func (w *writer) other(node *onnxpb.NodeProto) {
	if w.o.Target == CPU && w.inWholeNumbers(node) {
		return
	}
	for _, in := range node.Input {
		w.asFloat(in)
	}
	w.out.Node = append(w.out.Node, node)
	for _, out := range node.Output {
		w.float[out] = true
	}
}

func (w *writer) layer(l layer) {
	if l.relu != nil {
		w.fused[l.relu] = true
	}
	weights, err := floats(w.consts[l.conv.Input[1]])
	if err != nil {
		w.fail(err)
		return
	}
	var bias []float32
	if b := input(l.conv, 2); b != "" {
		if w.consts[b] == nil {
			w.fail(fmt.Errorf("layer %s: its bias is not constant", l.name))
			return
		}
		if bias, err = floats(w.consts[b]); err != nil {
			w.fail(err)
			return
		}
	}
	dims := w.consts[l.conv.Input[1]].Dims
	q, scales := symmetric(weights, int(dims[0]), largest[w.o.Target])
	bias = corrected(bias, weights, q, scales, w.o.Means[l.conv.Input[0]])
	k := kernel{layer: l, q: q, scales: scales, bias: bias, dims: dims}
	if w.o.Target == TensorRT {
		w.simulated(k)
	} else {
		w.wholeConv(k)
	}
}

// kernel is a layer with its weights in 8 bits.
type kernel struct {
	layer
	q      []int8
	scales []float32
	bias   []float32 // nil: none
	dims   []int64
}

func (w *writer) fail(err error) {
	if w.err == nil {
		w.err = err
	}
}

// node appends an operator, named as its result is.
func (w *writer) node(op, domain string, inputs []string, output string, attributes ...*onnxpb.AttributeProto) {
	n := &onnxpb.NodeProto{
		OpType: proto.String(op), Name: proto.String(output), Input: inputs, Output: []string{output}, Attribute: attributes,
	}
	if domain != "" {
		n.Domain = proto.String(domain)
	}
	w.out.Node = append(w.out.Node, n)
}

// keep writes a constant once and gives its name.
func (w *writer) keep(t *onnxpb.TensorProto) string {
	if !w.written[t.GetName()] {
		w.written[t.GetName()] = true
		w.out.Initializer = append(w.out.Initializer, t)
	}
	return t.GetName()
}

// rangeOf is the measured range of a value.
func (w *writer) rangeOf(value string) Range {
	r, ok := w.o.Ranges[value]
	switch {
	case !ok:
		w.fail(fmt.Errorf("activation %s: its range was not measured", value))
	case !(r.High > 0):
		r.High = 1e-6 // an activation that is always zero
	}
	return r
}

// finish adds the constants that float operators still read.
func (w *writer) finish() *onnxpb.ModelProto {
	for _, node := range w.out.Node {
		for _, in := range node.Input {
			if t := w.consts[in]; t != nil {
				w.keep(t)
			}
		}
	}
	opsets := slices.Clone(w.model.OpsetImport)
	if w.o.Target == CPU {
		opsets = append(opsets, &onnxpb.OperatorSetIdProto{Domain: proto.String(microsoft), Version: proto.Int64(1)})
	}
	return &onnxpb.ModelProto{IrVersion: w.model.IrVersion, ProducerName: proto.String("faird"), OpsetImport: opsets, Graph: w.out}
}

// microsoft is the domain of ONNX Runtime's own operators.
const microsoft = "com.microsoft"
