package camera

import (
	"fmt"

	"faird/camera/fault"
	"faird/verdict"
)

// integrity decides, for every source, whether an image may be judged: it must
// be new, complete, undamaged, and of the form that its source was opened with.
// A source marks what it could not read with [Frame.fail] and leaves its
// evidence in the frame; the decision is made here and nowhere else.
type integrity struct {
	maxPixels int
	mixed     bool     // files: every image has a form of its own
	form      form     // of the first image; zero: none came yet
	last      evidence // of the newest image
}

// form is what must not change while a source is open.
type form struct {
	width, height int
	pixels        string // pixel format and range, as the source names them
}

func (f form) String() string {
	if f.pixels == "" {
		return fmt.Sprintf("%dx%d", f.width, f.height)
	}
	return fmt.Sprintf("%dx%d %s", f.width, f.height, f.pixels)
}

// evidence is what a source knows of an image beside its pixels. Zero values
// are not known.
type evidence struct {
	pixels string // pixel format and range
	stamp  int64  // the source's own time of the image, in its units
	number int64  // the source's own number of the image, which may wrap around
}

// admit marks the frame where it must not be judged. The error says that the
// source is to be reopened once the frame was handed out.
func (g *integrity) admit(f *Frame) error {
	if f.Err == nil {
		g.check(f)
	}
	if f.Err == nil {
		g.last = f.evidence
		return nil
	}
	if fault.Of(f.Err) == verdict.FormChanged {
		return fmt.Errorf("reopening: %w", f.Err)
	}
	return nil
}

func (g *integrity) check(f *Frame) {
	got := form{f.mat.Cols(), f.mat.Rows(), f.evidence.pixels}
	switch {
	case f.mat.Empty():
		f.fail(fault.Incomplete("the source delivered no pixels"))
	case got.width*got.height > g.maxPixels:
		f.fail(tooLarge(got.width, got.height, g.maxPixels))
	case f.evidence.number != 0 && f.evidence.number == g.last.number:
		f.fail(fault.Repeated("its number %d is that of the image before", f.evidence.number))
	case f.evidence.stamp != 0 && f.evidence.stamp == g.last.stamp:
		f.fail(fault.Repeated("its time stamp %d is that of the image before", f.evidence.stamp))
	case f.evidence.stamp != 0 && f.evidence.stamp < g.last.stamp:
		f.fail(fault.Repeated("its time stamp %d is older than that of the image before, %d", f.evidence.stamp, g.last.stamp))
		g.last.stamp = f.evidence.stamp // a clock that was set back costs one image
	case g.form == form{} || g.mixed:
		g.form = got
	case g.form != got:
		f.fail(fault.FormChanged("the source delivers %s and was opened with %s", got, g.form))
	}
}

// tooLarge is an image beyond camera.max_pixels.
func tooLarge(width, height, limit int) error {
	return fault.TooLarge("%dx%d pixels are more than camera.max_pixels, %d: raise it, or set the camera to a smaller size", width, height, limit)
}
