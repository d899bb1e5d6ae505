package pipeline

import (
	"context"
	"sync"

	"github.com/rs/zerolog"

	"faird/config"
	"faird/infer"
	"faird/inspect"
	"faird/model"
	"faird/model/trust"
	"faird/pipeline/modelcache"
	"faird/pipeline/tasks"
	"faird/pipeline/vetting"
)

// models loads what stations judge with. A model is the bytes of its file: the
// same file under two paths is loaded once, and a file that was replaced on disk
// is another model.
type models struct {
	infer   config.Infer
	trust   trust.Keys
	vetter  *vetting.Vetter
	log     zerolog.Logger
	cache   *modelcache.Cache[*inspect.Model]
	closing *tasks.Queue                                               // closes inspectors and models
	open    func(context.Context, *model.File) (*inspect.Model, error) // load; replaced by tests

	mu    sync.Mutex   // guards tuner
	tuner *infer.Tuner // nil: the config's threads, or every core, for each run
}

type modelHandle = modelcache.Handle[*inspect.Model]

func newModels(c config.Infer, keys trust.Keys, g *tasks.Group, log zerolog.Logger) *models {
	m := &models{infer: c, trust: keys, vetter: vetting.New(g, log), log: log, closing: tasks.NewQueue(g)}
	m.cache = modelcache.New[*inspect.Model](g, m.closing, log)
	m.open = m.load
	return m
}

// files are for one change.
func (m *models) files() *files { return newFiles(m.vetter, m.trust) }

// acquire returns the model of a file, examined, loaded and proved by its golden
// samples.
func (m *models) acquire(ctx context.Context, f *model.File) (*modelHandle, error) {
	return m.cache.Acquire(ctx, modelcache.Spec[*inspect.Model]{
		Key: f.Hash, Name: f.Path,
		Load: func(ctx context.Context) (*inspect.Model, error) { return m.open(ctx, f) },
	})
}

// load has a model examined, opens it and scores its golden samples.
func (m *models) load(ctx context.Context, f *model.File) (*inspect.Model, error) {
	if err := m.vetter.Examine(ctx, f, m.infer); err != nil {
		return nil, err
	}
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

// ReadModel reads the model file at path, or the built-in one for
// [config.DemoModel], to say something about it: see [vetting.Vetter.ReadBytes].
func ReadModel(path string) (*model.File, error) {
	return vetting.New(nil, zerolog.Nop()).Read(context.Background(), path)
}

// VetModel reads the model file at path to run it, for who runs it without a box:
// see [vetting.Vetter.Examine]. A file that could be read comes with the error too.
func VetModel(ctx context.Context, path string, c config.Infer, log zerolog.Logger) (*model.File, error) {
	v := vetting.New(nil, log)
	f, err := v.Read(ctx, path)
	if err != nil {
		return nil, err
	}
	return f, v.Examine(ctx, f, c)
}
