package pipeline

import (
	"context"
	"path/filepath"

	"faird/config"
	"faird/infer"
	"faird/inspect"
	"faird/model"
)

// splitsFile keeps what was measured of models, in the state folder.
const splitsFile = "splits.json"

// crowd says for how many stations the models that are loaded from now on share
// the cores, and whether some judge already.
func (m *models) crowd(c *config.Config, busy bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.tuner.Stations, m.tuner.Busy = len(c.Stations), busy
}

// splitsIn has the models share the cores as was found best, and kept in folder.
// Without it each run takes every core.
func (m *models) splitsIn(folder string) {
	m.tuner = &infer.Tuner{}
	if folder != "" {
		m.tuner.Path = filepath.Join(folder, splitsFile)
	}
}

// openModel puts a model on its provider: on the CPU, where the config leaves the
// threads open, with the split of the cores that is best for the stations.
func (m *models) openModel(ctx context.Context, f *model.File) (*inspect.Model, error) {
	loaded, err := inspect.Open(f, m.infer, m.log)
	if err != nil || m.tuner == nil || m.infer.Threads != 0 || loaded.Provider() != string(infer.CPU) {
		return loaded, err
	}
	best := m.tuner.Find(ctx, f, m.infer, m.log)
	if best == loaded.Split() {
		return loaded, nil
	}
	if err := loaded.Close(); err != nil {
		return nil, err
	}
	c := m.infer
	c.Provider, c.Strict, c.Threads = string(infer.CPU), nil, best.Threads
	return inspect.Open(f, c, m.log)
}
