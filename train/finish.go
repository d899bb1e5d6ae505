package train

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/rs/zerolog"

	"faird/model"
	"faird/model/unet"
	"faird/train/calibrate"
	"faird/train/fit"
)

// finish calibrates the model on the pictures held back.
func finish(ctx context.Context, o Options, m *material, file *model.File, progress func(Progress)) (*calibrate.Outcome, error) {
	c := calibrate.Default()
	c.FalseReject, c.Confidence = o.FalseReject, o.Confidence
	c.Mix, c.Textures, c.Seed = o.Mix, m.textures, o.Seed
	c.Infer, c.Log = o.Infer, o.Log.Level(zerolog.ErrorLevel) // what is worth a warning was said of the training
	outcome, err := calibrate.Run(ctx, file, m.held.forCalibration(), c, func(done, total int) {
		progress(Progress{Stage: Calibrating, Done: done, Total: total})
	})
	if err != nil {
		return nil, fmt.Errorf("calibration: %w", err)
	}
	outcome.Broken = m.broken
	return outcome, nil
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

func provenance(m *material, steps int, n unet.Network, id fit.Identity) (json.RawMessage, error) {
	data, err := json.Marshal(origin{
		By: "faird train", Pictures: len(m.good), HeldBack: len(m.held.pool), Textures: len(m.textures),
		Steps: steps, Weights: unet.Length(n.Parameters()), Procedure: id,
	})
	if err != nil {
		return nil, fmt.Errorf("provenance: %w", err)
	}
	return data, nil
}
