package pipeline

import (
	"context"
	"fmt"
	"sync"

	"github.com/rs/zerolog"

	"faird/config"
	"faird/infer"
	"faird/inspect"
	"faird/model"
	"faird/model/demo"
	"faird/model/trust"
	"faird/pipeline/modelcache"
	"faird/pipeline/tasks"
)

// models loads what stations judge with. A model is the bytes of its file: the
// same file under two paths is loaded once, and a file that was replaced on disk
// is another model.
type models struct {
	infer   config.Infer
	trust   trust.Keys
	log     zerolog.Logger
	cache   *modelcache.Cache[*inspect.Model]
	closing *tasks.Queue                                               // closes inspectors and models
	open    func(context.Context, *model.File) (*inspect.Model, error) // load; replaced by tests

	mu    sync.Mutex   // guards tuner
	tuner *infer.Tuner // nil: the config's threads, or every core, for each run
}

type modelHandle = modelcache.Handle[*inspect.Model]

func newModels(c config.Infer, keys trust.Keys, g *tasks.Group, log zerolog.Logger) *models {
	m := &models{infer: c, trust: keys, log: log, closing: tasks.NewQueue(g)}
	m.cache = modelcache.New[*inspect.Model](g, m.closing, log)
	m.open = m.load
	return m
}

// acquire returns the model in the file at path, which somebody trusted has
// signed, loaded and proved by its golden samples.
func (m *models) acquire(ctx context.Context, path string) (*modelHandle, error) {
	f, err := ReadModel(path)
	if err != nil {
		return nil, err
	}
	if err := m.check(f); err != nil {
		return nil, err
	}
	return m.cache.Acquire(ctx, modelcache.Spec[*inspect.Model]{
		Key: f.Hash, Name: f.Path,
		Load: func(ctx context.Context) (*inspect.Model, error) { return m.open(ctx, f) },
	})
}

// load opens a model and scores its golden samples.
func (m *models) load(ctx context.Context, f *model.File) (*inspect.Model, error) {
	loaded, err := m.openTuned(ctx, f)
	if err != nil {
		return nil, err
	}
	if err := loaded.CheckGolden(ctx); err != nil {
		_ = loaded.Close()
		return nil, err
	}
	return loaded, nil
}

func (m *models) openTuned(ctx context.Context, f *model.File) (*inspect.Model, error) {
	if t := m.currentTuner(); t != nil {
		return inspect.OpenSplit(ctx, f, m.infer, t, m.log)
	}
	return inspect.Open(f, m.infer, m.log)
}

// check looks at the signature of the very bytes that are to be loaded. The
// built-in model is part of the program.
func (m *models) check(f *model.File) error {
	if f.Path == config.DemoModel {
		return nil
	}
	if _, err := m.trust.Check(f.Path, f.Bytes()); err != nil {
		return fmt.Errorf("model %w", err)
	}
	return nil
}

// ReadModel reads the model file at path, or the built-in one for [config.DemoModel].
func ReadModel(path string) (*model.File, error) {
	if path != config.DemoModel {
		return model.Read(path)
	}
	f, err := model.Parse(demo.Model())
	if err != nil {
		return nil, fmt.Errorf("built-in demo model: %w", err)
	}
	f.Path = config.DemoModel
	return f, nil
}
