// Package vetting lets nobody run a model file that has not been examined. A file is
// read once, within a deadline; whatever is done afterwards is done with these
// bytes. A child process of the same program, which may die, loads the model and
// scores its golden samples before this process does. The package decides nothing
// about signatures and stations.
package vetting

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/rs/zerolog"

	"faird/config"
	"faird/infer"
	"faird/inspect"
	"faird/model"
	"faird/model/vet"
	"faird/pipeline/tasks"
)

// Limits of an examination.
const (
	readTimeout  = 30 * time.Second // for a file to be read
	childTimeout = 10 * time.Minute // for the child, which gives way to the line
	leaveIn      = 2 * time.Second  // for the child to be gone after it was killed
)

// ErrRefused is wrapped by every error about a model that was examined and must not
// be used, or that could not be examined.
var ErrRefused = vet.ErrRefused

var errChild = errors.New("a process that examines a model has no other examine it")

// Vetter examines model files. Its methods are safe for concurrent use.
type Vetter struct {
	ReadFile    func(path string) ([]byte, error) // model.ReadBytes; replaced by tests
	ReadTimeout time.Duration                     // how long it may take

	tasks   *tasks.Group
	log     zerolog.Logger
	program []string // of the child
	timeout time.Duration
	results *results
}

// New makes a Vetter whose work is tasks of g, which may be nil.
func New(g *tasks.Group, log zerolog.Logger) *Vetter {
	return &Vetter{
		ReadFile: model.ReadBytes, ReadTimeout: readTimeout,
		tasks: g, log: log, program: []string{cmp.Or(os.Getenv(ProgramEnv), self), Command}, timeout: childTimeout, results: ofProcess,
	}
}

// Examine has a child load f with the ONNX Runtime library of the config (see
// [infer.Load]) on the CPU, and score its golden samples. It returns nil where the
// model may be used, at once where that is known. The error wraps [ErrRefused], and
// [inspect.ErrGolden] too where the scores are others than the file's; or the cause
// of ctx, which ends the child. The built-in model is part of the program and
// passes.
func (v *Vetter) Examine(ctx context.Context, f *model.File, c config.Infer) error {
	if f.Path == config.DemoModel {
		return nil
	}
	lib, err := infer.Load(c.Library)
	if err != nil {
		return err
	}
	for {
		e, began := v.results.claim(key{f.Hash, lib.Path, lib.Version})
		if began {
			v.run(ctx, e, f, c, lib)
			return e.err
		}
		select {
		case <-e.done:
		case <-ctx.Done():
			return fmt.Errorf("model %s is still being examined: %w", f.Path, context.Cause(ctx))
		}
		if !e.cut {
			return e.err
		}
	}
}

// run is one examination, for which a seat must be free.
func (v *Vetter) run(ctx context.Context, e *examination, f *model.File, c config.Infer, lib infer.Library) {
	defer close(e.done)
	select {
	case v.results.seats <- struct{}{}:
		defer func() { <-v.results.seats }()
	case <-ctx.Done():
		e.cut, e.err = true, fmt.Errorf("model %s waits to be examined: %w", f.Path, context.Cause(ctx))
		return
	}
	began := time.Now()
	a, err := v.ask(ctx, f, c, lib)
	switch {
	case ctx.Err() != nil:
		e.cut, e.err = true, fmt.Errorf("model %s was not examined to the end: %w", f.Path, context.Cause(ctx))
	case err != nil:
		e.err = refused{fmt.Sprintf("model %s is not used: the process that examined it %v", f.Path, err), ErrRefused}
	case a.Golden:
		e.err = refused{a.Error, inspect.ErrGolden}
	case !a.OK:
		e.err = refused{a.Error, ErrRefused}
	}
	v.log.Info().Str("model", f.Hash).Str("file", f.Path).Dur("took", time.Since(began)).Bool("passed", e.err == nil).Msg("model examined by a process of its own")
}

// refused is what a child said, which names the model.
type refused struct {
	text string
	why  error
}

func (r refused) Error() string { return r.text }

// Is reports whether target is why the model is refused, or ErrRefused.
func (r refused) Is(target error) bool { return target == r.why || target == ErrRefused }
