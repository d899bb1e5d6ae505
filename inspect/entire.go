package inspect

import (
	"context"
	"errors"
	"image"
	"math"

	"gocv.io/x/gocv"

	"faird/inspect/geometry"
)

// entire judges an inspected picture as one, resized to the model's size.
type entire struct {
	lens  *lens
	maker maker
	size  image.Point // of the last picture
	input []float32   // nil: the run filters the picture itself
	set   mapSet
}

func newEntire(m *Model, l *lens, mask gocv.Mat) (_ *entire, err error) {
	spec := &m.file.Spec
	e := &entire{lens: l}
	e.set = mapSet{w: l.w, h: l.h}
	if !mask.Empty() {
		if e.set.ignore, err = shrinkMask(mask, l.w, l.h); err != nil {
			return e, err
		}
	}
	if e.maker, err = newMaker(m, 1); err != nil {
		return e, err
	}
	e.maker.ignore(e.set.ignore)
	if spec.Normal != nil {
		e.maker.normalise(spec.Normal.Field(l.h, l.w), e.set.ignore)
	}
	e.set.planes, e.input = e.maker.buffers(m.file)
	return e, nil
}

func (e *entire) judge(ctx context.Context, part gocv.Mat, t *lap) (float64, error) {
	e.size = image.Pt(part.Cols(), part.Rows())
	if err := e.lens.take(part, e.set.planes, e.input); err != nil {
		return 0, err
	}
	if err := e.lens.worth(e.size); err != nil {
		return 0, err
	}
	t.took(&t.stages.Prepare)
	t.rest()
	if err := t.restored(ctx, e.maker.runner, e.maker.runner.Run(ctx)); err != nil {
		return 0, err
	}
	score := e.maker.score(e.set.planes, e.set.ignore)
	if math.IsNaN(score) {
		return 0, errNotFinite
	}
	return score, nil
}

func (e *entire) maps() *mapSet {
	e.maker.views(&e.set)
	return &e.set
}

func (e *entire) fromMap() geometry.Affine {
	return geometry.Scale(float64(e.size.X)/float64(e.set.w), float64(e.size.Y)/float64(e.set.h))
}

func (e *entire) again(ctx context.Context) error { return e.maker.runner.Run(ctx) }

func (e *entire) close() error {
	return errors.Join(e.lens.close(), e.maker.close())
}
