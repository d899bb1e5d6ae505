package infer

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"unsafe"

	ort "github.com/yalue/onnxruntime_go"
	"google.golang.org/protobuf/proto"

	"faird/config"
	"faird/model/onnxpb"
)

// Optimisation is how far ONNX Runtime rewrites a graph when it loads it.
type Optimisation int

// The levels; the zero value is everything.
const (
	OptimiseAll Optimisation = iota
	OptimiseExtended
	OptimiseBasic
	OptimiseNone
)

// GraphOptions say how a graph is run; the zero value runs it on the CPU with
// one thread per core.
type GraphOptions struct {
	Library         string   // as config.Infer's
	Provider        Provider // "" is CPU
	Strict          bool     // a node that the named provider cannot run is an error
	Threads         int      // intra-op; 0 is one per core that the process may use
	NoMemoryPattern bool     // training: halves memory where shapes never change
	KeepSpinning    bool     // threads also spin between runs: for back-to-back runs only
	Optimisation    Optimisation
	CUDA            config.CUDA
	TensorRT        config.TensorRT
	engineKey       string // model and library of TensorRT's engines
	profile         string // file prefix; "" is off
}

// Graph is any ONNX graph with float32 inputs and outputs, loaded and ready to
// run. Its runs may come from several goroutines; they take turns.
type Graph struct {
	inputs, outputs   []string
	inNames, outNames pointers
	session           *ort.DynamicAdvancedSession
	raw               unsafe.Pointer // OrtSession*
	own               *call
	pinned            string // kind of memory for tensors; "" is the process's own
	device            int

	mu     sync.Mutex
	users  int // calls and tensors that hold the session
	closed bool
}

// OpenGraph loads the library if need be, and the graph in the ONNX file bytes.
// Close frees it.
func OpenGraph(onnx []byte, o GraphOptions) (*Graph, error) {
	if _, err := Load(o.Library); err != nil {
		return nil, err
	}
	inputs, outputs, err := signature(onnx)
	if err != nil {
		return nil, err
	}
	options, err := sessionOptions(o)
	if err != nil {
		return nil, err
	}
	defer func() { _ = options.Destroy() }() // fails only where there is none
	g := &Graph{inputs: inputs, outputs: outputs}
	if g.session, err = ort.NewDynamicAdvancedSessionWithONNXData(onnx, inputs, outputs, options); err != nil {
		return nil, fmt.Errorf("ONNX Runtime refuses the graph: %w", plain(err))
	}
	if g.raw, err = handle(g.session, "s", "ortSession"); err != nil {
		return nil, errors.Join(err, g.session.Destroy())
	}
	g.pinned, g.device = o.pinned()
	g.inNames, g.outNames = newNames(inputs), newNames(outputs)
	if g.own, err = g.newCall(); err != nil {
		return nil, err
	}
	return g, nil
}

// Inputs are the names of the inputs, in the order of Run's tensors.
func (g *Graph) Inputs() []string { return g.inputs }

// Outputs are the names of the outputs, in the order of Run's tensors.
func (g *Graph) Outputs() []string { return g.outputs }

// Run runs the graph once, reading inputs and writing outputs in place, in the
// order of Inputs and Outputs. When ctx ends first, the run is broken off
// between two nodes and the outputs hold anything. It allocates nothing.
func (g *Graph) Run(ctx context.Context, inputs, outputs []*Tensor) error {
	return g.own.run(ctx, inputs, outputs)
}

// Close waits for a run under way and frees the graph. Runners of the same
// session keep it until they are closed.
func (g *Graph) Close() error {
	g.mu.Lock()
	if g.closed {
		g.mu.Unlock()
		return nil
	}
	g.closed = true
	g.mu.Unlock()
	return g.closeCall(g.own)
}

// newCall gives a caller its own way to run the graph beside the others.
func (g *Graph) newCall() (*call, error) {
	if err := g.hold(); err != nil {
		return nil, err
	}
	c, err := newCall(g)
	if err != nil {
		return nil, errors.Join(err, g.drop())
	}
	return c, nil
}

// closeCall closes a call of newCall.
func (g *Graph) closeCall(c *call) error {
	if !c.close() {
		return nil
	}
	return g.drop()
}

// hold keeps the session until as many drops; the last one frees it.
func (g *Graph) hold() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return errClosed
	}
	g.users++
	return nil
}

func (g *Graph) drop() error {
	g.mu.Lock()
	g.users--
	last := g.users == 0
	g.mu.Unlock()
	if !last {
		return nil
	}
	return g.release()
}

func (g *Graph) release() error {
	err := g.session.Destroy()
	g.inNames.freeNames()
	g.outNames.freeNames()
	return err
}

// signature lists the names of a graph's inputs and outputs. Initialisers that
// old files list among the inputs are none.
func signature(onnx []byte) (inputs, outputs []string, err error) {
	var m onnxpb.ModelProto
	if err := proto.Unmarshal(onnx, &m); err != nil || m.GetGraph() == nil {
		return nil, nil, errors.New("not an ONNX graph")
	}
	constant := map[string]bool{}
	for _, t := range m.Graph.Initializer {
		constant[t.GetName()] = true
	}
	for _, v := range m.Graph.Input {
		if !constant[v.GetName()] {
			inputs = append(inputs, v.GetName())
		}
	}
	for _, v := range m.Graph.Output {
		outputs = append(outputs, v.GetName())
	}
	if len(outputs) == 0 {
		return nil, nil, errors.New("the graph has no output")
	}
	return inputs, outputs, nil
}

// threads is how many intra-op threads to ask for. ONNX Runtime counts the
// machine's cores; Go knows what the process was given.
func threads(n int) int {
	if n > 0 {
		return n
	}
	return runtime.GOMAXPROCS(0)
}
