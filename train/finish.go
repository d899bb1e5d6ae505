package train

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"

	"github.com/rs/zerolog"

	"faird/infer"
	"faird/model"
	graph "faird/model/quantize"
	"faird/model/unet"
	"faird/train/calibrate"
	"faird/train/fit"
	"faird/train/quantize"
)

// finish calibrates the model on the pictures held back, and brings it to 8 bits
// with them where it is a CPU that runs it.
func (r *Result) finish(ctx context.Context, o Options, m *material, file *model.File, progress func(Progress)) error {
	c := calibrate.Default()
	c.FalseReject, c.Confidence = cmp.Or(o.FalseReject, falseRejectFor(m.held)), o.Confidence
	c.Score = o.Score
	file.Scoring.Scales = calibrate.Scales[o.Score]
	c.Mix, c.Textures, c.Seed = o.Mix, m.textures, o.Seed
	c.Infer, c.Log = o.Infer, o.Log.Level(zerolog.ErrorLevel) // what is worth a warning was said of the training
	good := m.held.forCalibration()
	outcome, err := calibrate.Run(ctx, file, good, c, func(done, total int) {
		progress(Progress{Stage: Calibrating, Done: done, Total: total})
	})
	if err != nil {
		return fmt.Errorf("calibration: %w", err)
	}
	r.Outcome = *outcome
	if o.Precision == Auto && outcome.Provider == string(infer.CPU) {
		if err := r.quantise(ctx, good, c, progress); err != nil {
			return fmt.Errorf("bringing it to 8 bits: %w", err)
		}
	}
	r.Broken = m.broken
	return nil
}

// falseRejectFor is the false-reject rate that a threshold from these images is set
// for where none was asked for: one in as many parts as they show, and no less than
// one in a thousand. A threshold for a far smaller rate is a guess at a tail that nobody has
// seen, so high that hardly a defect reaches it (docs/quality.md).
func falseRejectFor(held *pictures) float64 {
	parts := map[int]bool{}
	for i := range held.pool {
		part := -1 - i
		if held.parts != nil {
			part = held.parts[i]
		}
		parts[part] = true
	}
	return max(1/float64(len(parts)), calibrate.Default().FalseReject)
}

// quantise makes the 8-bit form the model, unless a verdict on a golden sample
// would change.
func (r *Result) quantise(ctx context.Context, good []calibrate.Picture, c calibrate.Options, progress func(Progress)) error {
	q, err := quantize.Run(ctx, r.File, good, quantize.Options{Target: graph.CPU, Ranges: quantize.Best, Options: c}, func(_ string, done, total int) {
		progress(Progress{Stage: Quantising, Done: done, Total: total})
	})
	if err != nil {
		return err
	}
	r.Quantised = q
	if len(q.Loss.Changed) == 0 {
		r.Float32, r.Outcome = r.File, *q.Outcome
	}
	return nil
}

// origin is the model file's faird.training: where the network came from. It
// holds nothing of the day or the machine, so that the same training makes the
// same file.
type origin struct {
	By        string       `json:"by"`
	Pictures  int          `json:"pictures"`
	HeldBack  int          `json:"held_back"`
	Parts     int          `json:"parts"` // that the pictures show, those held back too
	Textures  int          `json:"textures"`
	Steps     int          `json:"steps"`
	Weights   int          `json:"parameters"`
	Procedure fit.Identity `json:"procedure"`
}

func provenance(m *material, steps int, n unet.Network, id fit.Identity) (json.RawMessage, error) {
	data, err := json.Marshal(origin{
		By: "faird train", Pictures: len(m.good), HeldBack: len(m.held.pool), Parts: m.examined.Parts, Textures: len(m.textures),
		Steps: steps, Weights: unet.Length(n.Parameters()), Procedure: id,
	})
	if err != nil {
		return nil, fmt.Errorf("provenance: %w", err)
	}
	return data, nil
}
