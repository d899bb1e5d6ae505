package pipeline

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"faird/inspect"
	"faird/verdict"
)

func TestFreeRunJudgesInOrderAndNumbers(t *testing.T) {
	r := newRig(t, "free", func(r *rig) { r.ledger.last = 41 })
	for n := range uint64(5) {
		r.source.show(n)
	}
	for n := range uint64(5) {
		v := r.verdict()
		if v.Source != fmt.Sprint(n) || v.Sequence != 42+n || v.Trigger != nil {
			t.Errorf("verdict %d: picture %s, sequence %d, trigger %v", n, v.Source, v.Sequence, v.Trigger)
		}
	}
}

func TestFreeRunSaysOnceThatTheCameraIsGone(t *testing.T) {
	r := newRig(t, "free", nil)
	r.source.show(1)
	r.verdict()
	r.source.lose("cable")
	if v := r.verdict(); v.Reason != verdict.CameraLost || v.Detail != "cable" {
		t.Errorf("%s %s %q, want no_read camera_lost", v.Verdict, v.Reason, v.Detail)
	}
	r.silent(3 * turn)
	r.source.show(2)
	if v := r.verdict(); v.Verdict != verdict.Pass {
		t.Errorf("%s %s, want pass once the camera is back", v.Verdict, v.Reason)
	}
}

func TestEndOfSource(t *testing.T) {
	r := newRig(t, "free", nil)
	r.source.show(1)
	close(r.source.frames)
	r.verdict()
	r.silent(2 * turn)
	if why := r.notReady(); why != "the source has ended" {
		t.Errorf("not ready because %q", why)
	}
}

func TestInterval(t *testing.T) {
	r := newRig(t, "interval", nil)
	deadline := time.After(10 * time.Second)
	for n := uint64(0); n < 2; {
		r.source.show(n)
		select {
		case v := <-r.outlet.verdicts:
			if v.Verdict == verdict.Pass {
				n++
			}
		case <-time.After(10 * time.Millisecond):
		case <-deadline:
			t.Fatal("two intervals passed without two verdicts")
		}
	}
}

func TestPictureThatCannotBeJudged(t *testing.T) {
	for want, err := range map[verdict.Reason]error{
		verdict.InvalidPicture: fmt.Errorf("%w: it is 3x2", inspect.ErrPicture),
		verdict.Internal:       errors.New("the network failed"),
	} {
		t.Run(string(want), func(t *testing.T) {
			r := newRig(t, "free", func(r *rig) { r.inspector.err = err })
			r.source.show(1)
			v := r.verdict()
			if v.Verdict != verdict.NoRead || v.Reason != want || v.Detail != err.Error() || v.Score != nil {
				t.Errorf("%s %s %q, want no_read %s", v.Verdict, v.Reason, v.Detail, want)
			}
		})
	}
}

func TestThresholdBands(t *testing.T) {
	review := 0.1
	for score, want := range map[float64]verdict.Kind{0.05: verdict.Pass, 0.1: verdict.Review, 0.15: verdict.Review, 0.2: verdict.Fail, 0.3: verdict.Fail} {
		r := newRig(t, "free", func(r *rig) { r.inspector.score = score })
		r.SetThresholds(Thresholds{Threshold: 0.2, Review: &review})
		r.source.show(1)
		if v := r.verdict(); v.Verdict != want || *v.Score != score || *v.Threshold != 0.2 || *v.Review != 0.1 {
			t.Errorf("score %g: %s, want %s", score, v.Verdict, want)
		}
	}
}

func TestDiskRefuses(t *testing.T) {
	for policy, want := range map[string]verdict.Kind{"publish": verdict.Pass, "no_read": verdict.NoRead} {
		t.Run(policy, func(t *testing.T) {
			r := newRig(t, "free", func(r *rig) { r.ledger.refuses, r.onStorage = errDisk, policy })
			r.source.show(1)
			v := r.verdict()
			if v.Verdict != want || v.Durable {
				t.Errorf("%s durable %t, want %s not durable", v.Verdict, v.Durable, want)
			}
			if want == verdict.NoRead && v.Reason != verdict.Storage {
				t.Errorf("reason %s, want storage", v.Reason)
			}
		})
	}
}

func TestSwapLosesNoFrame(t *testing.T) {
	r := newRig(t, "free", func(r *rig) { r.conf.Camera.ReadTimeout = time.Minute })
	r.source.show(1)
	r.verdict()
	better := &fakeInspector{score: 0.9, closed: make(chan struct{})}
	r.install(r.swap(better))
	<-r.inspector.closed
	r.source.show(2)
	if v := r.verdict(); v.Verdict != verdict.Fail || v.Sequence != 2 {
		t.Errorf("%s with sequence %d, want the new inspector's fail with 2", v.Verdict, v.Sequence)
	}
	r.stop()
	<-better.closed
}

func TestPauseAndResume(t *testing.T) {
	r := newRig(t, "free", nil)
	r.Pause("ann")
	time.Sleep(turn)
	r.source.show(1)
	r.silent(turn)
	if why := r.notReady(); why != "paused by ann" {
		t.Errorf("not ready because %q", why)
	}
	r.Resume()
	r.verdict()
}
