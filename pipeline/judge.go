package pipeline

import (
	"context"
	"errors"

	"github.com/rs/zerolog"
	"gocv.io/x/gocv"

	"faird/config"
	"faird/inspect"
	"faird/model/trust"
	"faird/pipeline/tasks"
	"faird/verdict"
)

// Judge judges pictures as a station would, regions, geometry, limits and all,
// without its camera and trigger, and without what operators have set. It is
// for one goroutine.
type Judge struct {
	made   *swap
	tasks  *tasks.Group // close what was made
	result inspect.Result
}

// painter draws a map over the picture that was judged last.
type painter interface {
	PaintMap(canvas *gocv.Mat, level *float64) error
}

// NewJudge loads the models that the station's config names; keys are whose they
// may be, nil anybody's.
func NewJudge(ctx context.Context, c config.Station, in config.Infer, keys trust.Keys, log zerolog.Logger) (*Judge, error) {
	c.Validity.Frozen = 0 // the same file may be judged twice
	j := &Judge{tasks: tasks.NewGroup()}
	m := newModels(in, keys, j.tasks, log)
	from := m.files()
	spec, err := specFor(ctx, from, c)
	if err == nil {
		err = spec.missing
	}
	if err != nil {
		return nil, err
	}
	if j.made, err = m.makeSwap(ctx, from, c, spec.configured); err != nil {
		m.cache.Close()
		j.tasks.Wait(ctx)
		return nil, err
	}
	return j, nil
}

// Judge is the verdict on a picture, as far as the picture tells; a picture that
// cannot be judged is a no_read. An error is the network's or the context's.
func (j *Judge) Judge(ctx context.Context, picture gocv.Mat) (*verdict.Verdict, error) {
	v := &verdict.Verdict{Schema: verdict.SchemaV1, Model: j.made.view.model, Provider: j.made.view.provider, Regions: []verdict.Region{}}
	err := j.made.inspector.Inspect(ctx, picture, j.made.limits.Level(), &j.result)
	switch {
	case errors.Is(err, inspect.ErrPicture):
		return invalid(v, err), nil
	case err != nil:
		return nil, err
	}
	j.made.fill(v, &j.made.limits, &j.result)
	return v, nil
}

// PaintMap draws the maps of the picture that was judged last onto a copy of it,
// 8-bit BGR in camera pixels, in false colours up to twice the threshold.
func (j *Judge) PaintMap(canvas *gocv.Mat) error {
	return j.made.inspector.(painter).PaintMap(canvas, j.made.limits.Level())
}

// Close closes the models and waits until they are.
func (j *Judge) Close() {
	j.made.close()
	j.tasks.Wait(context.Background())
}

// fill puts the judgement of a picture into its verdict.
func (w *swap) fill(v *verdict.Verdict, limits *Thresholds, r *inspect.Result) {
	score := r.Score
	v.Score = &score
	v.Threshold, v.Review = &limits.Threshold, limits.Review
	v.Verdict = verdict.Judge(score, limits.Threshold, limits.Review)
	if regions, ok := w.inspector.(*several); ok {
		regions.judge(v)
	}
	v.Alignment = alignment(r)
	v.Regions = append([]verdict.Region{}, r.Regions...)
	v.StagesMS = r.Stages
}
