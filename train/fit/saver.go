package fit

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"time"
)

// saver saves the state when it is time to.
type saver struct {
	Checkpoint
	last time.Time
}

// defaultEvery bounds what a killed process loses.
const defaultEvery = time.Minute

func newSaver(c Checkpoint) *saver {
	if c.Every == 0 {
		c.Every = defaultEvery
	}
	return &saver{Checkpoint: c}
}

func (s *saver) due() bool { return s.Path != "" && time.Since(s.last) >= s.Every }

func (s *saver) save(state *State) error {
	if s.Path == "" {
		return nil
	}
	s.last = time.Now()
	return Save(s.Path, s.Identity, state)
}

// replace writes a file beside path and puts it in path's place once it is on
// disk. What was there stays when anything fails.
func replace(path string, write func(io.Writer) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // gone already when all went well
	err = write(f)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(path))
}

// syncFolder makes the rename survive a power cut.
func syncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
