package inspect

import (
	"context"
	"errors"
	"fmt"
	"image"

	"gocv.io/x/gocv"

	"faird/fair"
	"faird/inspect/geometry"
	"faird/inspect/validity"
	"faird/verdict"
)

// Inspector judges the pictures of one camera, one at a time, on one
// goroutine. It owns every buffer, so that a picture costs no allocation of
// its size.
type Inspector struct {
	viewer  *Viewer
	judge   judge
	gate    *validity.Gate // nil: every picture is worth a score
	regions finder
	upright upright
	lap     lap

	// Of the last picture.
	toCamera geometry.Affine // from the map
	seen     image.Rectangle // camera pixels
}

// Result of one picture. Its Regions keep their memory from picture to picture.
type Result struct {
	Score      float64          // maximum of the anomaly map
	Regions    []verdict.Region // camera pixels; never nil, largest peak first
	Stages     verdict.Stages   // milliseconds; Wait is for cores
	Brightness float64          // mean level 0..255 of what was judged; 0 where no limits are checked
	Alignment  *Alignment       // where the part was found; nil where nothing was looked for
}

// NewInspector makes an inspector. It is an error where the region of interest,
// the ignore mask, the tiles or the reference cannot be.
func (m *Model) NewInspector(o Options) (*Inspector, error) {
	i := &Inspector{upright: newUpright()}
	if err := i.open(m, o); err != nil {
		return nil, errors.Join(err, i.Close())
	}
	return i, nil
}

func (i *Inspector) open(m *Model, o Options) (err error) {
	spec := &m.file.Spec
	if i.viewer, err = NewViewer(o); err != nil {
		return err
	}
	if o.Limits != nil {
		i.gate = validity.NewGate(spec.Width, spec.Height, *o.Limits, o.Frozen)
	}
	mask := gocv.NewMat()
	if o.IgnoreMask != "" {
		_ = mask.Close()
		if mask, err = i.viewer.loadMask(o.IgnoreMask, o.MaxPixels); err != nil {
			return err
		}
	}
	l, err := newLens(spec.Width, spec.Height, m.file.Filter, i.gate)
	if err != nil {
		return errors.Join(err, mask.Close())
	}
	if o.Tiles != nil {
		i.judge, err = newTiled(m, l, *o.Tiles, mask, i.viewer.size())
		return err
	}
	i.judge, err = newEntire(m, l, mask)
	return errors.Join(err, mask.Close())
}

// Inspect judges a picture: 8-bit BGR, or 8-bit grey, or 16-bit of either,
// which is divided by 257. Regions are the parts of the map at or above level;
// nil asks for none. Errors about the picture wrap ErrPicture; others are the
// network's, the machine's or the context's. After an error r and the views
// hold nothing of use.
func (i *Inspector) Inspect(ctx context.Context, picture gocv.Mat, level *float64, r *Result) error {
	var err error
	if i.lap, err = newLap(ctx); err != nil {
		return err
	}
	defer i.lap.rest()
	sight, err := i.viewer.See(picture)
	if err != nil {
		return err
	}
	return i.inspect(ctx, sight, level, r)
}

// InspectAt is Inspect for a part that was found already, by an Aligner that
// several inspectors share.
func (i *Inspector) InspectAt(ctx context.Context, picture gocv.Mat, found Alignment, level *float64, r *Result) error {
	var err error
	if i.lap, err = newLap(ctx); err != nil {
		return err
	}
	defer i.lap.rest()
	sight, err := i.viewer.see(picture, found.Shift)
	if err != nil {
		return err
	}
	sight.Alignment = &found
	return i.inspect(ctx, sight, level, r)
}

func (i *Inspector) inspect(ctx context.Context, s Sight, level *float64, r *Result) error {
	defer s.Part.Close()
	score, err := i.judge.judge(ctx, s.Part, &i.lap)
	if err != nil {
		return err
	}
	i.toCamera, i.seen = i.judge.fromMap().Then(s.From.Inverse()), s.Seen
	r.Score, r.Alignment = score, s.Alignment
	if r.Regions = r.Regions[:0]; r.Regions == nil {
		r.Regions = make([]verdict.Region, 0, maxRegions)
	}
	if level != nil && r.Score >= *level {
		r.Regions = i.regions.find(i.judge.maps(), *level, i.toCamera, i.seen, r.Regions)
	}
	if i.gate != nil {
		r.Brightness = i.gate.Brightness()
	}
	i.lap.took(&i.lap.stages.Score)
	r.Stages = i.lap.stages
	return nil
}

// Restore runs the network alone, once more on its newest input: what faird
// bench sets beside the whole way.
func (i *Inspector) Restore(ctx context.Context) error { return i.judge.again(ctx) }

// Map is the smoothed map of the last picture, [h,w] at the model's size or as
// tiles make it up (see MapSize), zero where ignored. It and the other views are
// valid until the next Inspect.
func (i *Inspector) Map() []float32 { return i.judge.maps().smoothed }

// MapSize is that of the last picture's map.
func (i *Inspector) MapSize() (w, h int) {
	m := i.judge.maps()
	return m.w, m.h
}

// Maps is what the last image's anomaly map was made of, [h,w] each; its Lightness
// is nil where the network's device made eq. 10's map itself. Nil with tiles.
func (i *Inspector) Maps() fair.Maps { return i.judge.maps().raw }

// Restored is the network's output for the last picture, [3,h,w] BGR, not
// clipped; nil with tiles.
func (i *Inspector) Restored() []float32 { return i.judge.maps().restored }

// Resized is the last picture at the model's size, [3,h,w] BGR, 0..1; nil with
// tiles.
func (i *Inspector) Resized() []float32 { return i.judge.maps().planes }

// Close frees the buffers. The inspector cannot be used afterwards.
func (i *Inspector) Close() error {
	err := i.upright.close()
	if i.viewer != nil {
		err = errors.Join(err, i.viewer.Close())
	}
	if i.judge != nil {
		err = errors.Join(err, i.judge.close())
	}
	if err != nil {
		return fmt.Errorf("close inspector: %w", err)
	}
	return nil
}
