package vetting

import (
	"context"
	"fmt"
	"time"

	"faird/config"
	"faird/model"
	"faird/model/demo"
)

// ofDisks are the process's reads: a file that hangs does so whoever reads it.
var ofDisks = newUnderWay()

// Read is [Vetter.ReadBytes] and [model.ParseAs].
func (v *Vetter) Read(ctx context.Context, path string) (*model.File, error) {
	data, err := v.ReadBytes(ctx, path)
	if err != nil {
		return nil, err
	}
	return model.ParseAs(path, data)
}

// ReadBytes reads a model file, or gives the built-in one for [config.DemoModel]. It
// returns when ctx ends, or after ReadTimeout, though the read may go on then; the
// next one of the same file fails at once as long as it does.
func (v *Vetter) ReadBytes(ctx context.Context, path string) ([]byte, error) {
	if path == config.DemoModel {
		return demo.Model(), nil
	}
	one, err := ofDisks.begin(path)
	if err != nil {
		return nil, refused{fmt.Sprintf("model %s: %v", path, err), ErrRefused}
	}
	type result struct {
		data []byte
		err  error
	}
	done := make(chan result, 1)
	v.tasks.Go("reading model "+path, func() {
		data, err := v.ReadFile(path)
		ofDisks.end(one)
		done <- result{data, err}
	})
	late := time.NewTimer(v.ReadTimeout)
	defer late.Stop()
	select {
	case got := <-done:
		return got.data, got.err
	case <-ctx.Done():
		err = fmt.Errorf("model %s is still being read: %w", path, context.Cause(ctx))
	case <-late.C:
		err = refused{fmt.Sprintf("model %s could not be read within %s: check the disk or network share it lies on", path, v.ReadTimeout), ErrRefused}
	}
	ofDisks.abandon(one)
	return nil, err
}
