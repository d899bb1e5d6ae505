package calibrate

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"

	"gocv.io/x/gocv"

	"faird/model"
	"faird/train/defect"
)

// tolerances of golden scores, as shares of the threshold: float32 differs
// between processors in the last digits; the rest leave room for 10-bit
// mantissas and 8-bit weights.
var tolerances = map[string]float64{model.Float32: 0.01, model.TF32: 0.03, model.Float16: 0.05, model.Int8: 0.05}

const (
	goldenOfEach = 2  // samples that are good, and that have a defect
	draws        = 16 // synthetic defects tried until one is seen
	lent         = 8  // good pictures that synthetic defects are cut from
)

// golden makes the samples: two typical good pictures, as they are and with a
// synthetic defect each.
func (j *judge) golden(ctx context.Context, o Options, good defect.Pool, threshold float64) ([]model.GoldenSample, error) {
	mix := o.Mix
	mix.Clean, mix.Rotate = 0, 0
	if mix.Texture+mix.CutPaste+mix.Patch+mix.Scar+mix.Erase == 0 {
		mix.Texture = 1
	}
	maker, err := defect.New(j.h, j.w, mix, good, o.Textures)
	if err != nil {
		return nil, err
	}
	random := rand.New(rand.NewPCG(o.Seed, 0x676f6c64656e)) // "golden"
	var samples []model.GoldenSample
	for _, defective := range []bool{false, true} {
		for i := range goldenOfEach {
			pixels := good[i]
			if defective {
				if pixels, err = j.spoil(ctx, maker, random, i, threshold); err != nil {
					return nil, err
				}
			}
			sample, err := j.sample(ctx, pixels, threshold)
			if err != nil {
				return nil, fmt.Errorf("golden sample %d: %w", len(samples), err)
			}
			sample.Defective = defective
			samples = append(samples, sample)
		}
	}
	return samples, nil
}

// spoil puts a synthetic defect on a picture, one that the model sees if some
// draws bring one.
func (j *judge) spoil(ctx context.Context, maker *defect.Maker, random *rand.Rand, index int, threshold float64) ([]byte, error) {
	var s defect.Sample
	var worst []byte
	most := -1.0
	for range draws {
		maker.Make(random, index, &s)
		score, err := j.score(ctx, s.Input)
		if err != nil {
			return nil, err
		}
		if score > most {
			worst, most = slices.Clone(s.Input), score
		}
		if score >= threshold {
			break
		}
	}
	return worst, nil
}

func (j *judge) sample(ctx context.Context, pixels []byte, threshold float64) (s model.GoldenSample, err error) {
	if s.Score, err = j.score(ctx, pixels); err != nil {
		return s, err
	}
	picture, err := gocv.NewMatFromBytes(j.h, j.w, gocv.MatTypeCV8UC3, pixels)
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, picture.Close()) }()
	png, err := gocv.IMEncode(gocv.PNGFileExt, picture)
	if err != nil {
		return s, err
	}
	defer png.Close()
	s.PNG = slices.Clone(png.GetBytes())
	s.Tolerance = map[string]float64{}
	for precision, share := range tolerances {
		s.Tolerance[precision] = share * threshold
	}
	return s, nil
}
