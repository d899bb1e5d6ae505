package main

import (
	"context"
	"faird/camera/line"
	"faird/inspect"
	"faird/model"
	"fmt"
	"image"

	"gocv.io/x/gocv"
)

// tolerances of a golden score, as shares of the threshold. Float32 differs
// between processors in the last digits only; the rest leave room for 10-bit
// mantissas and 8-bit weights.
var tolerances = map[string]float64{model.Float32: 0.01, model.TF32: 0.03, model.Float16: 0.05, model.Int8: 0.05}

// goldenSamples takes the first two good and the first two defective frames of
// a line of their own, at the model's size.
func goldenSamples(ctx context.Context, inspector *inspect.Inspector, file *model.File) ([]model.GoldenSample, error) {
	l := line.New(line.Options{Seed: goldenSeed, Defects: 0.5})
	defer l.Close()
	frame, small := gocv.NewMat(), gocv.NewMat()
	defer frame.Close()
	defer small.Close()
	var samples []model.GoldenSample
	left := map[bool]int{false: 2, true: 2}
	for n := uint64(0); len(samples) < 4; n++ {
		truth := l.Render(n, &frame)
		if left[truth.Defective] == 0 {
			continue
		}
		left[truth.Defective]--
		if err := gocv.Resize(frame, &small, image.Pt(file.Width, file.Height), 0, 0, gocv.InterpolationLinear); err != nil {
			return nil, err
		}
		sample, err := goldenSample(ctx, inspector, small, file.Calibration.Threshold)
		if err != nil {
			return nil, fmt.Errorf("golden sample %d: %w", len(samples), err)
		}
		sample.Defective = truth.Defective
		samples = append(samples, sample)
	}
	return samples, nil
}

func goldenSample(ctx context.Context, inspector *inspect.Inspector, picture gocv.Mat, threshold float64) (model.GoldenSample, error) {
	var r inspect.Result
	if err := inspector.Inspect(ctx, picture, nil, &r); err != nil {
		return model.GoldenSample{}, err
	}
	png, err := gocv.IMEncode(gocv.PNGFileExt, picture)
	if err != nil {
		return model.GoldenSample{}, err
	}
	defer png.Close()
	sample := model.GoldenSample{PNG: append([]byte(nil), png.GetBytes()...), Score: r.Score, Tolerance: map[string]float64{}}
	for precision, share := range tolerances {
		sample.Tolerance[precision] = share * threshold
	}
	return sample, nil
}
