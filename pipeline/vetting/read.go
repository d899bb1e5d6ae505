package vetting

import (
	"context"
	"fmt"
	"time"

	"faird/config"
	"faird/model"
	"faird/model/demo"
	"faird/pipeline/tasks"
)

// mostStuck bounds the goroutines that wait in reads that do not come back.
const mostStuck = 8

// reading reads model files, of which one may lie on a share that hangs.
type reading struct {
	read    func(path string) ([]byte, error)
	timeout time.Duration
	under   *underWay
}

// diskReading is the process's: a file that hangs does so whoever reads it.
var diskReading = reading{model.ReadBytes, readTimeout, newUnderWay()}

// ReadBytes reads a model file, or gives the built-in one for [config.DemoModel]. The
// read is a task of g, which may be nil. It returns when ctx ends, or after half a
// minute, though the read may go on; the next one of the same file fails at once as
// long as it does.
func ReadBytes(ctx context.Context, g *tasks.Group, path string) ([]byte, error) {
	return diskReading.bytes(ctx, g, path)
}

// Read is [ReadBytes] and [model.ParseAs].
func Read(ctx context.Context, g *tasks.Group, path string) (*model.File, error) {
	data, err := ReadBytes(ctx, g, path)
	if err != nil {
		return nil, err
	}
	return model.ParseAs(path, data)
}

// ReadBytes is [ReadBytes] as a task of the Vetter's group.
func (v *Vetter) ReadBytes(ctx context.Context, path string) ([]byte, error) {
	return v.reading.bytes(ctx, v.tasks, path)
}

func (r reading) bytes(ctx context.Context, g *tasks.Group, path string) ([]byte, error) {
	if path == config.DemoModel {
		return demo.Model(), nil
	}
	one, err := r.under.begin(path)
	if err != nil {
		return nil, refused{fmt.Sprintf("model %s: %v", path, err), ErrRefused}
	}
	type result struct {
		data []byte
		err  error
	}
	done := make(chan result, 1)
	g.Go("reading model "+path, func() {
		data, err := r.read(path)
		r.under.end(one)
		done <- result{data, err}
	})
	late := time.NewTimer(r.timeout)
	defer late.Stop()
	select {
	case got := <-done:
		return got.data, got.err
	case <-ctx.Done():
		err = fmt.Errorf("model %s is still being read: %w", path, context.Cause(ctx))
	case <-late.C:
		err = refused{fmt.Sprintf("model %s could not be read within %s: check the disk or network share it lies on", path, r.timeout), ErrRefused}
	}
	r.under.abandon(one)
	return nil, err
}
