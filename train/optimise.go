package train

import (
	"context"
	"errors"

	"faird/infer"
	"faird/train/fit"
)

// optimise runs the optimiser to the end of its budget.
func optimise(ctx context.Context, o Options, m *material, b fit.Budget, id fit.Identity, progress func(Progress)) (state *fit.State, err error) {
	step := 0
	if o.Resume != "" {
		if state, err = resume(o.Resume, id); err != nil {
			return nil, err
		}
		step = state.Step
	}
	t, err := o.trainer(fit.Options{
		Network: o.network(), Height: o.Height, Width: o.Width, Batch: o.Batch,
		Budget: b, Schedule: schedules[o.Schedule](o.Rate), Seed: o.Seed,
		Checkpoint: fit.Checkpoint{Path: o.Checkpoint, Every: o.CheckpointEvery, Identity: id},
	}, state)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, t.Close()) }()
	f, err := startFeed(m.source, o.Batch, o.workers(), step)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	err = t.Run(ctx, f, func(p fit.Progress) {
		if p.Unsaved != nil {
			o.Log.Error().Err(p.Unsaved).Msg("checkpoint not written, training goes on")
		}
		progress(Progress{Stage: Training, Done: p.Step, Total: b.Steps, Progress: p})
	})
	if errors.Is(err, fit.ErrUnsaved) && ctx.Err() == nil && !errors.Is(err, fit.ErrDiverged) {
		o.Log.Error().Err(err).Msg("the model is made all the same")
		err = nil
	}
	return t.State(), err
}

// trainer opens the training graph where it is to run: auto is a GPU, or else
// the CPU.
func (o Options) trainer(f fit.Options, state *fit.State) (*fit.Trainer, error) {
	f.Graph = infer.GraphOptions{
		Library: o.Infer.Library, Threads: o.Infer.Threads, CUDA: o.Infer.CUDA, Provider: infer.Provider(o.Infer.Provider),
		Strict: o.Infer.Strict != nil && *o.Infer.Strict,
	}
	if f.Graph.Provider != infer.Auto {
		return fit.New(f, state)
	}
	f.Graph.Provider = infer.CUDA
	t, err := fit.New(f, state)
	if err != nil {
		o.Log.Warn().Err(err).Msg("no GPU to train on, so the CPU does it")
		f.Graph.Provider = infer.CPU
		return fit.New(f, state)
	}
	return t, nil
}
