package infer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"faird/config"
)

// maxBatch bounds a runner's buffers.
const maxBatch = 1024

// Runner runs a session's network on buffers of its own, a batch at a time.
// One goroutine uses a runner; runners of one session work side by side.
type Runner struct {
	graph   *Graph
	weight  int // cores that a run takes
	waited  time.Duration
	call    *call
	batch   int
	inputs  []*Tensor // the network's input; fused: the picture and what counts of it
	outputs []*Tensor // the restoration; fused: then the maps
}

// NewRunner makes a runner for batches of n pictures and warms it up. With
// TensorRT another n than before means another engine, built in minutes.
func (s *Session) NewRunner(n int) (*Runner, error) {
	if n < 1 || n > maxBatch {
		return nil, fmt.Errorf("a batch of %d: it can be 1 to %d", n, maxBatch)
	}
	if b := s.file.Batch; b != 0 && b != n {
		return nil, fmt.Errorf("model %s takes %d pictures at a time, not %d: export it with a free batch", s.file.Path, b, n)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, errClosed
	}
	g, err := s.graphFor(n)
	if err != nil {
		return nil, err
	}
	r, err := s.runner(g, n)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), Patience(config.Infer{Provider: s.Provider()}))
	defer cancel()
	if err := r.Run(ctx); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

func (s *Session) graphFor(batch int) (*Graph, error) {
	if g := s.graphs[s.key(batch)]; g != nil {
		return g, nil
	}
	g, err := s.load(batch, s.options)
	if err == nil {
		s.graphs[s.key(batch)] = g
	}
	return g, err
}

func (s *Session) runner(g *Graph, n int) (*Runner, error) {
	r := &Runner{graph: g, batch: n, weight: s.weight()}
	in, out := s.channels()
	err := r.tensors(in, out, int64(n), int64(s.file.Height), int64(s.file.Width))
	if err != nil && g.pinned != "" {
		s.log.Warn().Err(err).Str("provider", string(s.provider)).Msg("pictures are copied to the device the slower way")
		err, g.pinned = r.closeTensors(), ""
		r.inputs, r.outputs = nil, nil
		err = errors.Join(err, r.tensors(in, out, int64(n), int64(s.file.Height), int64(s.file.Width)))
	}
	if err == nil {
		r.call, err = g.newCall()
	}
	if err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

// tensors makes one for each input and output, by their channels.
func (r *Runner) tensors(in, out []int64, n, h, w int64) error {
	for _, list := range []struct {
		channels []int64
		to       *[]*Tensor
	}{{in, &r.inputs}, {out, &r.outputs}} {
		for _, c := range list.channels {
			t, err := r.graph.NewTensor(n, c, h, w)
			if err != nil {
				return err
			}
			*list.to = append(*list.to, t)
		}
	}
	return nil
}

// Batch is n.
func (r *Runner) Batch() int { return r.batch }

// Input is the high-pass pictures, [n,c,h,w], or the pictures themselves,
// [n,3,h,w] BGR 0..1, where the runner is Fused; written between runs.
func (r *Runner) Input() []float32 { return r.inputs[0].Data() }

// Output is the restored pictures, [n,3,h,w], BGR, not clipped; valid until
// the next Run.
func (r *Runner) Output() []float32 { return r.outputs[0].Data() }

// Run waits for the cores that the network takes and restores Input into Output.
// It returns the context's error, between two layers, when ctx ends first;
// Output then holds anything. It allocates nothing where no one waits.
func (r *Runner) Run(ctx context.Context) error {
	start := time.Now()
	err := process.Take(ctx, r.weight)
	r.waited = time.Since(start)
	if err != nil {
		return err
	}
	defer process.Give(r.weight)
	return r.compute(ctx)
}

// Waited is how long the last Run waited for its cores.
func (r *Runner) Waited() time.Duration { return r.waited }

// compute is Run for who has the cores.
func (r *Runner) compute(ctx context.Context) error {
	return r.call.run(ctx, r.inputs, r.outputs)
}

// Close waits for a run under way and frees the buffers; Input and Output are
// gone with them.
func (r *Runner) Close() error {
	var err error
	if r.call != nil {
		err = r.graph.closeCall(r.call)
	}
	return errors.Join(err, r.closeTensors())
}

func (r *Runner) closeTensors() (err error) {
	for _, t := range slices.Concat(r.inputs, r.outputs) {
		err = errors.Join(err, t.Close())
	}
	return err
}
