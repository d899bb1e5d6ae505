package calibrate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/rs/zerolog"

	"faird/config"
	"faird/fair"
	"faird/inspect"
	"faird/inspect/resemblance"
	"faird/inspect/validity"
	"faird/model"
	"faird/train/defect"
	"faird/train/examine"
)

// Options of a calibration.
type Options struct {
	FalseReject float64 // share of the good parts that may be rejected, between 0 and 1
	Confidence  float64 // with which that is to hold
	ReviewRate  float64 // share of the good parts that may go to review, above FalseReject; 0: no review
	Force       bool    // calibrate although the pictures score far above the model's own threshold, or a foreign network restores nothing like them
	Distinct    bool    // each picture shows another part, however alike they are
	Score       string  // Normalised, Paper, or "" for what the model has

	Mix      defect.Mix  // synthetic defects of the golden samples
	Textures defect.Pool // for them; may be empty
	Seed     uint64

	Infer config.Infer
	Log   zerolog.Logger
}

// Default is one false reject in a thousand, with 95% confidence.
func Default() Options {
	return Options{FalseReject: 0.001, Confidence: 0.95, Mix: defect.PaperMix(defect.FormPaper), Log: zerolog.Nop()}
}

// Scores that a model can have.
const (
	Paper      = "paper"      // the maximum of eq. 10
	Normalised = "normalised" // what that is made of, measured against good images
)

// Scales of MSGMS that each score is made of: the paper's has two; where every place
// is measured by itself the finest tells most (docs/quality.md).
var Scales = map[string]int{Normalised: 1, Paper: 2}

// Check says what is wrong with the options.
func (o Options) Check() error {
	switch {
	case !(o.FalseReject > 0 && o.FalseReject < 1):
		return fmt.Errorf("false-reject rate %v: choose between 0 and 1, such as 0.001 for one in a thousand", o.FalseReject)
	case !(o.Confidence > 0 && o.Confidence < 1):
		return fmt.Errorf("confidence %v: choose between 0 and 1, such as 0.95", o.Confidence)
	case o.ReviewRate != 0 && !(o.ReviewRate > o.FalseReject && o.ReviewRate < 1):
		return fmt.Errorf("review rate %v: choose above the false-reject rate %v and below 1", o.ReviewRate, o.FalseReject)
	}
	switch o.Score {
	case "", Paper, Normalised:
		return o.Mix.Check()
	}
	return fmt.Errorf("score %q: choose %s or %s", o.Score, Normalised, Paper)
}

// Outcome is a finished calibration.
type Outcome struct {
	File   *model.File     // with its calibration and golden samples; not written
	Scores []Scored        // in the order of the pictures
	Odd    []Scored        // that stand out, highest first: to be looked at
	Broken []error         // one for each picture left out
	Report *examine.Report // what the pictures show; nil where it was known before

	Provider string // that ran the network, one of infer's names
}

// Run scores good pictures as the daemon would, and returns the model with the
// threshold they give and with golden samples. Broken pictures are left out;
// more than 5% of them are an error, as are too few pictures, and pictures of
// which half score above the threshold that the model had. progress may be nil.
func Run(ctx context.Context, file *model.File, good []Picture, o Options, progress func(done, total int)) (_ *Outcome, err error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	if len(good) < Fewest {
		return nil, tooFew(len(good), o.FalseReject, o.Confidence)
	}
	normalised := o.Score == Normalised || o.Score == "" && file.Normal != nil
	r := &run{
		options: o, file: file, good: good, progress: progress, total: len(good),
		meter: validity.NewMeter(file.Width, file.Height),
	}
	if r.judge, err = openJudge(scoredAs(file, normalised), o); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.judge.close()) }()
	if !known(good) {
		r.set = examine.New(file.Width, file.Height)
		r.set.Distinct = o.Distinct
		defer func() { err = errors.Join(err, r.set.Close()) }()
	}
	r.outcome.Provider = r.judge.model.Provider()
	if normalised {
		r.total *= 2
		if r.learner, err = fair.NewLearner(file.Height, file.Width, file.Scoring); err != nil {
			return nil, err
		}
	}
	if err := r.scoreAll(ctx); err != nil {
		return nil, err
	}
	return r.finish(ctx)
}

// run is a calibration under way.
type run struct {
	options  Options
	file     *model.File
	judge    *judge
	meter    *validity.Meter
	alike    resemblance.Meter // of the pictures to what the network makes of them
	set      *examine.Set      // nil: it is known which parts the pictures show
	good     []Picture
	kept     []Picture        // those that could be read
	looks    []validity.Stats // of each of those
	learner  *fair.Learner    // nil: the score is the paper's
	progress func(done, total int)
	done     int
	total    int
	outcome  Outcome
}

// tell counts an image that was scored.
func (r *run) tell() {
	r.done++
	if r.progress != nil {
		r.progress(r.done, r.total)
	}
}

func (r *run) scores() []float64 {
	scores := make([]float64, len(r.outcome.Scores))
	for i, p := range r.outcome.Scores {
		scores[i] = p.Score
	}
	return scores
}

func (r *run) scoreAll(ctx context.Context) error {
	for _, p := range r.good {
		score, look, err := r.scoreOne(ctx, p)
		switch {
		case errors.Is(err, inspect.ErrPicture):
			r.outcome.Broken = append(r.outcome.Broken, err)
		case err != nil:
			return fmt.Errorf("%s: %w", p.Name, err)
		default:
			r.kept, r.looks = append(r.kept, p), append(r.looks, look)
			r.outcome.Scores = append(r.outcome.Scores, Scored{p.Name, score})
		}
		r.tell()
	}
	return TooBroken(r.outcome.Broken, len(r.good))
}

func (r *run) scoreOne(ctx context.Context, p Picture) (score float64, look validity.Stats, err error) {
	pixels, err := p.Read()
	if err != nil {
		return 0, look, err
	}
	if err := r.meter.Add(pixels); err != nil {
		return 0, look, err
	}
	look = r.meter.Take(p.aspect())
	if score, err = r.judge.score(ctx, pixels); err != nil {
		return 0, look, err
	}
	r.alike.Add(r.judge.inspector.Resized(), r.judge.inspector.Restored())
	if r.learner != nil {
		r.learner.Add(r.learner.Sample(r.judge.maps()))
	}
	if r.set != nil {
		err = r.set.Add(p.Name, pixels, p.size())
	}
	return score, look, err
}

func (r *run) finish(ctx context.Context) (_ *Outcome, err error) {
	if err := r.alike.Check(r.file.Plain && !r.options.Force); err != nil {
		return nil, fmt.Errorf("%s: %w", cmp.Or(r.file.Path, "model"), err)
	}
	if err := r.plausible(r.scores()); err != nil {
		return nil, err
	}
	of := r.parts()
	parts := worst(r.scores(), of)
	if len(parts) < Fewest && len(of) > len(parts) {
		return nil, fewParts(len(of), len(parts))
	}
	spec, o := r.file.Spec, r.options
	spec.Normal = nil
	if r.learner != nil {
		if spec.Normal, err = r.normalise(ctx, of); err != nil {
			return nil, err
		}
		parts = worst(r.scores(), of)
	}
	scores := r.scores()
	if spec.Calibration, err = Set(parts, o.FalseReject, o.Confidence, o.ReviewRate); err != nil {
		return nil, err
	}
	if len(scores) > len(parts) {
		spec.Calibration.Images = len(scores)
	}
	spec.Calibration.Look = validity.Learn(r.looks, scores)
	pool, err := r.typical()
	if err != nil {
		return nil, err
	}
	if spec.Golden, err = r.golden(ctx, spec, pool); err != nil {
		return nil, err
	}
	r.outcome.Odd = Odd(r.outcome.Scores)
	r.outcome.File, err = model.New(r.file.Bytes(), spec)
	return &r.outcome, err
}

// golden is the samples of the calibrated model, scored by itself.
func (r *run) golden(ctx context.Context, spec model.Spec, pool defect.Pool) (_ []model.GoldenSample, err error) {
	spec.Golden = nil
	file, err := model.New(r.file.Bytes(), spec)
	if err != nil {
		return nil, err
	}
	j, err := openJudge(file, r.options)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, j.close()) }()
	return j.golden(ctx, r.options, pool, spec.Calibration.Threshold)
}

// plausible refuses pictures that the model, as it was, would mostly reject. It
// cannot tell where the score becomes another.
func (r *run) plausible(scores []float64) error {
	was := r.file.Calibration
	if was == nil || (r.learner != nil) != (r.file.Normal != nil) || r.options.Force || len(scores) == 0 {
		return nil
	}
	if m := examine.Median(scores); m >= was.Threshold {
		return fmt.Errorf("half of these good pictures score %.4f or more, above the model's own threshold %.4f: "+
			"are they good, and of the product it was trained on? Train again for a changed product, or force it", m, was.Threshold)
	}
	return nil
}

// typical is the pictures around the median score, so that no odd one is golden.
func (r *run) typical() (defect.Pool, error) {
	order := make([]int, len(r.kept))
	for i := range order {
		order[i] = i
	}
	scores := r.outcome.Scores
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(scores[a].Score, scores[b].Score) })
	n := min(lent, len(order))
	from := (len(order) - n) / 2
	var pool defect.Pool
	for _, i := range order[from : from+n] {
		pixels, err := r.kept[i].Read()
		if err != nil {
			return nil, err
		}
		pool = append(pool, pixels)
	}
	return pool, nil
}
