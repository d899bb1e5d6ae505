package training

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"faird/model"
	"faird/pipeline/shelf"
)

// logLines that are kept of a training's words.
const logLines = 40

// carryOut does what is left of the job.
func (m *Manager) carryOut(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if m.Job().Phase == Collecting {
		if err := m.gather(ctx, m.Job()); err != nil {
			return err
		}
		m.update(func(j *Job) { j.Phase, j.Progress = Training, Progress{} })
	}
	if m.Job().Phase == Training {
		result, err := m.train(ctx, m.Job())
		if err != nil {
			return err
		}
		m.update(func(j *Job) { j.Phase, j.Progress, j.Result = Evaluating, Progress{}, result })
	}
	c, err := m.compare(ctx, m.Job())
	if err != nil {
		return fmt.Errorf("the model is made, but could not be compared: %w", err)
	}
	m.update(func(j *Job) { j.Comparison = c })
	return nil
}

// train has faird train do it, from its checkpoint where there is one.
func (m *Manager) train(ctx context.Context, j *Job) (*Result, error) {
	made, checkpoint := filepath.Join(m.dir, "model.onnx"), filepath.Join(m.dir, "model.ckpt")
	args := []string{
		"train", "--good", m.good(), "--out", made, "--checkpoint", checkpoint, "--width", strconv.Itoa(j.Width), "--size", j.Size,
		"--workers", "1", "--threads", strconv.Itoa(threads()), "--provider", "cpu", "--precision", cmp.Or(j.Precision, model.Float32), "--progress", "json", "--json",
	}
	if j.Steps > 0 {
		args = append(args, "--steps", strconv.Itoa(j.Steps))
	} else {
		args = append(args, "--time", time.Duration(j.Minutes*float64(time.Minute)).String())
	}
	if m.Library != "" {
		args = append(args, "--library", m.Library)
	}
	if _, err := os.Stat(checkpoint); err == nil {
		args = append(args, "--resume", checkpoint)
	}
	out, err := m.run(ctx, m.heard, args...)
	if err != nil {
		return nil, err
	}
	r := &Result{}
	if err := json.Unmarshal(out, r); err != nil {
		return nil, fmt.Errorf("the training's answer: %w", err)
	}
	r.File, err = m.keep(made, j)
	return r, err
}

// heard takes a line of a training's words.
func (m *Manager) heard(line []byte) {
	var said struct{ Progress *Progress }
	if json.Unmarshal(line, &said) == nil && said.Progress != nil {
		m.show(func(j *Job) { j.Progress = *said.Progress })
		return
	}
	m.show(func(j *Job) { j.Log = append(j.Log, string(line))[max(0, len(j.Log)+1-logLines):] })
}

// Models is the folder of the models that were made on the box.
func (m *Manager) Models() string { return filepath.Join(m.Folder, shelf.Folder) }

// keep puts the model where models are, named by its station and time.
func (m *Manager) keep(made string, j *Job) (string, error) {
	if err := os.MkdirAll(m.Models(), 0o750); err != nil {
		return "", fmt.Errorf("the model cannot be kept: %w", err)
	}
	path := filepath.Join(m.Models(), j.Station+"-"+j.Started.UTC().Format("20060102T150405Z")+".onnx")
	if err := os.Rename(made, path); err != nil {
		return "", fmt.Errorf("the model cannot be kept: %w", err)
	}
	return path, syncFolder(m.Models())
}

// syncFolder puts a folder's names on the disk.
func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
