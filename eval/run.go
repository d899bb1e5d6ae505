package eval

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"faird/inspect"
	"faird/inspect/resemblance"
	"faird/verdict"
)

// tolerated is the share of pictures that may be broken before the set is.
const tolerated = 0.05

// Options of an evaluation.
type Options struct {
	Threshold *float64 // nil: the rates stay unknown
	Review    *float64 // nil: no band of review
	Views     bool     // keep small pictures of each for a report
	MaxPixels int      // of a picture or mask file; 0: the default
}

// Picture is one judged picture.
type Picture struct {
	Item
	Score   float64
	Verdict verdict.Kind // "" without a threshold
	Views   *Views       // nil where not asked for
}

// Evaluation is all that an evaluation found.
type Evaluation struct {
	Figures
	Set      *Set
	Hash     string // "sha256:…" of the set's pictures, masks and labels
	Review   *float64
	Pictures []Picture
	Broken   []error // one for each picture that could not be judged; they count nowhere
	Unmasked int     // defective pictures without a mask where others have one; left out of the pixel figures
}

// Run judges every picture of a set. Broken pictures are left out and named;
// more than 5% of them are an error. Where there are masks, it keeps every map:
// at 256x256 about 1.5 MB a picture at its peak, so that a set of 4,000 takes
// 6 GB; without masks memory does not grow. progress may be nil.
func Run(ctx context.Context, m *inspect.Model, s *Set, o Options, progress func(done, total int)) (_ *Evaluation, err error) {
	inspector, err := m.NewInspector(inspect.Options{})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, inspector.Close()) }()
	file := m.File()
	r := &runner{
		options: o, inspector: inspector, w: file.Width, h: file.Height,
		masked: slices.ContainsFunc(s.Items, func(i Item) bool { return i.Mask != "" }),
		truth:  truth{w: file.Width, h: file.Height},
		digest: newDigest(),
		out:    &Evaluation{Set: s, Review: o.Review},
	}
	for n, item := range s.Items {
		if err := r.take(ctx, item); err != nil {
			return nil, err
		}
		if progress != nil {
			progress(n+1, len(s.Items))
		}
	}
	if err := r.alike.Check(false); err != nil {
		return nil, fmt.Errorf("%s: %w", cmp.Or(file.Path, "model"), err)
	}
	if err := r.finish(); err != nil {
		return nil, fmt.Errorf("data set %s: %w", s.Dir, err)
	}
	r.out.Model, r.out.Hash = file.Hash, r.digest.String()
	return r.out, nil
}

type runner struct {
	options   Options
	inspector *inspect.Inspector
	w, h      int
	masked    bool
	truth     truth
	digest    digest
	out       *Evaluation
	alike     resemblance.Meter // of good pictures to what the network makes of them
	result    inspect.Result
}

// take judges a picture; one that cannot be judged is no error of the run.
func (r *runner) take(ctx context.Context, item Item) error {
	if err := r.digest.add(item); err != nil {
		return fmt.Errorf("picture: %w", err)
	}
	err := r.judge(ctx, item)
	if errors.Is(err, inspect.ErrPicture) {
		r.out.Broken = append(r.out.Broken, err)
		return nil
	}
	return err
}

func (r *runner) judge(ctx context.Context, item Item) (err error) {
	picture, err := inspect.ReadPicture(item.Path, r.options.MaxPixels)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, picture.Close()) }()
	mask, err := r.mask(item)
	if err != nil {
		return err
	}
	if err := r.inspector.Inspect(ctx, picture, nil, &r.result); err != nil {
		return fmt.Errorf("%s: %w", item.Path, err)
	}
	if !item.Defective {
		r.alike.Add(r.inspector.Resized(), r.inspector.Restored())
	}
	p := Picture{Item: item, Score: r.result.Score}
	if t := r.options.Threshold; t != nil {
		p.Verdict = verdict.Judge(p.Score, *t, r.options.Review)
	}
	if r.options.Views {
		if p.Views, err = newViews(r.inspector, picture, mask, r.w, r.h, r.options.Threshold); err != nil {
			return fmt.Errorf("%s: pictures for the report: %w", item.Path, err)
		}
	}
	if mask != nil {
		r.truth.add(r.inspector.Map(), mask)
	} else if r.masked {
		r.out.Unmasked++
	}
	r.out.Pictures = append(r.out.Pictures, p)
	return nil
}

// mask is the true region, nil where it is not known.
func (r *runner) mask(item Item) ([]byte, error) {
	switch {
	case !r.masked:
		return nil, nil
	case !item.Defective:
		return make([]byte, r.w*r.h), nil
	case item.Mask == "":
		return nil, nil
	}
	return readMask(item.Mask, r.w, r.h, r.options.MaxPixels)
}

func (r *runner) finish() (err error) {
	all, broken := len(r.out.Set.Items), len(r.out.Broken)
	if float64(broken) > tolerated*float64(all) {
		return fmt.Errorf("%d of %d pictures cannot be judged, more than %s; the first: %w", broken, all, Percent(tolerated), r.out.Broken[0])
	}
	if r.out.Figures, err = Measure(r.out.Pictures, r.options.Threshold); err != nil {
		return err
	}
	return r.truth.measure(&r.out.Figures)
}
