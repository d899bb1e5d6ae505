package pipeline

import (
	"context"
	"fmt"
	"math"
	"sync"

	"github.com/rs/zerolog"

	"faird/config"
	"faird/infer"
	"faird/inspect"
	"faird/model"
	"faird/model/demo"
	"faird/model/trust"
)

// models keeps one loaded copy of every model that stations use. A model is the
// bytes of its file: the same file under two paths is loaded once, and a file
// that was replaced on disk is another model.
type models struct {
	infer config.Infer
	trust trust.Keys
	log   zerolog.Logger
	tuner *infer.Tuner // nil: the config's threads, or every core, for each run

	mu   sync.Mutex // held while loading too: two stations never load one model twice
	open map[string]*shared
}

type shared struct {
	model *inspect.Model
	users int
}

func newModels(c config.Infer, keys trust.Keys, log zerolog.Logger) *models {
	return &models{infer: c, trust: keys, log: log, open: map[string]*shared{}}
}

// acquire gives the model in the file at path, of somebody who is trusted,
// loaded and proved by its golden samples; release gives it back, and the last one closes it.
func (m *models) acquire(ctx context.Context, path string) (_ *inspect.Model, release func(), _ error) {
	f, err := ReadModel(path)
	if err != nil {
		return nil, nil, err
	}
	if err := m.check(f); err != nil {
		return nil, nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	s, ok := m.open[f.Hash]
	if !ok {
		if s, err = m.load(ctx, f); err != nil {
			return nil, nil, err
		}
		m.open[f.Hash] = s
	}
	s.users++
	return s.model, sync.OnceFunc(func() { m.release(f.Hash) }), nil
}

func (m *models) load(ctx context.Context, f *model.File) (*shared, error) {
	open := inspect.Open
	if m.tuner != nil {
		open = func(f *model.File, c config.Infer, log zerolog.Logger) (*inspect.Model, error) {
			return inspect.OpenSplit(ctx, f, c, m.tuner, log)
		}
	}
	loaded, err := open(f, m.infer, m.log)
	if err != nil {
		return nil, err
	}
	if err := loaded.CheckGolden(ctx); err != nil {
		_ = loaded.Close()
		return nil, err
	}
	return &shared{model: loaded}, nil
}

func (m *models) release(hash string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.open[hash]
	if s.users--; s.users > 0 {
		return
	}
	delete(m.open, hash)
	if err := s.model.Close(); err != nil {
		m.log.Error().Err(err).Str("model", hash).Msg("the model could not be closed")
	}
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

// thresholds says which thresholds are in force for a station: the operator's
// override, else the station's config, else the model's.
func thresholds(c config.Station, f *model.File, override *Thresholds) (Thresholds, error) {
	if override != nil {
		return *override, nil
	}
	var t Thresholds
	switch {
	case c.Threshold != nil:
		t = Thresholds{Threshold: *c.Threshold, Review: c.Review, Origin: "config"}
	case f.Calibration != nil:
		t = Thresholds{Threshold: f.Calibration.Threshold, Review: f.Calibration.Review, Origin: "model"}
		if c.Review != nil {
			t.Review = c.Review
		}
	default:
		return t, fmt.Errorf("station %s: no threshold: model %s is not calibrated and the config names none; "+
			"run faird calibrate, or set stations[].threshold", c.Name, f.Path)
	}
	if err := t.check(); err != nil {
		return t, fmt.Errorf("station %s: %w", c.Name, err)
	}
	return t, nil
}

// check says what is wrong with the thresholds, if anything.
func (t Thresholds) check() error {
	if !(t.Threshold > 0) || math.IsInf(t.Threshold, 0) {
		return fmt.Errorf("threshold %g (from the %s) must be a number above 0", t.Threshold, t.Origin)
	}
	if t.Review != nil && !(*t.Review > 0 && *t.Review < t.Threshold) {
		return fmt.Errorf("review %g must be above 0 and below the threshold %g (from the %s)", *t.Review, t.Threshold, t.Origin)
	}
	return nil
}
