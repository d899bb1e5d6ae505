package quantize

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"faird/inspect"
	"faird/train/calibrate"
)

// hurts is the share of the error that goes with a layer which is worth leaving
// in float32, and mostHurt how many are left so at most.
const (
	hurts    = 0.35
	mostHurt = 2
)

// choose tries the ways that the options leave open.
func (r *run) choose(ctx context.Context) (best Trial, err error) {
	keep := r.options.Float
	if keep == nil {
		all := r.network.Layers()
		keep = []string{all[0], all[len(all)-1]} // little work in them, and the last one's steps would show in every pixel
	}
	ways := []string{r.options.Ranges}
	if r.options.Ranges == Best {
		ways = []string{Percentile, MSE}
	}
	for _, way := range ways {
		if err := r.try(ctx, Trial{Ranges: way, Float: keep}); err != nil {
			return best, err
		}
	}
	best = r.leastError()
	if r.options.Float != nil {
		return best, nil
	}
	return r.spare(ctx, best)
}

// spare leaves layers in float32 that hurt most: each is tried, with the rest as
// they were.
func (r *run) spare(ctx context.Context, best Trial) (Trial, error) {
	for range mostHurt {
		worst, err := r.worstLayer(ctx, best)
		if err != nil || worst.Error > (1-hurts)*best.Error {
			return best, err
		}
		best = worst
	}
	return best, nil
}

// worstLayer is the trial that gains most by leaving one more layer in float32.
func (r *run) worstLayer(ctx context.Context, from Trial) (Trial, error) {
	before := len(r.trials)
	for _, name := range r.network.Layers() {
		if slices.Contains(from.Float, name) {
			continue
		}
		t := Trial{Ranges: from.Ranges, Float: append(slices.Clone(from.Float), name)}
		if err := r.try(ctx, t); err != nil {
			return t, err
		}
	}
	if len(r.trials) == before {
		return from, nil
	}
	return slices.MinFunc(r.trials[before:], byError), nil
}

func byError(a, b Trial) int { return cmp.Compare(a.Error, b.Error) }

func (r *run) leastError() Trial { return slices.MinFunc(r.trials, byError) }

// try measures how far a trial's restored pictures are from float32's.
func (r *run) try(ctx context.Context, t Trial) error {
	file, err := r.write(t)
	if err != nil {
		return err
	}
	pictures := make([]calibrate.Picture, len(r.tried))
	for i, s := range r.tried {
		pictures[i] = s.picture
	}
	var sum float64
	n := 0
	err = r.judgeAll(ctx, file, pictures, "trying "+t.Ranges, func(_ calibrate.Picture, i *inspect.Inspector, _ float64) error {
		sum += meanSquare(i.Restored(), r.tried[n].restored)
		n++
		return nil
	})
	if err == nil && n == 0 {
		err = errors.New("no picture to compare on could be read")
	}
	t.Error = sum / float64(n)
	r.trials = append(r.trials, t)
	return err
}

func meanSquare(a, b []float32) float64 {
	var sum float64
	for i := range a {
		d := float64(a[i]) - float64(b[i])
		sum += d * d
	}
	return sum / float64(len(a))
}
