package presence

import (
	"errors"
	"fmt"
	"image"
	"time"

	"gocv.io/x/gocv"

	"faird/camera"
	"faird/config"
)

// Watcher feeds a detector with camera pictures. It owns its buffers and is for
// one goroutine.
type Watcher struct {
	*Detector
	region image.Rectangle // camera pixels; empty: the whole picture
	thin   gocv.Mat
	small  gocv.Mat
	grey   gocv.Mat
}

// NewWatcher makes a watcher; roi is the region where c names none (nil: the
// whole picture). The caller closes it.
func NewWatcher(c config.Change, roi *config.Rect) *Watcher {
	w := &Watcher{Detector: NewDetector(c), thin: gocv.NewMat(), small: gocv.NewMat(), grey: gocv.NewMat()}
	r := c.Region
	if r.W == 0 && roi != nil {
		r = *roi
	}
	w.region = image.Rect(r.X, r.Y, r.X+r.W, r.Y+r.H)
	return w
}

// Look takes the next picture. The error wraps camera.ErrPicture: the picture
// does not hold the region.
func (w *Watcher) Look(picture gocv.Mat, taken time.Time) (Event, error) {
	if picture.Closed() || picture.Empty() {
		return Nothing, fmt.Errorf("%w: it is empty", camera.ErrPicture)
	}
	all := image.Rect(0, 0, picture.Cols(), picture.Rows())
	r := w.region
	if r.Empty() {
		r = all
	}
	if !r.In(all) {
		return Nothing, fmt.Errorf("%w: it is %dx%d, trigger.change.region needs at least %dx%d", camera.ErrPicture, all.Dx(), all.Dy(), r.Max.X, r.Max.Y)
	}
	grey, err := w.points(picture, r)
	if err != nil {
		return Nothing, err
	}
	return w.Add(grey, taken), nil
}

// points is the region as at most 64x64 grey points, each the mean of some
// sixteen places under it: noise and fine patterns fall out, and a large picture
// costs no more than a small one.
func (w *Watcher) points(picture gocv.Mat, r image.Rectangle) ([]byte, error) {
	part := picture.Region(r)
	defer part.Close()
	places := image.Pt(min(4*points, r.Dx()), min(4*points, r.Dy()))
	size := image.Pt(min(points, r.Dx()), min(points, r.Dy()))
	if err := errors.Join(
		gocv.Resize(part, &w.thin, places, 0, 0, gocv.InterpolationLinear),
		gocv.Resize(w.thin, &w.small, size, 0, 0, gocv.InterpolationArea),
	); err != nil {
		return nil, fmt.Errorf("trigger.change: %w", err)
	}
	if w.small.Channels() == 1 {
		return w.bytes(w.small)
	}
	if err := gocv.CvtColor(w.small, &w.grey, gocv.ColorBGRToGray); err != nil {
		return nil, fmt.Errorf("trigger.change: %w", err)
	}
	return w.bytes(w.grey)
}

// bytes is a picture of 8 bits, or the upper eight of 16.
func (w *Watcher) bytes(m gocv.Mat) ([]byte, error) {
	if m.Type() == gocv.MatTypeCV16UC1 {
		if err := m.ConvertToWithParams(&w.grey, gocv.MatTypeCV8U, 1.0/257, 0); err != nil {
			return nil, fmt.Errorf("trigger.change: %w", err)
		}
		m = w.grey
	}
	return m.DataPtrUint8()
}

// Close frees the buffers.
func (w *Watcher) Close() error { return errors.Join(w.thin.Close(), w.small.Close(), w.grey.Close()) }
