package pipeline

import (
	"path/filepath"

	"faird/infer"
)

// tuningFile keeps in the state folder what was measured of models.
const tuningFile = "splits.json"

// enableTuning has the models share the cores in the way that was measured to be
// best, and keeps the measurements in folder. Without it each run takes every
// core.
func (m *models) enableTuning(folder string) {
	m.tuner = &infer.Tuner{}
	if folder != "" {
		m.tuner.Path = filepath.Join(folder, tuningFile)
	}
}

// setLoad says for how many stations the models that are loaded from now on share
// the cores, and whether some judge already.
func (m *models) setLoad(stations int, busy bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.tuner.Stations, m.tuner.Busy = stations, busy
}

// currentTuner is the tuner for one load, nil where there is none.
func (m *models) currentTuner() *infer.Tuner {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.tuner == nil {
		return nil
	}
	t := *m.tuner
	return &t
}
