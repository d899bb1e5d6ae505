package train

import (
	"context"
	"time"

	"faird/model"
	"faird/train/calibrate"
	"faird/train/fit"
	"faird/train/quantize"
)

// Stages of a training.
const (
	Reading     = "reading"
	Training    = "training"
	Calibrating = "calibrating"
	Quantising  = "quantising"
)

// Progress says where a training stands: so many of Total pictures or steps of
// the stage are done. fit's part is filled while the stage is Training.
type Progress struct {
	Stage       string
	Done, Total int // Total is 0 where a time is the budget
	fit.Progress

	Examined *Examined // told once, after the last picture was read
}

// Result is a finished training: the calibrated model, not written yet, with
// what is to be said of its pictures. Broken are those of both folders.
type Result struct {
	calibrate.Outcome
	Examined  Examined          // what there was to learn from
	Pictures  int               // trained on
	Steps     int               // made, over all runs
	Spent     time.Duration     // on them
	Quantised *quantize.Outcome // what 8 bits changed; nil where they were not tried
	Float32   *model.File       // the form that the 8-bit model was made from; nil where the model is in float32
}

// Run trains and calibrates a model; writing it is left to the caller. When ctx
// ends it saves the checkpoint, if one is named, and returns the context's
// error. progress may be nil; it is called from Run's goroutine.
func Run(ctx context.Context, o Options, progress func(Progress)) (*Result, error) {
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
	if o.Preview != "" {
		if _, err := m.preview(o.Preview); err != nil {
			return nil, err
		}
	}
	budget := o.budget(len(m.good))
	id := o.identity(m.source, budget)
	state, err := optimise(ctx, o, m, budget, id, progress)
	if err != nil {
		return nil, err
	}
	onnx, err := o.network().Inference(state.Weights, o.Height, o.Width)
	if err != nil {
		return nil, err
	}
	spec := model.Spec{Width: o.Width, Height: o.Height, Filter: o.Filter, Scoring: o.Scoring}
	if spec.Training, err = provenance(m, state.Step, o.network(), id); err != nil {
		return nil, err
	}
	file, err := model.New(onnx, spec)
	if err != nil {
		return nil, err
	}
	r := &Result{Examined: m.examined, Pictures: len(m.good), Steps: state.Step, Spent: state.Spent}
	if err := r.finish(ctx, o, m, file, progress); err != nil {
		return nil, err
	}
	return r, nil
}
