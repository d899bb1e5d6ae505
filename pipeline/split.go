package pipeline

import (
	"path/filepath"

	"faird/config"
	"faird/infer"
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
