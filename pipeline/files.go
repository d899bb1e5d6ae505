package pipeline

import (
	"context"
	"fmt"

	"faird/config"
	"faird/model"
	"faird/model/trust"
	"faird/pipeline/vetting"
)

// files are the model files that one change is about. Each is read once: what is
// decided about a file, and what judges in the end, are the same bytes. It is for one
// goroutine.
type files struct {
	vetter *vetting.Vetter
	trust  trust.Keys
	read   map[string]*modelFile // by path
}

// modelFile is what was read at a path.
type modelFile struct {
	data []byte
	err  error
	file *model.File // nil until somebody asked for it
}

func newFiles(v *vetting.Vetter, keys trust.Keys) *files {
	return &files{vetter: v, trust: keys, read: map[string]*modelFile{}}
}

func (f *files) at(ctx context.Context, path string) *modelFile {
	m := f.read[path]
	if m == nil {
		m = &modelFile{}
		m.data, m.err = f.vetter.ReadBytes(ctx, path)
		f.read[path] = m
	}
	return m
}

// hash is that of the file, whatever is in it and whoever signed it.
func (f *files) hash(ctx context.Context, path string) (string, error) {
	m := f.at(ctx, path)
	if m.err != nil {
		return "", m.err
	}
	return model.HashOf(m.data), nil
}

// model is the file's model. Its signature is checked before anything else. The
// built-in model is part of the program and has none.
func (f *files) model(ctx context.Context, path string) (*model.File, error) {
	m := f.at(ctx, path)
	if m.err != nil || m.file != nil {
		return m.file, m.err
	}
	if path != config.DemoModel {
		if _, err := f.trust.Check(path, m.data); err != nil {
			m.err = fmt.Errorf("model %w", err)
			return nil, m.err
		}
	}
	m.file, m.err = model.ParseAs(path, m.data)
	return m.file, m.err
}
