package inspect

import (
	"context"
	"errors"
	"fmt"

	"github.com/rs/zerolog"

	"faird/config"
	"faird/infer"
	"faird/model"
)

// Model is a model file on a provider. Any number of inspectors, each on a
// goroutine of its own, share its one copy of the weights.
type Model struct {
	file    *model.File
	session *infer.Session
	log     zerolog.Logger
}

// Load reads the model file and puts it on the provider that the config asks
// for. Close it after the last of its inspectors.
func Load(path string, c config.Infer, log zerolog.Logger) (*Model, error) {
	file, err := model.Read(path)
	if err != nil {
		return nil, err
	}
	return Open(file, c, log)
}

// Open is Load for a model file already in memory.
func Open(file *model.File, c config.Infer, log zerolog.Logger) (*Model, error) {
	session, err := infer.Open(file, c, log)
	if err != nil {
		return nil, fmt.Errorf("model %s: %w", file.Path, err)
	}
	return &Model{file: file, session: session, log: log}, nil
}

// OpenSplit is Open with the split of the cores that is best for the stations
// that the tuner counts, where the network runs on the CPU and the config leaves
// its threads open.
func OpenSplit(ctx context.Context, file *model.File, c config.Infer, t *infer.Tuner, log zerolog.Logger) (*Model, error) {
	m, err := Open(file, c, log)
	if err != nil || c.Threads != 0 || m.Provider() != string(infer.CPU) {
		return m, err
	}
	best := t.Find(ctx, file, c, log)
	if ctx.Err() != nil {
		return nil, errors.Join(fmt.Errorf("model %s: %w", file.Path, context.Cause(ctx)), m.Close())
	}
	if best == m.Split() {
		return m, nil
	}
	if err := m.Close(); err != nil {
		return nil, err
	}
	c.Provider, c.Strict, c.Threads = string(infer.CPU), nil, best.Threads
	return Open(file, c, log)
}

// File is the model file; it must not be changed.
func (m *Model) File() *model.File { return m.file }

// Provider is what really runs the network: "cpu", "cuda" or "tensorrt".
func (m *Model) Provider() string { return m.session.Provider() }

// Split is how the cores are shared among the model's inspectors.
func (m *Model) Split() infer.Split { return m.session.Split() }

// Precision is the arithmetic the network runs in, one of model's names.
func (m *Model) Precision() string { return m.session.Precision() }

// Close lets the network go. Inspectors that are still open keep it in memory
// until they are closed.
func (m *Model) Close() error {
	if err := m.session.Close(); err != nil {
		return fmt.Errorf("model %s: %w", m.file.Path, err)
	}
	return nil
}
