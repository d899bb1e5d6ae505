package pipeline

import (
	"testing"
	"time"

	"faird/camera"
	"faird/camera/fault"
	"faird/verdict"
)

// corrupt gives the camera a frame whose image must not be judged.
func (s *fakeSource) corrupt(n uint64) {
	s.frames <- &camera.Frame{Captured: time.Now(), Sequence: n, Err: fault.Damaged("slice 3 of the picture is missing")}
}

func wantDamaged(t *testing.T, v *verdict.Verdict) {
	t.Helper()
	if v.Verdict != verdict.NoRead || v.Reason != verdict.InvalidPicture || v.Score != nil || v.Fault == nil ||
		v.Fault.Check != verdict.Damaged || v.Fault.Measurement != nil || v.Detail != "damaged image: slice 3 of the picture is missing" {
		t.Errorf("%s %s %q, fault %+v, score %v", v.Verdict, v.Reason, v.Detail, v.Fault, v.Score)
	}
}

// A damaged frame is answered in every mode and reaches no inspector.
func TestDamagedFrameIsNeverScored(t *testing.T) {
	for _, mode := range []string{"free", "mqtt", "hardware"} {
		t.Run(mode, func(t *testing.T) {
			inspected := make(chan struct{}, 10)
			r := newRig(t, mode, func(r *rig) { r.inspector.began = inspected })
			if mode == "mqtt" {
				r.Trigger(trigger("t-1"))
				time.Sleep(5 * time.Millisecond) // so that the frame is exposed after the trigger
			}
			r.source.corrupt(1)
			v := r.verdict()
			wantDamaged(t, v)
			if mode == "mqtt" && (v.Trigger == nil || v.Trigger.ID != "t-1") {
				t.Errorf("the answer is to %+v", v.Trigger)
			}
			if len(inspected) != 0 {
				t.Error("the frame was inspected")
			}
		})
	}
}

// The image that was to show a part answers for the part, also damaged; with no
// part due, damage is reported once until an intact image comes.
func TestDamagedFramesWhileWatchingForParts(t *testing.T) {
	const delay = 50 * time.Millisecond
	c := watching(t, "change", func(r *rig) { r.conf.Trigger.Change.Delay, r.conf.Trigger.Deadline = delay, 5*time.Second })
	c.show(belt, belt, item, item)
	time.Sleep(2 * delay)
	c.source.corrupt(100)
	wantDamaged(t, c.verdict())
	c.source.corrupt(101)
	wantDamaged(t, c.verdict())
	c.source.corrupt(102)
	c.silent(50 * time.Millisecond)
}
