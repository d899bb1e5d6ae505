package train

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/rs/zerolog"
	"gocv.io/x/gocv"

	"faird/inspect"
	"faird/model"
	"faird/train/defect"
	"faird/train/threshold"
)

// finish calibrates the model on the pictures held back and adds its golden
// samples: the file as it will be used, judged the way it will judge.
func finish(ctx context.Context, o Options, m *material, file *model.File, progress func(Progress)) (_ *model.File, err error) {
	loaded, err := inspect.Open(file, o.Infer, o.Log)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, loaded.Close()) }()
	inspector, err := loaded.NewInspector(inspect.Options{})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, inspector.Close()) }()

	j := judge{inspector, o.Width, o.Height}
	var scores []float64
	for i, pixels := range m.held.pool {
		score, err := j.score(ctx, pixels)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m.held.names[i], err)
		}
		scores = append(scores, score)
		progress(Progress{Stage: Calibrating, Done: i + 1, Total: len(m.held.pool)})
	}
	if file.Calibration, err = threshold.Set(scores, o.FalseReject, o.Confidence); err != nil {
		return nil, err
	}
	nameOdd(o.Log, m.held.names, scores)
	if file.Golden, err = j.golden(ctx, m, file.Calibration.Threshold); err != nil {
		return nil, err
	}
	return model.New(file.Bytes(), file.Spec)
}

// nameOdd warns of pictures whose scores are far above the others'.
func nameOdd(log zerolog.Logger, names []string, scores []float64) {
	for _, i := range threshold.Odd(scores) {
		log.Warn().Str("picture", names[i]).Float64("score", scores[i]).Msg("its score is far above the others': is the part good?")
	}
}

// judge scores pictures at the model's size.
type judge struct {
	inspector *inspect.Inspector
	w, h      int
}

func (j judge) score(ctx context.Context, pixels []byte) (float64, error) {
	picture, err := gocv.NewMatFromBytes(j.h, j.w, gocv.MatTypeCV8UC3, pixels)
	if err != nil {
		return 0, err
	}
	defer picture.Close()
	var r inspect.Result
	err = j.inspector.Inspect(ctx, picture, nil, &r)
	return r.Score, err
}

// tolerances of golden scores, as shares of the threshold: float32 differs
// between processors in the last digits; the rest leave room for 10-bit
// mantissas and 8-bit weights.
var tolerances = map[string]float64{model.Float32: 0.01, model.TF32: 0.03, model.Float16: 0.05, model.Int8: 0.05}

// goldenOfEach is how many good and how many defective golden samples there are.
const goldenOfEach = 2

// golden makes the samples that prove the model on another machine: pictures
// held back, as they are and with synthetic defects.
func (j judge) golden(ctx context.Context, m *material, level float64) ([]model.GoldenSample, error) {
	mix := m.mix
	mix.Clean, mix.Rotate = 0, 0
	if mix.Texture+mix.CutPaste+mix.Patch == 0 {
		mix.Texture = 1
	}
	maker, err := defect.New(m.h, m.w, mix, m.held.pool, m.textures)
	if err != nil {
		return nil, err
	}
	r := rand.New(rand.NewPCG(m.seed^goldenStream, 0))
	var samples []model.GoldenSample
	var s defect.Sample
	for i := range 2 * goldenOfEach {
		pixels, defective := m.held.pool[i%goldenOfEach], i >= goldenOfEach
		if defective {
			maker.Make(r, i%goldenOfEach, &s)
			pixels = s.Input
		}
		sample, err := j.sample(ctx, pixels, level)
		if err != nil {
			return nil, fmt.Errorf("golden sample %d: %w", i, err)
		}
		sample.Defective = defective
		samples = append(samples, sample)
	}
	return samples, nil
}

func (j judge) sample(ctx context.Context, pixels []byte, level float64) (s model.GoldenSample, err error) {
	if s.Score, err = j.score(ctx, pixels); err != nil {
		return s, err
	}
	picture, err := gocv.NewMatFromBytes(j.h, j.w, gocv.MatTypeCV8UC3, pixels)
	if err != nil {
		return s, err
	}
	defer picture.Close()
	png, err := gocv.IMEncode(gocv.PNGFileExt, picture)
	if err != nil {
		return s, err
	}
	defer png.Close()
	s.PNG = append([]byte(nil), png.GetBytes()...)
	s.Tolerance = map[string]float64{}
	for precision, share := range tolerances {
		s.Tolerance[precision] = share * level
	}
	return s, nil
}
