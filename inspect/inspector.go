package inspect

import (
	"context"
	"errors"
	"fmt"
	"image"
	"math"
	"time"

	"gocv.io/x/gocv"

	"faird/config"
	"faird/fair"
	"faird/fair/highpass"
	"faird/infer"
	"faird/inspect/validity"
	"faird/verdict"
)

// Options say which part of a camera's picture is judged.
type Options struct {
	ROI        *config.Rect // camera pixels; nil is the whole picture
	IgnoreMask string       // picture file as large as the region of interest or the whole picture; non-zero is ignored

	// Limits that a picture must keep to be worth a score; nil: none is checked.
	Limits *validity.Limits
	Frozen time.Duration // how long one picture may come again and again; 0: for ever
}

// Inspector judges the pictures of one camera, one at a time, on one
// goroutine. It owns every buffer, so that a picture costs no allocation of
// its size.
type Inspector struct {
	field    field
	ignore   []byte // [h,w]; nil: everything counts
	scoring  fair.Scoring
	w, h     int
	resizer  *resizer
	gate     *validity.Gate // nil: every picture is worth a score
	planes   []float32      // [3,h,w] BGR 0..1
	grey     gocv.Mat       // [h,w] CV_32F 0..1
	highPass *highpass.HighPass
	runner   *infer.Runner
	scorer   *fair.Scorer
	regions  finder
}

// Result of one picture. Its Regions keep their memory from picture to picture.
type Result struct {
	Score      float64          // maximum of the smoothed map, eq. 10
	Regions    []verdict.Region // camera pixels; never nil, largest peak first
	Stages     verdict.Stages   // Prepare, Restore and Score, in milliseconds
	Brightness float64          // mean level 0..255 of what was judged; 0 where no limits are checked
}

// NewInspector makes an inspector. It is an error where the region of interest
// or the ignore mask cannot be.
func (m *Model) NewInspector(o Options) (*Inspector, error) {
	spec := &m.file.Spec
	i := &Inspector{
		scoring: spec.Scoring, w: spec.Width, h: spec.Height,
		resizer: newResizer(spec.Width, spec.Height),
		planes:  make([]float32, 3*spec.Width*spec.Height),
		grey:    gocv.NewMatWithSize(spec.Height, spec.Width, gocv.MatTypeCV32F),
	}
	if err := i.open(m, o); err != nil {
		return nil, errors.Join(err, i.Close())
	}
	return i, nil
}

func (i *Inspector) open(m *Model, o Options) (err error) {
	if i.field, err = newField(o.ROI); err != nil {
		return err
	}
	if o.IgnoreMask != "" {
		if i.ignore, err = i.field.loadMask(o.IgnoreMask, i.w, i.h); err != nil {
			return err
		}
	}
	if o.Limits != nil {
		i.gate = validity.NewGate(i.w, i.h, *o.Limits, o.Frozen)
	}
	if i.highPass, err = highpass.New(i.h, i.w, m.file.Filter); err != nil {
		return err
	}
	if i.scorer, err = fair.NewScorer(i.h, i.w, i.scoring); err != nil {
		return err
	}
	i.runner, err = m.session.NewRunner(1)
	return err
}

// Inspect judges a picture: 8-bit BGR, or 8-bit grey, or 16-bit of either,
// which is divided by 257. Regions are the parts of the map at or above level;
// nil asks for none. Errors about the picture wrap ErrPicture; others are the
// network's, the machine's or the context's. After an error r and the views
// hold nothing of use.
func (i *Inspector) Inspect(ctx context.Context, picture gocv.Mat, level *float64, r *Result) error {
	start := time.Now()
	bounds, err := i.prepare(picture)
	if err != nil {
		return err
	}
	prepared := time.Now()
	if err := i.runner.Run(ctx); err != nil {
		return fmt.Errorf("network: %w", err)
	}
	restored := time.Now()
	if err := i.score(bounds, level, r); err != nil {
		return err
	}
	if i.gate != nil {
		r.Brightness = i.gate.Brightness()
	}
	r.Stages.Prepare = verdict.Millis(prepared.Sub(start))
	r.Stages.Restore = verdict.Millis(restored.Sub(prepared))
	r.Stages.Score = verdict.Millis(time.Since(restored))
	return nil
}

// Restore runs the network alone, once more on its newest input: what faird
// bench sets beside the whole way.
func (i *Inspector) Restore(ctx context.Context) error { return i.runner.Run(ctx) }

// prepare fills the runner's input and returns the judged part of the picture.
func (i *Inspector) prepare(picture gocv.Mat) (image.Rectangle, error) {
	bounds, err := i.field.bounds(picture)
	if err != nil {
		return bounds, err
	}
	part := picture.Region(bounds)
	defer part.Close()
	bgr, err := i.resizer.resize(part)
	if err != nil {
		return bounds, err
	}
	if err := i.worth(bgr, bounds.Size()); err != nil {
		return bounds, err
	}
	grey, err := i.grey.DataPtrFloat32()
	if err != nil {
		return bounds, err
	}
	fair.Planes(bgr, i.planes, grey)
	return bounds, i.highPass.Apply(i.grey, i.runner.Input())
}

func (i *Inspector) score(bounds image.Rectangle, level *float64, r *Result) error {
	r.Score = i.scorer.Score(i.planes, i.runner.Output(), i.ignore)
	if r.Regions = r.Regions[:0]; r.Regions == nil {
		r.Regions = make([]verdict.Region, 0, maxRegions)
	}
	if math.IsNaN(r.Score) {
		return errors.New("network: it returned values that are not finite numbers: the model file or the provider is broken")
	}
	if level != nil && r.Score >= *level {
		r.Regions = i.regions.find(i.maps(), *level, bounds, r.Regions)
	}
	return nil
}

func (i *Inspector) maps() mapSet {
	return mapSet{
		w: i.w, h: i.h, k: i.scoring.K, ignore: i.ignore,
		smoothed: i.scorer.Map(), gradient: i.scorer.Gradient(), colour: i.scorer.Colour(),
	}
}

// Map is the smoothed map of the last picture, [h,w] at the model's size, zero
// where ignored. It and the other views are valid until the next Inspect.
func (i *Inspector) Map() []float32 { return i.scorer.Map() }

// Restored is the network's output for the last picture, [3,h,w] BGR, not clipped.
func (i *Inspector) Restored() []float32 { return i.runner.Output() }

// Resized is the last picture at the model's size, [3,h,w] BGR, 0..1.
func (i *Inspector) Resized() []float32 { return i.planes }

// Close frees the buffers. The inspector cannot be used afterwards.
func (i *Inspector) Close() error {
	err := errors.Join(i.resizer.close(), i.grey.Close())
	if i.highPass != nil {
		err = errors.Join(err, i.highPass.Close())
	}
	if i.scorer != nil {
		i.scorer.Close()
	}
	if i.runner != nil {
		err = errors.Join(err, i.runner.Close())
	}
	return err
}
