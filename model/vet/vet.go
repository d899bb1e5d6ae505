// Package vet says whether a network may be run at all: whether it is made of the
// operators of a restoration network and nothing else, and how much memory it
// takes. It looks at ONNX files in memory, allocates nothing that they ask for, and
// never runs one.
package vet

import (
	"fmt"
	"slices"

	"faird/model/onnxpb"
)

// Limits of a network.
const (
	maxNodes  = 10_000
	maxRank   = 8
	maxTensor = 2 << 30 // bytes
	maxMemory = 6 << 30 // bytes: weights, what is computed of them alone, and the most that lives at a time
)

// ErrRefused is what every error of this package is, as errors.Is sees it.
var ErrRefused error = refusal("the network is refused")

// refusal is a reason why a network is not run.
type refusal string

func (r refusal) Error() string { return string(r) }

// Is reports whether target is [ErrRefused].
func (r refusal) Is(target error) bool { return target == ErrRefused }

func refuse(format string, args ...any) error { return refusal(fmt.Sprintf(format, args...)) }

// Network checks a network of one float32 input of the given shape. It returns the
// bytes that a run takes: the weights, whatever depends on them alone, and the most
// that is alive of the rest, as if values were freed after their last use.
func Network(m *onnxpb.ModelProto, input string, shape []int64) (memory int64, err error) {
	g := m.GetGraph()
	switch {
	case len(m.GetFunctions()) > 0:
		return 0, refuse("it brings a function of its own (%s): export it with ONNX's own operators only", m.Functions[0].GetName())
	case len(g.GetSparseInitializer()) > 0:
		return 0, refuse("it has sparse weights: export them as ordinary tensors")
	case len(g.GetNode()) > maxNodes:
		return 0, refuse("it has %d operators, at most %d are allowed: export a restoration network", len(g.Node), maxNodes)
	}
	w := walk{values: map[string]*value{}, uses: map[string]int{}}
	for _, t := range g.GetInitializer() {
		if err := w.define(t.GetName(), func() (*value, error) { return constant(t, "tensor "+quoted(t.GetName())) }); err != nil {
			return 0, err
		}
	}
	if err := w.define(input, func() (*value, error) {
		return &value{dims: shape, kind: onnxpb.TensorProto_FLOAT}, nil
	}); err != nil {
		return 0, err
	}
	w.count(g)
	for _, n := range g.GetNode() {
		if err := w.node(n); err != nil {
			return 0, err
		}
	}
	for _, o := range g.GetOutput() {
		if w.values[o.GetName()] == nil {
			return 0, refuse("output %s: no operator makes it: export the network again", quoted(o.GetName()))
		}
	}
	return w.fixed + w.most, nil
}

// walk follows a network from its input to its output.
type walk struct {
	values map[string]*value
	uses   map[string]int // operators that are yet to read a value

	fixed, live, most int64 // bytes
}

// define adds a value that no operator makes.
func (w *walk) define(name string, of func() (*value, error)) error {
	if w.values[name] != nil {
		return refuse("tensor %s is there twice: export the network again", quoted(name))
	}
	v, err := of()
	if err != nil {
		return err
	}
	return w.keep(name, v, "tensor "+quoted(name))
}

// count notes how often every value is read; what the graph gives is never freed.
func (w *walk) count(g *onnxpb.GraphProto) {
	for _, n := range g.GetNode() {
		for _, in := range n.GetInput() {
			w.uses[in]++
		}
	}
	for _, o := range g.GetOutput() {
		w.uses[o.GetName()]++
	}
}

func (w *walk) node(proto *onnxpb.NodeProto) error {
	n, err := w.read(proto)
	if err != nil {
		return err
	}
	outputs, err := n.infer()
	if err != nil {
		return err
	}
	if len(proto.Output) > len(outputs) {
		return n.refuse("it has %d outputs, of which faird knows %d: export the network for inference", len(proto.Output), len(outputs))
	}
	for i, name := range proto.Output {
		if name == "" {
			continue
		}
		if w.values[name] != nil {
			return n.refuse("it makes %s, which is there already: export the network again", quoted(name))
		}
		outputs[i].constant = n.constant()
		if err := w.keep(name, outputs[i], n.String()); err != nil {
			return err
		}
	}
	w.free(proto)
	return nil
}

// read looks an operator's inputs up.
func (w *walk) read(proto *onnxpb.NodeProto) (*node, error) {
	n := &node{proto: proto, attributes: map[string]*onnxpb.AttributeProto{}}
	if err := n.allowed(); err != nil {
		return nil, err
	}
	for _, in := range proto.GetInput() {
		v := w.values[in]
		if in != "" && v == nil {
			return nil, n.refuse("it reads %s, which nothing before it makes: export the network again", quoted(in))
		}
		n.in = append(n.in, v)
	}
	return n, nil
}

// keep adds a value, which who makes.
func (w *walk) keep(name string, v *value, who string) error {
	if len(v.dims) > maxRank {
		return refuse("%s: a tensor of %d dimensions, at most %d are allowed: export a restoration network", who, len(v.dims), maxRank)
	}
	bytes, ok := v.bytes()
	if !ok {
		return refuse("%s: a tensor of the shape %v takes more than %d MiB, or is none: export the network for smaller images, or correct the operator", who, v.dims, maxTensor>>20)
	}
	if len(v.dims) > 1 {
		v.content = nil // no shape is that
	}
	if v.constant {
		w.fixed += bytes
	} else {
		w.live += bytes
		w.most = max(w.most, w.live)
	}
	if w.fixed+w.live > maxMemory {
		return refuse("%s: up to here the network takes more than %d MiB: export it for smaller images, or with fewer channels", who, maxMemory>>20)
	}
	w.values[name] = v
	return nil
}

// free gives back what no operator after this one reads.
func (w *walk) free(n *onnxpb.NodeProto) {
	for _, in := range n.GetInput() {
		w.uses[in]--
	}
	for _, name := range slices.Concat(n.GetInput(), n.GetOutput()) {
		v := w.values[name]
		if v == nil || v.constant || v.freed || w.uses[name] > 0 {
			continue
		}
		bytes, _ := v.bytes()
		v.freed = true
		w.live -= bytes
	}
}

// quoted keeps a name from a file short, and on one line.
func quoted(name string) string {
	const most = 64
	if len(name) > most {
		name = name[:most] + "…"
	}
	return fmt.Sprintf("%q", name)
}
