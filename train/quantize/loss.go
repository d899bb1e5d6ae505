package quantize

import (
	"context"
	"errors"
	"fmt"
	"math"

	"gocv.io/x/gocv"

	"faird/camera/imagefile"
	"faird/inspect"
	"faird/model"
	"faird/train/calibrate"
)

// Loss is what 8 bits changed.
type Loss struct {
	Correlation float64  `json:"correlation"` // of the scores with float32's, Pearson's, over good pictures and golden samples
	MeanChange  float64  `json:"mean_change"` // mean |difference| of a score, as a share of the threshold
	Changed     []string `json:"changed"`     // golden samples of the float32 model whose verdict is another; never null
}

// loss scores the good pictures and the float model's golden samples with both.
func (r *run) loss(ctx context.Context, outcome *calibrate.Outcome) (Loss, error) {
	l := Loss{Changed: []string{}}
	golden, err := goldenPictures(r.file)
	if err != nil {
		return l, err
	}
	pictures := make([]calibrate.Picture, 0, len(r.tried)+len(golden))
	for _, s := range r.tried {
		pictures = append(pictures, s.picture)
	}
	pictures = append(pictures, golden...)
	before, after := make([]float64, 0, len(pictures)), make([]float64, 0, len(pictures))
	for _, run := range []struct {
		file   *model.File
		scores *[]float64
	}{{r.file, &before}, {outcome.File, &after}} {
		err := r.judgeAll(ctx, run.file, pictures, "comparing scores", func(_ calibrate.Picture, _ *inspect.Inspector, score float64) error {
			*run.scores = append(*run.scores, score)
			return nil
		})
		if err != nil {
			return l, fmt.Errorf("comparing scores: %w", err)
		}
	}
	threshold := outcome.File.Calibration.Threshold
	for i := range before {
		l.MeanChange += math.Abs(before[i]-after[i]) / threshold / float64(len(before))
	}
	l.Correlation = correlation(before, after)
	for i := range golden {
		k := len(before) - len(golden) + i
		if was, is := before[k] >= r.file.Calibration.Threshold, after[k] >= threshold; was != is {
			l.Changed = append(l.Changed, fmt.Sprintf("golden sample %d: score %.4f of %.4f was, %.4f of %.4f is", i, before[k], r.file.Calibration.Threshold, after[k], threshold))
		}
	}
	return l, nil
}

// goldenPictures are the samples of a calibrated model; one that is not
// calibrated has no verdicts to compare.
func goldenPictures(file *model.File) (all []calibrate.Picture, err error) {
	if file.Calibration == nil {
		return nil, nil
	}
	d, picture := imagefile.NewDecoder(0), gocv.NewMat()
	defer func() { err = errors.Join(err, d.Close(), picture.Close()) }()
	for i, s := range file.Golden {
		if _, err := d.Decode(s.PNG, &picture); err != nil {
			return nil, fmt.Errorf("golden sample %d: %w", i, err)
		}
		pixels := picture.ToBytes()
		all = append(all, calibrate.Picture{Name: fmt.Sprintf("golden sample %d", i), Read: func() ([]byte, error) { return pixels, nil }})
	}
	return all, nil
}

// correlation is Pearson's; 1 where nothing varies and nothing differs.
func correlation(a, b []float64) float64 {
	var ma, mb float64
	for i := range a {
		ma, mb = ma+a[i]/float64(len(a)), mb+b[i]/float64(len(b))
	}
	var saa, sbb, sab float64
	for i := range a {
		saa, sbb, sab = saa+(a[i]-ma)*(a[i]-ma), sbb+(b[i]-mb)*(b[i]-mb), sab+(a[i]-ma)*(b[i]-mb)
	}
	if saa == 0 || sbb == 0 {
		return 1
	}
	return sab / math.Sqrt(saa*sbb)
}
