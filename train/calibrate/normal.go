package calibrate

import (
	"context"
	"fmt"

	"faird/fair"
	"faird/model"
)

// ScoreOf is the kind of score that a model has.
func ScoreOf(file *model.File) string {
	if file.Normal != nil {
		return Normalised
	}
	return Paper
}

// scoredAs is the model with a score of that kind; one that was not normalised is
// measured against nothing, and only its maps are of use.
func scoredAs(file *model.File, normalised bool) *model.File {
	if normalised == (file.Normal != nil) {
		return file
	}
	f := *file
	f.Normal = nil
	if normalised {
		f.Normal = &fair.Normal{W: 1, H: 1}
		for t := range fair.Terms {
			f.Normal.Mean[t], f.Normal.Std[t] = []float32{0}, []float32{1}
		}
	}
	return &f
}

// normalise learns what the maps of the good images look like, and scores each
// image by what those of the other parts look like: by its own it would score less
// than parts to come. part says which part an image shows.
func (r *run) normalise(ctx context.Context, part []int) (*fair.Normal, error) {
	smoother, err := fair.NewSmoother(r.file.Height, r.file.Width, r.file.Scoring)
	if err != nil {
		return nil, err
	}
	images := map[int][]int{}
	for i, p := range part {
		images[p] = append(images[p], i)
	}
	for _, own := range images {
		if err := r.scorePart(ctx, smoother, own); err != nil {
			return nil, err
		}
	}
	return r.learner.Normal()
}

// scorePart scores the images of one part by what those of the other parts look like.
func (r *run) scorePart(ctx context.Context, smoother *fair.Smoother, images []int) error {
	var own []fair.Sample
	for _, i := range images {
		if err := r.rejudge(ctx, i); err != nil {
			return err
		}
		own = append(own, r.learner.Sample(r.judge.maps()))
	}
	others, err := r.learner.Without(own)
	if err != nil {
		return err
	}
	smoother.Normalise(others.Field(r.file.Height, r.file.Width), nil)
	for n, i := range images {
		if len(images) > 1 || n > 0 { // the maps are those of the last image
			if err := r.rejudge(ctx, i); err != nil {
				return err
			}
		}
		r.outcome.Scores[i].Score = smoother.Smooth(r.judge.maps(), nil)
		r.tell()
	}
	return nil
}

// rejudge judges an image once more, for its maps.
func (r *run) rejudge(ctx context.Context, i int) error {
	pixels, err := r.kept[i].Read()
	if err == nil {
		_, err = r.judge.score(ctx, pixels)
	}
	if err != nil {
		return fmt.Errorf("%s: the second time: %w", r.kept[i].Name, err)
	}
	return nil
}
