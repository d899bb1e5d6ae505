package inspect

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	"math"

	"gocv.io/x/gocv"

	"faird/inspect/geometry"
)

// Viewer makes the inspected picture out of a camera's: found, cut out, turned
// and mirrored, in the camera's resolution. What faird collect saves is what an
// Inspector judges, for both see it through a Viewer. It owns its buffers and
// is for one goroutine.
type Viewer struct {
	view    geometry.View // an empty Region is the whole picture
	picture image.Point   // size that the ignore mask asks of the picture; zero: any
	aligner *Aligner      // nil: the part is in its place

	matrix gocv.Mat // 2x3 CV_64F
	held   gocv.Mat // the inspected picture, where it is not a part of the camera's
}

// Sight is a picture through a Viewer.
type Sight struct {
	Part      gocv.Mat        // the inspected picture; whoever got it closes it, before the next one
	From      geometry.Affine // from camera pixels to Part's
	Seen      image.Rectangle // camera pixels that Part shows
	Alignment *Alignment      // nil: nothing was looked for
}

// NewViewer makes a viewer. Masks, tiles and limits are no concern of its.
func NewViewer(o Options) (*Viewer, error) {
	view, err := o.view()
	if err != nil {
		return nil, err
	}
	v := &Viewer{view: view, matrix: gocv.NewMatWithSize(2, 3, gocv.MatTypeCV64F), held: gocv.NewMat()}
	if o.Align != nil {
		if v.aligner, err = NewAligner(*o.Align, o.MaxPixels); err != nil {
			return nil, errors.Join(err, v.Close())
		}
	}
	return v, nil
}

// See gives the inspected picture. Errors about the picture wrap ErrPicture.
func (v *Viewer) See(picture gocv.Mat) (Sight, error) {
	if v.aligner == nil {
		return v.see(picture, geometry.Point{})
	}
	found, err := v.aligner.Find(picture)
	if err != nil {
		return Sight{}, err
	}
	s, err := v.see(picture, found.Shift)
	s.Alignment = &found
	return s, err
}

// see gives the inspected picture of a part that lies off its place by shift. It
// follows by whole pixels: pixels made up in between would smooth each part's
// noise and detail differently, and half a pixel moves no region's edge.
func (v *Viewer) see(picture gocv.Mat, shift geometry.Point) (Sight, error) {
	shift = geometry.Point{X: math.Round(shift.X), Y: math.Round(shift.Y)}
	all, err := v.bounds(picture)
	if err != nil {
		return Sight{}, err
	}
	view := v.view
	if view.Region.Empty() {
		view.Region = all
	}
	s := Sight{From: view.From(shift), Seen: view.Seen(shift)}
	if !s.Seen.In(all) {
		return s, beyond(s.Seen, all, shift)
	}
	if quarters, exact := view.Quarters(); exact {
		s.Part, err = v.turn(picture, s.Seen, quarters)
	} else {
		s.Part, err = v.warp(picture, s.From, view.Size())
	}
	return s, err
}

// bounds is the whole picture, or why there is none.
func (v *Viewer) bounds(picture gocv.Mat) (image.Rectangle, error) {
	if picture.Closed() || picture.Empty() {
		return image.Rectangle{}, fmt.Errorf("%w: it is empty", ErrPicture)
	}
	all := image.Rect(0, 0, picture.Cols(), picture.Rows())
	if v.picture != (image.Point{}) && all.Size() != v.picture {
		return all, fmt.Errorf("%w: it is %dx%d, the ignore mask is for %dx%d", ErrPicture, all.Dx(), all.Dy(), v.picture.X, v.picture.Y)
	}
	return all, nil
}

func beyond(seen, all image.Rectangle, shift geometry.Point) error {
	if shift == (geometry.Point{}) {
		return fmt.Errorf("%w: it is %dx%d, the region of interest needs at least %dx%d", ErrPicture, all.Dx(), all.Dy(), seen.Max.X, seen.Max.Y)
	}
	return fmt.Errorf("%w: the part lies %g, %g pixels off its place, where the region of interest goes from %d, %d to %d, %d, beyond a picture of %dx%d",
		ErrPicture, shift.X, shift.Y, seen.Min.X, seen.Min.Y, seen.Max.X, seen.Max.Y, all.Dx(), all.Dy())
}

// turn cuts the part out and turns it by quarters: no pixel is changed. What is
// neither turned nor mirrored is not even copied.
func (v *Viewer) turn(picture gocv.Mat, seen image.Rectangle, quarters int) (gocv.Mat, error) {
	part := picture.Region(seen)
	flip := v.view.Flip
	if quarters == 0 && (flip == "" || flip == geometry.Upright) {
		return part, nil
	}
	defer part.Close()
	from := part
	if code, turned := quarterTurns[quarters]; turned {
		if err := gocv.Rotate(part, &v.held, code); err != nil {
			return gocv.Mat{}, fmt.Errorf("rotation: %w", err)
		}
		from = v.held
	}
	if code, mirrored := mirrors[flip]; mirrored {
		if err := gocv.Flip(from, &v.held, code); err != nil {
			return gocv.Mat{}, fmt.Errorf("flip: %w", err)
		}
	}
	return v.all(), nil
}

var (
	quarterTurns = map[int]gocv.RotateFlag{1: gocv.Rotate90Clockwise, 2: gocv.Rotate180Clockwise, 3: gocv.Rotate90CounterClockwise}
	mirrors      = map[geometry.Flip]int{geometry.Horizontal: 1, geometry.Vertical: 0, geometry.Both: -1}
)

// warp makes pixels that lie between the camera's, each out of its four
// neighbours.
func (v *Viewer) warp(picture gocv.Mat, from geometry.Affine, size image.Point) (gocv.Mat, error) {
	if err := setMatrix(&v.matrix, from); err != nil {
		return gocv.Mat{}, err
	}
	if err := gocv.WarpAffineWithParams(picture, &v.held, v.matrix, size, gocv.InterpolationLinear, gocv.BorderReplicate, color.RGBA{}); err != nil {
		return gocv.Mat{}, fmt.Errorf("warp: %w", err)
	}
	return v.all(), nil
}

// setMatrix writes a as OpenCV has it: there a pixel's centre, not its corner,
// has whole coordinates.
func setMatrix(m *gocv.Mat, a geometry.Affine) error {
	a = geometry.Move(0.5, 0.5).Then(a).Then(geometry.Move(-0.5, -0.5))
	values, err := m.DataPtrFloat64()
	if err != nil {
		return err
	}
	copy(values, []float64{a.A, a.B, a.C, a.D, a.E, a.F})
	return nil
}

func (v *Viewer) all() gocv.Mat {
	return v.held.Region(image.Rect(0, 0, v.held.Cols(), v.held.Rows()))
}

// Close frees the buffers.
func (v *Viewer) Close() error {
	err := errors.Join(v.matrix.Close(), v.held.Close())
	if v.aligner != nil {
		err = errors.Join(err, v.aligner.Close())
	}
	return err
}

// size is that of the inspected pictures where it is known without one, else
// zero.
func (v *Viewer) size() image.Point {
	view := v.view
	if view.Region.Empty() {
		view.Region.Max = v.picture
	}
	return view.Size()
}
