package inspect

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gocv.io/x/gocv"

	"faird/infer"
	"faird/inspect/geometry"
	"faird/verdict"
)

// judge compares an inspected picture with its restoration: as a whole, or tile
// by tile. Its views are valid until the next picture.
type judge interface {
	judge(ctx context.Context, part gocv.Mat, t *lap) (score float64, err error)
	maps() *mapSet
	fromMap() geometry.Affine // from the map to the inspected picture
	again(ctx context.Context) error
	close() error
}

// errNotFinite is what a network or a model file deserves, and no picture.
var errNotFinite = errors.New("network: it returned values that are not finite numbers: the model file or the provider is broken")

// lap adds up how long each stage of one picture takes, and holds the processor
// core that the stages beside the network take.
type lap struct {
	last   time.Time
	stages verdict.Stages
	core   bool
}

// newLap waits for a core.
func newLap(ctx context.Context) (l lap, err error) {
	l.last = time.Now()
	err = l.begin(ctx)
	return l, err
}

// begin waits for a core; what that takes is Wait.
func (l *lap) begin(ctx context.Context) error {
	if err := infer.ProcessCores().Take(ctx, 1); err != nil {
		return err
	}
	l.core = true
	l.took(&l.stages.Wait)
	return nil
}

// rest gives the core back, where there is one.
func (l *lap) rest() {
	if l.core {
		infer.ProcessCores().Give(1)
	}
	l.core = false
}

// restored notes a run of the network, before which the core was given back, and
// goes on with a core.
func (l *lap) restored(ctx context.Context, r *infer.Runner, err error) error {
	l.last = l.last.Add(r.Waited())
	l.stages.Wait += verdict.Millis(r.Waited())
	l.took(&l.stages.Restore)
	if err != nil {
		return fmt.Errorf("network: %w", err)
	}
	return l.begin(ctx)
}

// took adds the time since the last stage ended.
func (l *lap) took(stage *float64) {
	now := time.Now()
	*stage += verdict.Millis(now.Sub(l.last))
	l.last = now
}
