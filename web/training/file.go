package training

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// readJob is the job in a file, nil where there is none.
func readJob(path string) (*Job, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("training: %w", err)
	}
	j := &Job{}
	if err := json.Unmarshal(text, j); err != nil {
		return nil, fmt.Errorf("training: %s is not what faird wrote: remove it: %w", path, err)
	}
	return j, nil
}

// writeJob replaces the file in one step.
func writeJob(path string, j *Job) error {
	text, err := json.Marshal(j)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return fmt.Errorf("training: %w", err)
	}
	if err := os.WriteFile(path+".new", text, 0o640); err != nil {
		return fmt.Errorf("training: %w", err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("training: %w", err)
	}
	return nil
}
