package train

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"faird/infer"
	"faird/model"
	"faird/model/unet"
	"faird/train/fit"
)

// Stages of a training.
const (
	Reading     = "reading"
	Training    = "training"
	Calibrating = "calibrating"
)

// Progress says where a training stands: so many of Total pictures or steps of
// the stage are done. fit's part is filled while the stage is Training.
type Progress struct {
	Stage       string
	Done, Total int // Total is 0 where a time is the budget
	fit.Progress
}

// Run trains, calibrates and returns the finished model; writing it is left to
// the caller. When ctx ends it saves the checkpoint, if one is named, and
// returns the context's error. progress may be nil; it is called from Run's
// goroutine.
func Run(ctx context.Context, o Options, progress func(Progress)) (*model.File, error) {
	if progress == nil {
		progress = func(Progress) {}
	}
	if err := o.Check(); err != nil {
		return nil, err
	}
	m, err := gather(ctx, o, progress)
	if err != nil {
		return nil, err
	}
	state, err := train(ctx, o, m, progress)
	if err != nil {
		return nil, err
	}
	onnx, err := o.network().Inference(state.Weights, o.Height, o.Width)
	if err != nil {
		return nil, err
	}
	spec := model.Spec{Width: o.Width, Height: o.Height, Filter: o.Filter, Scoring: o.Scoring}
	if spec.Training, err = provenance(o, m, state); err != nil {
		return nil, err
	}
	file, err := model.New(onnx, spec)
	if err != nil {
		return nil, err
	}
	return finish(ctx, o, m, file, progress)
}

// train runs the optimiser to the end of its budget.
func train(ctx context.Context, o Options, m *material, progress func(Progress)) (state *fit.State, err error) {
	budget := o.budget(len(m.good))
	id := o.identity(m.source, budget)
	if o.Resume != "" {
		if state, err = fit.Load(o.Resume, id); err != nil {
			return nil, err
		}
	}
	t, err := fit.New(fit.Options{
		Network: o.network(), Height: o.Height, Width: o.Width, Batch: o.Batch,
		Budget: budget, Schedule: fit.PaperSchedule(o.Rate), Seed: o.Seed, Graph: o.graph(),
		Checkpoint: fit.Checkpoint{Path: o.Checkpoint, Every: o.CheckpointEvery, Identity: id},
	}, state)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, t.Close()) }()
	step := 0
	if state != nil {
		step = state.Step
	}
	f, err := startFeed(m.source, o.Batch, o.workers(), step)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	err = t.Run(ctx, f, func(p fit.Progress) {
		if p.Unsaved != nil {
			o.Log.Error().Err(p.Unsaved).Msg("checkpoint not written, training goes on")
		}
		progress(Progress{Stage: Training, Done: p.Step, Total: budget.Steps, Progress: p})
	})
	if err != nil {
		return nil, err
	}
	return t.State(), nil
}

func (o Options) graph() infer.GraphOptions {
	g := infer.GraphOptions{Library: o.Infer.Library, Threads: o.Infer.Threads, CUDA: o.Infer.CUDA}
	if p := infer.Provider(o.Infer.Provider); p != "" && p != infer.Auto {
		g.Provider, g.Strict = p, o.Infer.Strict != nil && *o.Infer.Strict
	}
	return g
}

// origin is the model file's faird.training: where the network came from. It
// holds nothing of the day or the machine, so that the same training makes the
// same file.
type origin struct {
	By        string       `json:"by"`
	Pictures  int          `json:"pictures"`
	HeldBack  int          `json:"held_back"`
	Textures  int          `json:"textures"`
	Steps     int          `json:"steps"`
	Weights   int          `json:"parameters"`
	Procedure fit.Identity `json:"procedure"`
}

func provenance(o Options, m *material, s *fit.State) (json.RawMessage, error) {
	data, err := json.Marshal(origin{
		By: "faird train", Pictures: len(m.good), HeldBack: len(m.held.pool), Textures: len(m.textures),
		Steps: s.Step, Weights: unet.Length(o.network().Parameters()),
		Procedure: o.identity(m.source, o.budget(len(m.good))),
	})
	if err != nil {
		return nil, fmt.Errorf("provenance: %w", err)
	}
	return data, nil
}
