package pipeline

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"gocv.io/x/gocv"

	"faird/camera"
	"faird/config"
	"faird/verdict"
)

// shown is a frame of one level of grey, taken now.
func shown(t *testing.T, n uint64, level float64) *camera.Frame {
	t.Helper()
	m := gocv.NewMatWithSizeFromScalar(gocv.NewScalar(level, level, level, 0), 40, 40, gocv.MatTypeCV8UC3)
	t.Cleanup(func() { _ = m.Close() })
	return &camera.Frame{Picture: m, Captured: time.Now(), Exposure: verdict.Measured, Sequence: n, Source: fmt.Sprint(n)}
}

// conveyor shows pictures a little apart, numbered on.
type conveyor struct {
	*rig
	n uint64
}

func (c *conveyor) show(levels ...float64) {
	c.t.Helper()
	for _, l := range levels {
		c.n++
		c.source.frames <- shown(c.t, c.n, l)
		time.Sleep(15 * time.Millisecond)
	}
}

const (
	belt = 60.0
	item = 160.0
)

func watching(t *testing.T, mode string, change func(*rig)) *conveyor {
	return &conveyor{rig: newRig(t, mode, func(r *rig) {
		r.conf.Trigger.Change = config.DefaultStation().Trigger.Change
		if change != nil {
			change(r)
		}
	})}
}

func TestEachPartThatEntersHasOneVerdict(t *testing.T) {
	c := watching(t, "change", nil)
	c.show(belt, belt, belt)
	c.silent(50 * time.Millisecond)
	for range 3 {
		first := c.n + 1
		c.show(item, item, item, item, belt, belt, belt)
		v := c.verdict()
		if v.Verdict != verdict.Pass || v.Source != fmt.Sprint(first+1) || v.Trigger != nil {
			t.Errorf("%s %s of picture %s, want the part's second, %d", v.Verdict, v.Detail, v.Source, first+1)
		}
	}
	c.silent(50 * time.Millisecond)
}

func TestDelayFromEnteringToThePicture(t *testing.T) {
	const delay = 100 * time.Millisecond
	c := watching(t, "change", func(r *rig) { r.conf.Trigger.Change.Delay, r.conf.Trigger.Deadline = delay, 5*time.Second })
	c.show(belt, belt, item, item)
	entered := time.Now()
	c.silent(20 * time.Millisecond)
	for range 40 {
		c.show(item)
		select {
		case v := <-c.outlet.verdicts:
			if after := v.Time.Captured.Sub(entered); v.Verdict != verdict.Pass || after < delay-30*time.Millisecond {
				t.Errorf("%s %s, %v after the part came, want %v", v.Verdict, v.Detail, after, delay)
			}
			return
		default:
		}
	}
	t.Error("no verdict")
}

// A part whose picture never comes is answered all the same.
func TestPartWithoutItsPicture(t *testing.T) {
	c := watching(t, "change", func(r *rig) { r.conf.Trigger.Change.Delay = deadline / 2 })
	c.show(belt, belt, item, item)
	if v := c.verdict(); v.Reason != verdict.NoFrame {
		t.Errorf("%s %s %s", v.Verdict, v.Reason, v.Detail)
	}
}

func TestPartsThatCannotBeJudged(t *testing.T) {
	hold := make(chan struct{})
	c := watching(t, "change", func(r *rig) {
		r.inspector.hold, r.inspector.began = hold, make(chan struct{}, 10)
		r.conf.Trigger.Deadline = 30 * time.Second
	})
	c.show(belt, belt, item, item)
	<-c.inspector.began
	c.show(belt, belt, item, item) // while the first is judged
	if v := c.verdict(); v.Reason != verdict.Overrun {
		t.Errorf("the second part: %s %s", v.Verdict, v.Reason)
	}
	close(hold)
	if v := c.verdict(); v.Verdict != verdict.Pass {
		t.Errorf("the first part: %s %s", v.Verdict, v.Reason)
	}
	c.Pause("ann")
	c.show(belt, belt, item, item)
	if v := c.verdict(); v.Reason != verdict.Paused {
		t.Errorf("while paused: %s %s", v.Verdict, v.Reason)
	}
	c.Resume()
	c.breakDown("no model")
	c.show(belt, belt, item, item)
	if v := c.verdict(); v.Reason != verdict.NotReady {
		t.Errorf("without a model: %s %s", v.Verdict, v.Reason)
	}
	c.Trigger(trigger("t-1"))
	if v := c.verdict(); v.Reason != verdict.NotReady || v.Trigger == nil || v.Trigger.ID != "t-1" {
		t.Errorf("a PLC's trigger: %s %s", v.Verdict, v.Reason)
	}
}

func TestDeadCameraWhileWatching(t *testing.T) {
	c := watching(t, "change", nil)
	c.show(belt)
	c.source.lose("unplugged")
	if v := c.verdict(); v.Reason != verdict.CameraLost || v.Detail != "unplugged" {
		t.Errorf("%s %s", v.Reason, v.Detail)
	}
	c.silent(2 * turn)
}

func TestRegionThatThePictureDoesNotHold(t *testing.T) {
	c := watching(t, "change", func(r *rig) { r.conf.Trigger.Change.Region = config.Rect{X: 30, Y: 0, W: 20, H: 20} })
	c.show(belt, belt)
	if v := c.verdict(); v.Reason != verdict.InvalidPicture {
		t.Errorf("%s %s", v.Reason, v.Detail)
	}
	c.silent(50 * time.Millisecond)
}

// TestHardware: every picture is a trigger, also one that comes while another is
// judged, and none for a long time is no fault of a camera that waits.
func TestHardware(t *testing.T) {
	hold := make(chan struct{})
	c := watching(t, "hardware", func(r *rig) {
		r.inspector.hold, r.inspector.began = hold, make(chan struct{}, 10)
		r.conf.Trigger.Deadline = 30 * time.Second
		r.source.status.OnCall = true
	})
	c.silent(2*deadline + turn)
	c.show(item)
	<-c.inspector.began
	c.show(item)
	if v := c.verdict(); v.Reason != verdict.Overrun {
		t.Errorf("the second: %s %s", v.Verdict, v.Reason)
	}
	close(hold)
	if v := c.verdict(); v.Verdict != verdict.Pass || v.Source != "1" {
		t.Errorf("the first: %s %s of picture %s", v.Verdict, v.Reason, v.Source)
	}
	c.show(belt)
	if v := c.verdict(); v.Source != "3" {
		t.Errorf("the third: %s %s of picture %s", v.Verdict, v.Reason, v.Source)
	}
}

// TestChangeOnTheLine is the whole station on the simulated line: every part
// that travels through has one verdict.
func TestChangeOnTheLine(t *testing.T) {
	const parts = 4
	path := writeModel(t, filepath.Join(t.TempDir(), "m.onnx"), 0.5, 10)
	s := config.DefaultStation()
	s.Name, s.Model, s.Camera.URL = "cap", path, "demo://?seed=5&rate=10&defects=0&size=160&gap=6"
	s.Camera.OpenTimeout, s.Camera.ReadTimeout = time.Minute, time.Minute
	s.Trigger.Mode, s.Trigger.Change.Debounce, s.Trigger.Deadline = "change", 1, 20*time.Second
	var seen []uint64
	done := make(chan struct{})
	b := NewBox(Deps{
		Site: "plant1", Box: "edge7", Folder: t.TempDir(), Log: zerolog.Nop(),
		Clock: func() verdict.Clock { return verdict.ClockUnknown },
		Observe: func(v *verdict.Verdict, f *camera.Frame) {
			if len(seen) == parts {
				return
			}
			n := uint64(0)
			if f != nil && f.Truth != nil {
				n = f.Truth.Part
			}
			if seen = append(seen, n); len(seen) == parts {
				close(done)
			}
		},
	}, config.Infer{Provider: "cpu", Threads: 1}, memory{})
	b.Connect(&fakeOutlet{verdicts: make(chan *verdict.Verdict, 1000), repeats: make(chan *verdict.Verdict, 10)})
	t.Cleanup(func() { stopBox(t, b) })
	c := config.Default()
	c.Stations = []config.Station{s}
	if err := b.Apply(context.Background(), &c); err != nil {
		t.Fatal(err)
	}
	select {
	case <-done:
	case <-time.After(3 * time.Minute):
		t.Fatalf("verdicts of parts %v so far", seen)
	}
	stopBox(t, b)
	for i := 1; i < len(seen); i++ {
		if seen[i] == 0 || seen[i] <= seen[i-1] {
			t.Errorf("verdicts of parts %v, want each once", seen)
		}
	}
}
