package quantize

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"faird/inspect"
	"faird/train/calibrate"
)

// A layer is left in float32 only for a reason, since it costs time: while the
// scores of good pictures change by more than tolerable on average, the one that
// brings most of it, mostHurt at most.
const (
	tolerable = 0.05
	mostHurt  = 2
)

// choose tries the ways that the options leave open.
func (r *run) choose(ctx context.Context) (best Trial, err error) {
	keep := r.options.Float
	if keep == nil {
		all := r.network.Layers()
		keep = []string{all[0], all[len(all)-1]} // little work in them, and the last one's steps would show in every pixel
	}
	tried := []string{r.options.Ranges}
	if r.options.Ranges == Best {
		tried = ways
	}
	for _, way := range tried {
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

// spare leaves layers in float32 that hurt: each is tried, with the rest as they
// were.
func (r *run) spare(ctx context.Context, best Trial) (Trial, error) {
	for range mostHurt {
		if best.Change <= tolerable {
			break
		}
		better, err := r.oneMore(ctx, best)
		if err != nil || better.Error >= best.Error {
			return best, err
		}
		best = better
	}
	return best, nil
}

// oneMore is the trial that gains most by leaving one more layer in float32.
func (r *run) oneMore(ctx context.Context, from Trial) (Trial, error) {
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
	var errors, changes, scores float64
	n := 0
	err = r.judgeAll(ctx, file, pictures, "trying "+t.Ranges, func(_ calibrate.Picture, i *inspect.Inspector, score float64) error {
		errors += meanSquare(i.Restored(), r.tried[n].restored)
		changes += math.Abs(score - r.tried[n].score)
		scores += r.tried[n].score
		n++
		return nil
	})
	if err == nil && n == 0 {
		err = fmt.Errorf("no picture to compare on could be read")
	}
	t.Error, t.Change = errors/float64(n), changes/scores
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
