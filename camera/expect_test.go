package camera

import (
	"context"
	"strings"
	"testing"
	"time"

	"faird/camera/fault"
	"faird/config"
	"faird/verdict"

	"gocv.io/x/gocv"
)

func TestWhatAStreamGivesIsCompared(t *testing.T) {
	s := newMJPEG(t, 20*time.Millisecond)
	cam := start(t, s.url()+"?expect=320x240@50", config.Camera{})
	f := next(t, cam, time.Time{})
	if f.Sequence == 0 || s.sent.Load() <= rateIntervals {
		t.Errorf("picture %d after %d were sent: the rate was not measured", f.Sequence, s.sent.Load())
	}
	f.Release()
	for expect, want := range map[string]string{
		"640x480":    "pictures of 320x240 pixels come and 640x480 were asked for",
		"320x240@10": "pictures a second come and 10 were asked for",
	} {
		cam := start(t, s.url()+"?expect="+expect, config.Camera{})
		st := eventually(t, cam, "refused", func(s Status) bool { return strings.Contains(s.Err, want) })
		if st.Connected || st.Frames != 0 {
			t.Errorf("%s: judged nonetheless: %+v", expect, st)
		}
	}
}

// A camera that changes its format while it runs is lost, not judged.
func TestSizeIsComparedForEveryPicture(t *testing.T) {
	sizes := make(chan int, 3)
	for _, n := range []int{4, 4, 5} {
		sizes <- n
	}
	make := checking(mode{width: 4, height: 4}, func(config.Camera, uint64) source { return resizing(sizes) })
	cam := newCamera(withDefaults(config.Camera{}), plan{every: true, undated: true, source: make}, nopLog)
	runUntilEnd(t, cam)
	for range 2 {
		next(t, cam, time.Time{}).Release()
	}
	eventually(t, cam, "lost", func(s Status) bool { return strings.Contains(s.Err, "5x5") && strings.Contains(s.Err, "4x4") })
}

// resizing is a source whose pictures have the sizes it is sent.
type resizing chan int

func (resizing) open(context.Context) error { return nil }
func (resizing) close()                     {}
func (r resizing) read(ctx context.Context, f *Frame) error {
	select {
	case n := <-r:
		_ = f.mat.Close()
		f.mat = gocv.NewMatWithSize(n, n, gocv.MatTypeCV8UC3)
		f.Captured = time.Now()
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// One late picture says nothing about the rate.
func TestRateIsTheMiddleInterval(t *testing.T) {
	for _, c := range []struct {
		every, hiccup time.Duration
		wrong         bool
	}{
		{40 * time.Millisecond, 0, false},
		{40 * time.Millisecond, 900 * time.Millisecond, false},
		{48 * time.Millisecond, 0, false},
		{80 * time.Millisecond, 0, true},
		{20 * time.Millisecond, 0, true},
	} {
		check, at := checked{want: mode{fps: 25}}, time.Now()
		var err error
		for n := 0; !check.settled && err == nil; n++ {
			if err = check.rate(at, 1); n == 4 {
				at = at.Add(c.hiccup)
			}
			at = at.Add(c.every)
		}
		if (err != nil) != c.wrong {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

// A damaged image of a stream whose size is expected is answered for, and the
// stream goes on.
func TestDamagedImageHasNoSize(t *testing.T) {
	source := &dictated{fill: func(_, n int, f *Frame) error {
		if n == 1 {
			f.fail(fault.Damaged("a slice is missing"))
		} else {
			draw(f, 4, 4)
		}
		return nil
	}}
	check := &checked{source: source, want: mode{width: 4, height: 4}}
	f := newFrame(nil)
	defer f.free()
	for n, want := range []verdict.Check{verdict.Damaged, ""} {
		f.reset()
		if err := check.read(t.Context(), f); err != nil || fault.Of(f.Err) != want {
			t.Errorf("image %d: fault %v, error %v", n+1, f.Err, err)
		}
	}
}
