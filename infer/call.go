package infer

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"unsafe"

	ort "github.com/yalue/onnxruntime_go"
)

var errClosed = errors.New("the network is closed already")

// call is what one run at a time needs: the C arrays of values, the run
// options, and a goroutine that ends the run when its context ends. Nothing is
// allocated per run. Several calls of one graph may run at the same time.
type call struct {
	mu      sync.Mutex
	graph   *Graph
	in, out pointers
	options *ort.RunOptions
	raw     unsafe.Pointer // OrtRunOptions*
	stopper *stopper
}

func newCall(g *Graph) (*call, error) {
	options, err := ort.NewRunOptions()
	if err != nil {
		return nil, fmt.Errorf("run options: %w", err)
	}
	c := &call{graph: g, options: options, in: newPointers(len(g.inputs)), out: newPointers(len(g.outputs))}
	if c.raw, err = handle(options, "o"); err != nil {
		c.close()
		return nil, fmt.Errorf("%w", err)
	}
	return c, nil
}

// run waits for a run of the same call that is under way.
func (c *call) run(ctx context.Context, inputs, outputs []*Tensor) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.options == nil {
		return errClosed
	}
	if err := c.bind(inputs, outputs); err != nil {
		return err
	}
	done := ctx.Done()
	if done == nil {
		return c.invoke()
	}
	if ctx.Err() != nil {
		return fmt.Errorf("not run: %w", context.Cause(ctx))
	}
	if c.stopper == nil {
		c.stopper = newStopper(c.options)
	}
	c.stopper.begin <- done
	err := c.invoke()
	c.stopper.end <- struct{}{}
	if c.stopper.fired {
		c.stopper.fired = false
		if e := c.options.UnsetTerminate(); e != nil {
			return fmt.Errorf("run options: %w", e)
		}
		if err != nil {
			return fmt.Errorf("run stopped: %w", context.Cause(ctx))
		}
	}
	return err
}

func (c *call) bind(inputs, outputs []*Tensor) error {
	if len(inputs) != c.in.n || len(outputs) != c.out.n {
		return fmt.Errorf("the graph has %d inputs and %d outputs, not %d and %d", c.in.n, c.out.n, len(inputs), len(outputs))
	}
	for i, t := range inputs {
		if t == nil || t.ptr == nil {
			return fmt.Errorf("input %s is a closed tensor", c.graph.inputs[i])
		}
		c.in.set(i, t.ptr)
	}
	for i, t := range outputs {
		if t == nil || t.ptr == nil {
			return fmt.Errorf("output %s is a closed tensor", c.graph.outputs[i])
		}
		c.out.set(i, t.ptr)
	}
	return nil
}

func (c *call) invoke() error {
	if err := run(c.graph.raw, c.raw, c.graph.inNames, c.in, c.graph.outNames, c.out); err != nil {
		return fmt.Errorf("run: %w", plain(err))
	}
	return nil
}

// close waits for a run under way; it says whether the call was open.
func (c *call) close() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.options == nil {
		return false
	}
	if c.stopper != nil {
		c.stopper.close()
	}
	_ = c.options.Destroy() // fails only where it was destroyed before
	c.options = nil
	c.in.free()
	c.out.free()
	return true
}

// stopper terminates a run when the context given at its beginning ends. It
// stands ready for the whole life of a call: a goroutine or an AfterFunc per
// run would allocate.
type stopper struct {
	begin chan (<-chan struct{})
	end   chan struct{}
	gone  chan struct{}
	fired bool // written before end is received, read after it was sent
}

func newStopper(options *ort.RunOptions) *stopper {
	s := &stopper{begin: make(chan (<-chan struct{})), end: make(chan struct{}), gone: make(chan struct{})}
	go s.watch(options)
	return s
}

func (s *stopper) watch(options *ort.RunOptions) {
	defer close(s.gone)
	for done := range s.begin {
		select {
		case <-s.end:
		case <-done:
			s.fired = options.Terminate() == nil
			<-s.end
		}
	}
}

func (s *stopper) close() {
	close(s.begin)
	<-s.gone
}
