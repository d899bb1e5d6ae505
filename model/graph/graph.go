// Package graph writes ONNX graphs in Go: values with static shapes, one
// function per operator, constants, and one error at the end. It knows what
// ONNX operators mean for shapes and nothing of any network; it never runs a
// graph.
package graph

import (
	"errors"
	"fmt"
	"slices"

	"faird/model/onnxpb"

	"google.golang.org/protobuf/proto"
)

// Opset and IRVersion are the versions written. Opset 17 is the newest whose
// every operator used here has a kernel in ONNX Runtime's CPU, CUDA and
// TensorRT providers; IRVersion is the one that came with it.
const (
	Opset     = 17
	IRVersion = 8
)

// Graph collects nodes until Build. The first error made by any call stops it
// growing and is what Build returns, so that code which builds a graph reads
// as plain arithmetic. A Graph is not safe for concurrent use.
type Graph struct {
	proto   *onnxpb.GraphProto
	scope   string
	serial  int
	consts  map[string]Value             // written constants by content
	rename  map[string]string            // value names that became output names
	domains []*onnxpb.OperatorSetIdProto // other than ONNX's own, of inlined networks
	err     error
}

// New starts an empty graph.
func New(name string) *Graph {
	return &Graph{
		proto:  &onnxpb.GraphProto{Name: proto.String(name)},
		consts: map[string]Value{},
		rename: map[string]string{},
	}
}

// Scope names the part of the network the next nodes belong to ("e1.0"); node
// and value names start with it, which is what profiles and errors show.
func (g *Graph) Scope(name string) { g.scope = name }

// Err is the first error so far, or nil.
func (g *Graph) Err() error { return g.err }

// Fail records an error, unless there is one already.
func (g *Graph) Fail(format string, args ...any) {
	if g.err == nil {
		g.err = fmt.Errorf("graph %s, %s: %w", g.proto.GetName(), g.scope, fmt.Errorf(format, args...))
	}
}

// Input declares a float input of the graph.
func (g *Graph) Input(name string, shape ...int) Value {
	v := Value{name: name, shape: shape, kind: Float}
	g.proto.Input = append(g.proto.Input, v.info())
	return v
}

// Output gives a value a name outside and makes it a result of the graph.
func (g *Graph) Output(name string, v Value) {
	if g.err != nil {
		return
	}
	if _, taken := g.rename[v.name]; taken || !g.made(v) {
		v = g.node("Identity", v.kind, v.shape, nil, v)
	}
	g.rename[v.name] = name
	v.name = name
	g.proto.Output = append(g.proto.Output, v.info())
}

// made says whether v comes out of a node, and not from outside.
func (g *Graph) made(v Value) bool {
	for _, in := range g.proto.GetInput() {
		if in.GetName() == v.name {
			return false
		}
	}
	for _, c := range g.consts {
		if c.name == v.name {
			return false
		}
	}
	return true
}

// Build returns the graph as a serialised ONNX model, the same bytes for the
// same calls, or the first error.
func (g *Graph) Build() ([]byte, error) {
	if g.err == nil && len(g.proto.GetOutput()) == 0 {
		g.err = errors.New("graph " + g.proto.GetName() + ": no outputs")
	}
	if g.err != nil {
		return nil, g.err
	}
	return proto.MarshalOptions{Deterministic: true}.Marshal(g.model())
}

func (g *Graph) model() *onnxpb.ModelProto {
	body := proto.CloneOf(g.proto)
	for _, n := range body.GetNode() {
		outside(n.Input, g.rename)
		outside(n.Output, g.rename)
	}
	return &onnxpb.ModelProto{
		IrVersion:    proto.Int64(IRVersion),
		ProducerName: proto.String("faird"),
		OpsetImport:  append([]*onnxpb.OperatorSetIdProto{{Domain: proto.String(""), Version: proto.Int64(Opset)}}, g.domains...),
		Graph:        body,
	}
}

func outside(names []string, rename map[string]string) {
	for i, n := range names {
		if to, ok := rename[n]; ok {
			names[i] = to
		}
	}
}

// node appends one operator with one result. Inputs left zero are the
// optional ones that ONNX writes as an empty name.
func (g *Graph) node(op string, kind Kind, shape []int, a attrs, in ...Value) Value {
	v := g.nodes(op, kind, [][]int{shape}, a, in...)
	return v[0]
}

// Domain and DomainVersion are those of faird's own operators.
const (
	Domain        = "faird"
	DomainVersion = 1
)

// own is node for an operator of Domain.
func (g *Graph) own(op string, shape []int, a attrs, in ...Value) Value {
	return g.owns(op, [][]int{shape}, a, in...)[0]
}

func (g *Graph) owns(op string, shapes [][]int, a attrs, in ...Value) []Value {
	v := g.nodes(op, Float, shapes, a, in...)
	if g.err != nil {
		return v
	}
	g.proto.Node[len(g.proto.Node)-1].Domain = proto.String(Domain)
	if !slices.ContainsFunc(g.domains, func(s *onnxpb.OperatorSetIdProto) bool { return s.GetDomain() == Domain }) {
		g.domains = append(g.domains, &onnxpb.OperatorSetIdProto{Domain: proto.String(Domain), Version: proto.Int64(DomainVersion)})
	}
	return v
}

func (g *Graph) nodes(op string, kind Kind, shapes [][]int, a attrs, in ...Value) []Value {
	out := make([]Value, len(shapes))
	if g.err != nil {
		return out
	}
	g.serial++
	n := &onnxpb.NodeProto{
		OpType:    proto.String(op),
		Name:      proto.String(fmt.Sprintf("%s/%s_%d", g.scope, op, g.serial)),
		Attribute: a.proto(),
	}
	for _, v := range in {
		n.Input = append(n.Input, v.name)
	}
	for i, s := range shapes {
		out[i] = Value{name: fmt.Sprintf("%s:%d", n.GetName(), i), shape: s, kind: kind}
		n.Output = append(n.Output, out[i].name)
	}
	g.proto.Node = append(g.proto.Node, n)
	return out
}
