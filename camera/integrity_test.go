package camera

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"gocv.io/x/gocv"

	"faird/camera/fault"
	"faird/config"
	"faird/verdict"
)

// dictated is a source that fills each frame as a test says. n counts the
// frames of one opening from 1.
type dictated struct {
	opening, n int
	fill       func(opening, n int, f *Frame) error
}

func (d *dictated) open(context.Context) error { return nil }

func (d *dictated) read(ctx context.Context, f *Frame) error {
	if !sleep(ctx, time.Millisecond) {
		return ctx.Err()
	}
	d.n++
	f.Captured, f.Exposure = time.Now(), verdict.Estimated
	return d.fill(d.opening, d.n, f)
}

func (d *dictated) close() {}

func dictate(t *testing.T, p plan, fill func(opening, n int, f *Frame) error) *Camera {
	t.Helper()
	openings := 0
	p.every = true // the test sees each frame
	p.source = func(config.Camera, uint64) source {
		openings++
		return &dictated{opening: openings, fill: fill}
	}
	cam := newCamera(withDefaults(config.Camera{
		ReadTimeout: 50 * time.Millisecond, BackoffMin: time.Millisecond, BackoffMax: 4 * time.Millisecond, MaxPixels: 100,
	}), p, nopLog)
	runUntilEnd(t, cam)
	return cam
}

// draw makes the frame's image one of a size.
func draw(f *Frame, cols, rows int) {
	m := gocv.NewMatWithSize(rows, cols, gocv.MatTypeCV8UC3)
	defer m.Close()
	_ = m.CopyTo(&f.mat)
}

// wantFault takes the next frame and checks its fault; "" is none.
func wantFault(t *testing.T, cam *Camera, want verdict.Check) {
	t.Helper()
	f := next(t, cam, time.Time{})
	defer f.Release()
	if got := fault.Of(f.Err); got != want {
		t.Errorf("frame %d: fault %q (%v), want %q", f.Sequence, got, f.Err, want)
	}
	if (want == "") != (f.Err == nil) || f.Picture.Empty() != (want != "") {
		t.Errorf("frame %d: error %v, image empty: %v", f.Sequence, f.Err, f.Picture.Empty())
	}
}

func TestEveryFaultIsCountedAndHandedOutWithoutAnImage(t *testing.T) {
	faults := []error{
		nil, fault.Damaged("scan"), nil, fault.Incomplete("half"), errors.New("of no kind"), fault.Repeated("stalled"), fault.TooLarge("huge"), nil,
	}
	cam := dictate(t, plan{}, func(_, n int, f *Frame) error {
		draw(f, 4, 4)
		if err := faults[(n-1)%len(faults)]; err != nil {
			f.fail(err)
		}
		return nil
	})
	for _, want := range []verdict.Check{
		"", verdict.Damaged, "", verdict.Incomplete, verdict.Damaged, verdict.Repeated, verdict.TooLarge, "",
	} {
		wantFault(t, cam, want)
	}
	got := cam.Status().Faults
	if got.Damaged < 2 || got.Incomplete < 1 || got.Repeated < 1 || got.TooLarge < 1 || got.FormChanged != 0 {
		t.Errorf("%+v", got)
	}
}

func TestSourceReopensWhenItsFormChanges(t *testing.T) {
	for name, change := range map[string]func(f *Frame){
		"size":         func(f *Frame) { draw(f, 8, 6) },
		"pixel format": func(f *Frame) { draw(f, 4, 4); f.evidence.pixels = "yuv422p" },
		"range":        func(f *Frame) { draw(f, 4, 4); f.evidence.pixels = "yuv420p, full range" },
	} {
		t.Run(name, func(t *testing.T) {
			cam := dictate(t, plan{}, func(opening, n int, f *Frame) error {
				if opening > 1 || n > 2 {
					change(f)
				} else {
					draw(f, 4, 4)
					f.evidence.pixels = "yuv420p"
				}
				return nil
			})
			for _, want := range []verdict.Check{"", "", verdict.FormChanged, "", ""} {
				wantFault(t, cam, want)
			}
			if s := cam.Status(); s.Reopened != 1 || s.Faults.FormChanged != 1 || !s.Connected {
				t.Errorf("%+v", s)
			}
		})
	}
}

func TestFilesMayMixForms(t *testing.T) {
	cam := dictate(t, plan{mixed: true}, func(_, n int, f *Frame) error {
		draw(f, 4+n%3, 4)
		return nil
	})
	for range 6 {
		wantFault(t, cam, "")
	}
}

// dated delivers images with the given evidence over and over.
func dated(t *testing.T, list ...evidence) *Camera {
	t.Helper()
	return dictate(t, plan{}, func(_, n int, f *Frame) error {
		draw(f, 4, 4)
		f.evidence = list[(n-1)%len(list)]
		return nil
	})
}

// An image that comes after a newer one is an old one. A clock that was set back
// costs one image.
func TestTimeStampsThatDoNotGrow(t *testing.T) {
	cam := dated(t, evidence{stamp: 7}, evidence{stamp: 7}, evidence{stamp: 8}, evidence{stamp: 9}, evidence{stamp: 8}, evidence{stamp: 9}, evidence{}, evidence{stamp: 10})
	for _, want := range []verdict.Check{"", verdict.Repeated, "", "", verdict.Repeated, "", "", ""} {
		wantFault(t, cam, want)
	}
}

// Numbers may wrap around: those of a GigE Vision camera have 16 bits.
func TestNumberThatComesTwice(t *testing.T) {
	cam := dated(t, evidence{number: 65534}, evidence{number: 65534}, evidence{number: 65535}, evidence{number: 1})
	for _, want := range []verdict.Check{"", verdict.Repeated, "", ""} {
		wantFault(t, cam, want)
	}
}

func TestTooLargeAndEmptyImages(t *testing.T) {
	cam := dictate(t, plan{mixed: true}, func(_, n int, f *Frame) error {
		switch n {
		case 1:
			draw(f, 10, 10)
		case 2:
			draw(f, 101, 1)
		default:
			_ = f.mat.Close()
			f.mat = gocv.NewMat()
		}
		return nil
	})
	for _, want := range []verdict.Check{"", verdict.TooLarge, verdict.Incomplete} {
		wantFault(t, cam, want)
	}
}

// An image that has arrived may take longer to decode than the camera may be
// silent.
func TestDecodingIsNoSilence(t *testing.T) {
	cam := dictate(t, plan{}, func(opening, n int, f *Frame) error {
		if n == 2 {
			f.received()
			time.Sleep(300 * time.Millisecond) // six read time-outs
		}
		draw(f, 4, 4)
		return nil
	})
	for range 3 {
		wantFault(t, cam, "")
	}
	if s := cam.Status(); s.Abandoned != 0 || s.Reopened != 0 {
		t.Errorf("%+v", s)
	}
}

func TestFormNamesWhatChanged(t *testing.T) {
	cam := dictate(t, plan{}, func(_, n int, f *Frame) error {
		draw(f, 4+n/2, 4)
		return nil
	})
	wantFault(t, cam, "")
	f := next(t, cam, time.Time{})
	defer f.Release()
	if f.Err == nil || !strings.Contains(f.Err.Error(), "5x4") || !strings.Contains(f.Err.Error(), "4x4") {
		t.Errorf("error %v does not name both sizes", f.Err)
	}
}

// The frame that shows why a source is reopened reaches whoever waits for one.
func TestFaultIsHandedOutThoughTheSourceIsLost(t *testing.T) {
	cam := newCamera(withDefaults(config.Camera{BackoffMin: time.Hour, BackoffMax: time.Hour}), plan{source: func(config.Camera, uint64) source {
		return &dictated{fill: func(_, n int, f *Frame) error {
			draw(f, 4*n, 4)
			return nil
		}}
	}}, nopLog)
	runUntilEnd(t, cam)
	eventually(t, cam, "lost", func(s Status) bool { return s.Frames == 2 && !s.Connected })
	wantFault(t, cam, verdict.FormChanged)
}

func TestRefusedLoginIsNotRepeatedAtOnce(t *testing.T) {
	cam := newCamera(withDefaults(config.Camera{BackoffMin: time.Millisecond, BackoffMax: time.Millisecond}), plan{}, nopLog)
	if d := cam.pauseAfter(fmt.Errorf("camera: %w", fault.ErrLogin)); d < loginPause {
		t.Errorf("%v after a refused log-in", d)
	}
	if d := cam.pauseAfter(errors.New("cable")); d > time.Millisecond {
		t.Errorf("%v after a cable fault", d)
	}
}
