package training

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/rs/zerolog"

	"faird/config/redact"
	"faird/infer"
	"faird/model"
	"faird/store"
	"faird/train"
)

// Cutter takes out of a camera's picture what the station's model sees of it.
type Cutter interface {
	Cut(station string, picture []byte, each func(region string, tile int, png []byte) error) error
	Close() error
}

// Present is the model that a station uses.
type Present struct {
	File      string // "" where it has several
	Provider  string // that runs it
	Threshold *float64
}

// Settings are what a manager works with.
type Settings struct {
	Folder  string   // of the daemon's data: models go to its folder models
	Program []string // a faird, and what comes before its command
	Library string   // ONNX Runtime's, as config.Infer's
	Config  string   // file, "" where there is none
	Store   *store.Store
	Archive *store.Archive // nil: no pictures are kept, and nothing can be trained on
	Cutter  func() Cutter
	Present func(station string) (Present, error)
	Collect func(station string, n int, every bool)          // has the archive keep the next pictures
	Spare   func(ctx context.Context, each func(spare bool)) // as pipeline.Box's; nil: always
	Log     zerolog.Logger
}

// Errors of an order that cannot be taken.
var (
	ErrBusy    = errors.New("a training is under way: wait for it, or cancel it")
	ErrNothing = errors.New("no training is under way")
	ErrOrder   = errors.New("cannot be trained")
)

// Manager has one job at a time carried out. New makes it, Run works it.
type Manager struct {
	Settings
	dir  string
	wake chan struct{}

	mu     sync.Mutex // guards what follows
	job    *Job
	asked  bool               // to cancel the job
	cancel context.CancelFunc // of the job at work
}

// New takes up the job that was under way when the daemon ended. What cannot be
// read of it is logged: the line does not wait for a training.
func New(s Settings) *Manager {
	s.Log = s.Log.With().Str("part", "training").Logger()
	m := &Manager{Settings: s, dir: filepath.Join(s.Folder, "training"), wake: make(chan struct{}, 1)}
	var err error
	if m.job, err = readJob(m.file()); err != nil {
		s.Log.Error().Err(err).Msg("what the last training was is lost")
	}
	return m
}

// Job is the newest job as it stands, nil where there was none.
func (m *Manager) Job() *Job {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.job == nil {
		return nil
	}
	job := *m.job
	job.Log = slices.Clone(job.Log)
	return &job
}

// Start takes an order over.
func (m *Manager) Start(o Order, who string) (*Job, error) {
	if m.Archive == nil {
		return nil, fmt.Errorf("%w: no pictures are kept: set archive.max_bytes", ErrOrder)
	}
	present, err := m.Present(o.Station)
	if err != nil {
		return nil, err
	}
	if o, err = o.settled(present); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrOrder, err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.job != nil && !m.job.Phase.Ended() {
		return nil, ErrBusy
	}
	if err := m.room(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrOrder, err)
	}
	if err := m.clear(); err != nil {
		return nil, err
	}
	job := &Job{Order: o, ID: ulid.Make().String(), Who: who, Started: time.Now(), Phase: Collecting, Log: []string{}, Precision: precision(present)}
	if err := writeJob(m.file(), job); err != nil {
		return nil, err
	}
	m.job, m.asked = job, false
	copied := *job
	m.nudge()
	return &copied, nil
}

// precision is that of the model to make: 8 bits are for a box that judges on its
// CPU; where a GPU does, it is to run the new model too.
func precision(p Present) string {
	if p.Provider == string(infer.CPU) {
		return train.Auto
	}
	return model.Float32
}

func (m *Manager) nudge() {
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

// Cancel ends the job that is under way.
func (m *Manager) Cancel() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.job == nil || m.job.Phase.Ended() {
		return ErrNothing
	}
	m.asked = true
	if m.cancel != nil {
		m.cancel()
	}
	return nil
}

// Run carries jobs out until ctx ends; one that is under way then goes on at the
// next start.
func (m *Manager) Run(ctx context.Context) error {
	if job := m.Job(); job != nil && !job.Phase.Ended() {
		m.Log.Info().Str("job", job.ID).Msg("the training goes on where it was")
		m.nudge()
	}
	for {
		select {
		case <-m.wake:
			m.work(ctx)
		case <-ctx.Done():
			return nil
		}
	}
}

func (m *Manager) work(ctx context.Context) {
	jobCtx, cancel := context.WithCancel(ctx)
	defer cancel()
	m.mu.Lock()
	m.cancel = cancel
	if m.asked {
		cancel()
	}
	m.mu.Unlock()
	err := m.carryOut(jobCtx)
	m.mu.Lock()
	m.cancel = nil
	m.mu.Unlock()
	if ctx.Err() != nil && err != nil {
		return // it goes on after the restart
	}
	m.end(jobCtx, err)
}

// end writes down how the job ended, and takes away what only it needed.
func (m *Manager) end(ctx context.Context, err error) {
	phase, words := Done, ""
	switch {
	case err != nil && ctx.Err() != nil:
		phase = Cancelled
	case err != nil:
		phase, words = Failed, redact.Text(err.Error())
	}
	if err := m.clear(); err != nil {
		m.Log.Error().Err(err).Msg("the pictures of a training could not be taken away")
	}
	m.update(func(j *Job) { j.Phase, j.Error, j.Ended = phase, words, time.Now() })
	j := m.Job()
	m.Log.Info().Str("job", j.ID).Str("station", j.Station).Str("phase", string(phase)).Str("error", words).Msg("the training has ended")
}

// update changes the job, on disk too.
func (m *Manager) update(change func(*Job)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	change(m.job)
	if err := writeJob(m.file(), m.job); err != nil {
		m.Log.Error().Err(err).Msg("how far the training is could not be written down")
	}
}

// show changes what the page shows of the job, and nothing that has to last.
func (m *Manager) show(change func(*Job)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	change(m.job)
}

func (m *Manager) file() string { return filepath.Join(m.dir, "job.json") }

// clear removes what belongs to a job, but for what is said of it.
func (m *Manager) clear() error {
	entries, err := os.ReadDir(m.dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	for _, e := range entries {
		if e.Name() != filepath.Base(m.file()) {
			err = errors.Join(err, os.RemoveAll(filepath.Join(m.dir, e.Name())))
		}
	}
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

// readAll reads a file of the archive.
func (m *Manager) readAll(p store.Picture, name string) ([]byte, error) {
	in, err := m.Archive.Open(p, name)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	return io.ReadAll(in)
}
