package inspect

import (
	"context"
	"errors"
	"image"
	"math"

	"gocv.io/x/gocv"

	"faird/fair"
	"faird/infer"
	"faird/inspect/geometry"
)

// entire judges an inspected picture as one, resized to the model's size.
type entire struct {
	lens   *lens
	runner *infer.Runner
	scorer *fair.Scorer
	size   image.Point // of the last picture
	set    mapSet
}

func newEntire(m *Model, l *lens, mask gocv.Mat) (_ *entire, err error) {
	spec := &m.file.Spec
	e := &entire{lens: l}
	e.set = mapSet{w: l.w, h: l.h, k: spec.Scoring.K, planes: make([]float32, 3*l.w*l.h)}
	if !mask.Empty() {
		if e.set.ignore, err = shrinkMask(mask, l.w, l.h); err != nil {
			return e, err
		}
	}
	if e.scorer, err = fair.NewScorer(l.h, l.w, spec.Scoring); err != nil {
		return e, err
	}
	e.runner, err = m.session.NewRunner(1)
	return e, err
}

func (e *entire) judge(ctx context.Context, part gocv.Mat, t *lap) (float64, error) {
	e.size = image.Pt(part.Cols(), part.Rows())
	if err := e.lens.take(part, e.set.planes, e.runner.Input()); err != nil {
		return 0, err
	}
	if err := e.lens.worth(e.size); err != nil {
		return 0, err
	}
	t.took(&t.stages.Prepare)
	t.rest()
	if err := t.restored(ctx, e.runner, e.runner.Run(ctx)); err != nil {
		return 0, err
	}
	score := e.scorer.Score(e.set.planes, e.runner.Output(), e.set.ignore)
	if math.IsNaN(score) {
		return 0, errNotFinite
	}
	return score, nil
}

func (e *entire) maps() *mapSet {
	e.set.smoothed, e.set.gradient, e.set.colour = e.scorer.Map(), e.scorer.Gradient(), e.scorer.Colour()
	e.set.input, e.set.restored = e.runner.Input(), e.runner.Output()
	return &e.set
}

func (e *entire) fromMap() geometry.Affine {
	return geometry.Scale(float64(e.size.X)/float64(e.set.w), float64(e.size.Y)/float64(e.set.h))
}

func (e *entire) again(ctx context.Context) error { return e.runner.Run(ctx) }

func (e *entire) close() error {
	err := e.lens.close()
	if e.scorer != nil {
		e.scorer.Close()
	}
	if e.runner != nil {
		err = errors.Join(err, e.runner.Close())
	}
	return err
}
