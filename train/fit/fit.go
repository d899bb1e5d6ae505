// Package fit trains a network: it runs the training graph step after step on
// batches that somebody else makes, follows the learning-rate schedule, stops
// when the loss is no number, and saves and resumes its whole state. It knows
// nothing of pictures and is free of OpenCV, so that it can be run on a bare
// GPU machine.
package fit

import (
	"context"
	"errors"
	"fmt"
	"time"

	"faird/infer"
	"faird/model/unet"
)

// Options say what is trained and for how long.
type Options struct {
	Network       unet.Network
	Height, Width int // pixels
	Batch         int // pictures a step
	Budget        Budget
	Schedule      Schedule
	Seed          uint64             // of the initial weights
	Graph         infer.GraphOptions // library, provider, threads

	Checkpoint Checkpoint // where the state is saved, if anywhere
}

// Batches are what is trained on. Next fills the high-pass pictures x
// [n, channels, h, w] and the targets y [n, 3, h, w] of one step; steps are
// asked for in order, from the one that training starts at.
type Batches interface {
	Next(ctx context.Context, step int, x, y []float32) error
}

// ErrDiverged says that the loss or the weights are no numbers any more. The
// state is that of the last good checkpoint, or none.
var ErrDiverged = errors.New("training diverged")

// ErrUnsaved says that a training ended and its state could not be saved.
var ErrUnsaved = errors.New("the training is not saved")

// Trainer is a training under way: the graph, the state in C memory and the
// tensors of one batch.
type Trainer struct {
	o       Options
	machine *machine
	step    int           // steps done
	spent   time.Duration // training time before this run and so far
	meter   meter
}

// New opens the training graph and fills the state: with s, or for a new
// training with initial weights if s is nil. Close frees it.
func New(o Options, s *State) (*Trainer, error) {
	if err := o.Budget.check(); err != nil {
		return nil, err
	}
	if s == nil {
		s = &State{Weights: o.Network.Initial(o.Seed)}
		s.Moment1 = make([]float32, len(s.Weights.Parameters))
		s.Moment2 = make([]float32, len(s.Weights.Parameters))
	}
	m, err := newMachine(o)
	if err != nil {
		return nil, err
	}
	if err := m.load(s); err != nil {
		return nil, errors.Join(err, m.close())
	}
	return &Trainer{o: o, machine: m, step: s.Step, spent: s.Spent}, nil
}

// Run trains until the budget is spent and returns nil, or until ctx ends and
// returns its error. Either way the state is whole: that of the last finished
// step, and saved if there is a checkpoint file, or the error wraps ErrUnsaved.
// After ErrDiverged only the saved state is good. report, if not nil, is called after every step.
func (t *Trainer) Run(ctx context.Context, b Batches, report func(Progress)) error {
	begun, before := time.Now(), t.spent
	saver := newSaver(t.o.Checkpoint)
	if err := saver.save(t.State()); err != nil {
		return err // better now than after the first hour
	}
	for !t.o.Budget.done(t.step, t.spent) {
		t.meter.start()
		if err := t.one(ctx, b); err != nil {
			if ctx.Err() == nil {
				return err
			}
			if unsaved := t.saveLast(saver); unsaved != nil {
				return fmt.Errorf("%w; %w", ctx.Err(), unsaved)
			}
			return ctx.Err()
		}
		t.spent = before + time.Since(begun)
		var unsaved error
		if saver.due() {
			unsaved = saver.save(t.State())
		}
		if errors.Is(unsaved, ErrDiverged) {
			return unsaved
		}
		if report != nil {
			report(t.progress(unsaved))
		}
	}
	return t.saveLast(saver)
}

// saveLast saves the state that training ends with.
func (t *Trainer) saveLast(s *saver) error {
	if err := s.save(t.State()); err != nil {
		return fmt.Errorf("%w: %w", ErrUnsaved, err)
	}
	return nil
}

// one is one step: a batch, a run of the graph, a look at the loss.
func (t *Trainer) one(ctx context.Context, b Batches) error {
	m := t.machine
	if err := b.Next(ctx, t.step, m.picture(), m.target()); err != nil {
		return fmt.Errorf("batch of step %d: %w", t.step+1, err)
	}
	t.meter.fed()
	rate := t.o.Schedule(t.o.Budget.part(t.step, t.spent))
	if err := m.run(ctx, rate, t.step+1); err != nil {
		return fmt.Errorf("step %d: %w", t.step+1, err)
	}
	if l := m.losses(); !finite(l) {
		return fmt.Errorf("%w: the loss of step %d is %v", ErrDiverged, t.step+1, l[0])
	}
	m.swap()
	t.step++
	t.meter.stop(m.losses())
	return nil
}

// State is a copy of where training stands.
func (t *Trainer) State() *State {
	s := t.machine.state()
	s.Step, s.Spent = t.step, t.spent
	return s
}

// Close frees the graph and its tensors. Run must have returned.
func (t *Trainer) Close() error { return t.machine.close() }
