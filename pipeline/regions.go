package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"gocv.io/x/gocv"

	"faird/inspect"
	"faird/verdict"
)

// several inspects several regions of a frame, each with a model and thresholds
// of its own; the level it is asked for says nothing to it. The part is looked
// for once for all of them.
type several struct {
	aligner *inspect.Aligner // nil: the part is in its place
	parts   []*part
}

// part is one region at work.
type part struct {
	name      string
	inspector *inspect.Inspector
	limits    Thresholds
	view      view
	result    inspect.Result
}

// Inspect judges every region. A picture of which one cannot be judged has no
// verdict. r's score is that of the worst region, its regions are everybody's.
func (s *several) Inspect(ctx context.Context, picture gocv.Mat, _ *float64, r *inspect.Result) error {
	start := time.Now()
	*r = inspect.Result{Regions: r.Regions[:0]}
	if s.aligner != nil {
		found, err := s.aligner.Find(picture)
		if err != nil {
			return err
		}
		r.Alignment = &found
	}
	r.Stages.Prepare = verdict.Millis(time.Since(start))
	for _, p := range s.parts {
		if err := p.inspect(ctx, picture, r.Alignment); err != nil {
			return fmt.Errorf("region %s: %w", p.name, err)
		}
		p.addTo(r)
		r.Brightness += p.result.Brightness / float64(len(s.parts))
	}
	slices.SortStableFunc(r.Regions, func(a, b verdict.Region) int { return cmp.Compare(b.Peak, a.Peak) })
	r.Score = s.worst().result.Score
	return nil
}

func (p *part) inspect(ctx context.Context, picture gocv.Mat, found *inspect.Alignment) error {
	if found == nil {
		return p.inspector.Inspect(ctx, picture, p.limits.Level(), &p.result)
	}
	return p.inspector.InspectAt(ctx, picture, *found, p.limits.Level(), &p.result)
}

func (p *part) addTo(r *inspect.Result) {
	for _, region := range p.result.Regions {
		region.In = p.name
		r.Regions = append(r.Regions, region)
	}
	r.Stages.Wait += p.result.Stages.Wait
	r.Stages.Prepare += p.result.Stages.Prepare
	r.Stages.Restore += p.result.Stages.Restore
	r.Stages.Score += p.result.Stages.Score
}

func (p *part) kind() verdict.Kind {
	return verdict.Judge(p.result.Score, p.limits.Threshold, p.limits.Review)
}

var severity = map[verdict.Kind]int{verdict.Pass: 0, verdict.Review: 1, verdict.Fail: 2}

// worst is the region that decides: of the worst judgement, the one that is
// furthest towards or beyond its threshold.
func (s *several) worst() *part {
	return slices.MaxFunc(s.parts, func(a, b *part) int {
		return cmp.Or(cmp.Compare(severity[a.kind()], severity[b.kind()]),
			cmp.Compare(a.result.Score/a.limits.Threshold, b.result.Score/b.limits.Threshold))
	})
}

// judge makes the verdict on the last picture: the worst region's, and what each
// was judged.
func (s *several) judge(v *verdict.Verdict) {
	worst := s.worst()
	v.Verdict, v.Threshold, v.Review = worst.kind(), &worst.limits.Threshold, worst.limits.Review
	v.Model, v.Provider = worst.view.model, worst.view.provider
	for _, p := range s.parts {
		v.Inspected = append(v.Inspected, verdict.Inspected{
			Region: p.name, Verdict: p.kind(), Score: p.result.Score,
			Threshold: p.limits.Threshold, Review: p.limits.Review, Model: p.view.model,
		})
	}
}

// Look shows the worst region.
func (s *several) Look(picture gocv.Mat) (inspect.Look, error) {
	return s.worst().inspector.Look(picture)
}

// PaintMap draws every region's map, each against its own thresholds.
func (s *several) PaintMap(canvas *gocv.Mat, _ *float64) error {
	var err error
	for _, p := range s.parts {
		err = errors.Join(err, p.inspector.PaintMap(canvas, p.limits.Level()))
	}
	return err
}

// Close closes every region's inspector.
func (s *several) Close() error {
	var err error
	for _, p := range s.parts {
		err = errors.Join(err, p.inspector.Close())
	}
	if s.aligner != nil {
		err = errors.Join(err, s.aligner.Close())
	}
	return err
}

// alignment is where the part lay, where that was looked for.
func alignment(r *inspect.Result) *verdict.Alignment {
	if r.Alignment == nil {
		return nil
	}
	return &verdict.Alignment{X: r.Alignment.Shift.X, Y: r.Alignment.Shift.Y, Match: r.Alignment.Match}
}
