package pipeline

import (
	"fmt"
	"testing"
	"time"

	"faird/config"
	"faird/publish"
	"faird/publish/handshake"
	"faird/verdict"
)

// shakenRig is a station with a handshake and a results buffer of two.
func shakenRig(t *testing.T, change func(*rig)) *rig {
	t.Helper()
	r := newRig(t, "mqtt", func(r *rig) {
		r.outlet.handshakes = make(chan handshake.Status, 1000)
		r.shake = newShake(config.Station{Name: "cap", Handshake: config.Handshake{Enabled: true, ResultsBuffer: 2}}, r.outlet)
		if change != nil {
			change(r)
		}
	})
	r.shake.ready(r.notReady())
	return r
}

// status waits until the PLC sees what it looks for.
func (r *rig) status(what string, is func(handshake.Status) bool) handshake.Status {
	r.t.Helper()
	limit := time.After(10 * time.Second)
	var last handshake.Status
	for {
		select {
		case last = <-r.outlet.handshakes:
			if is(last) {
				return last
			}
		case <-limit:
			r.t.Fatalf("%s: not seen; the last was %+v", what, last)
		}
	}
}

func bitsAre(ready, ack, busy, valid bool) func(handshake.Status) bool {
	return func(s handshake.Status) bool {
		return s.Ready == ready && s.TriggerAck == ack && s.Busy == busy && s.ResultsValid == valid
	}
}

// level is a trigger bit with an id.
func level(id string, on bool) publish.Trigger {
	t := trigger(id)
	t.Level = &on
	return t
}

func TestHandshakeCycle(t *testing.T) {
	for name, held := range map[string]bool{"messages": false, "levels": true} {
		t.Run(name, func(t *testing.T) {
			r := shakenRig(t, nil)
			r.status("ready", bitsAre(true, false, false, false))
			if held {
				r.Trigger(level("t1", true))
			} else {
				r.Trigger(trigger("t1"))
			}
			if s := r.status("triggered", bitsAre(false, true, true, false)); s.Acquisition.Trigger.Part != "A-t1" || s.Acquisition.Number != 1 {
				t.Errorf("acquisition %+v", s.Acquisition)
			}
			if held {
				r.Trigger(level("t1", false))
				r.status("taken back", bitsAre(false, false, true, false))
			}
			r.source.show(1)
			v := r.verdict()
			s := r.status("a result", bitsAre(true, false, false, true))
			if s.Result.ID != v.ID || s.Result.Verdict != verdict.Pass || !s.InspectionCompleted {
				t.Errorf("result %+v completed %t, want %s", s.Result, s.InspectionCompleted, v.ID)
			}
			r.Ack(publish.Ack{ID: v.ID})
			r.status("acknowledged", bitsAre(true, false, false, false))
		})
	}
}

// In each wrong order the trigger has its one answer, and the signals say that
// it was not taken.
func TestHandshakeTriggerThatIsNotTaken(t *testing.T) {
	for name, c := range map[string]struct {
		before func(*rig)
		want   verdict.Reason
	}{
		"camera lost": {func(r *rig) { r.source.lose("cable") }, verdict.CameraLost},
		"paused":      {func(r *rig) { r.Pause("ann") }, verdict.Paused},
		"broken":      {func(r *rig) { r.breakDown("golden samples") }, verdict.NotReady},
		"busy": {func(r *rig) {
			r.Trigger(trigger("first"))
			r.status("busy", bitsAre(false, true, true, false))
		}, verdict.Overrun},
		"the one before is held": {func(r *rig) {
			r.Trigger(level("first", true))
			r.status("busy", bitsAre(false, true, true, false))
			r.source.show(1)
			r.verdict()
			r.status("held", bitsAre(false, true, false, true))
		}, verdict.Overrun},
	} {
		t.Run(name, func(t *testing.T) {
			r := shakenRig(t, nil)
			c.before(r)
			r.Trigger(level("wrong", true))
			s := r.status("missed", func(s handshake.Status) bool { return s.TriggerMissed })
			if s.Counts.Missed != 1 || s.Acquisition.Trigger.ID == "wrong" {
				t.Errorf("%+v", s)
			}
			v := r.verdict()
			if v.Trigger.ID != "wrong" || v.Reason != c.want {
				t.Errorf("%s %s %q for %+v, want no_read %s", v.Verdict, v.Reason, v.Detail, v.Trigger, c.want)
			}
		})
	}
}

func TestHandshakeTriggerHeldIsOneTrigger(t *testing.T) {
	r := shakenRig(t, nil)
	for range 3 {
		r.Trigger(level("", true))
	}
	r.status("triggered", bitsAre(false, true, true, false))
	r.source.show(1)
	r.verdict()
	r.Trigger(level("", true)) // still held
	r.source.show(2)
	r.silent(2 * deadline)
	r.Trigger(level("", false))
	s := r.status("ready again", bitsAre(true, false, false, true))
	if s.Counts.Triggers != 1 || s.Counts.Missed != 0 {
		t.Errorf("counts %+v", s.Counts)
	}
	r.Trigger(level("", true)) // given anew
	time.Sleep(5 * time.Millisecond)
	r.source.show(3)
	r.verdict()
}

func TestHandshakeRedelivery(t *testing.T) {
	r := shakenRig(t, nil)
	r.Trigger(trigger("t1"))
	time.Sleep(5 * time.Millisecond)
	r.source.show(1)
	first := r.verdict()
	r.Ack(publish.Ack{ID: first.ID})
	r.Trigger(trigger("t1")) // the PLC has lost its memory
	if v := r.repeat(); v.ID != first.ID {
		t.Errorf("repeated %s", v.ID)
	}
	s := r.status("the same result", func(s handshake.Status) bool { return s.Acquisition.Number == 2 && s.ResultsValid })
	if s.Result.ID != first.ID || s.Result.Acquisition != 2 {
		t.Errorf("result %+v", s.Result)
	}
	r.silent(deadline)
}

func TestHandshakeBufferOverrunLosesNoVerdict(t *testing.T) {
	r := shakenRig(t, nil)
	var ids []string
	for n := range uint64(3) {
		r.Trigger(trigger(fmt.Sprint("t", n)))
		time.Sleep(5 * time.Millisecond)
		r.source.show(n)
		ids = append(ids, r.verdict().ID)
		r.status("ready", func(s handshake.Status) bool { return s.Ready && s.Counts.Triggers == n+1 })
	}
	for i, id := range ids[:2] {
		r.Ack(publish.Ack{ID: id})
		s := r.status("acknowledged", func(s handshake.Status) bool { return s.Counts.Acks == uint64(i+1) })
		if !s.BufferOverrun || s.Counts.Overruns != 1 {
			t.Errorf("%+v: want the overrun to stand", s)
		}
	}
	r.Ack(publish.Ack{ID: ids[2]}) // it found no room
	if s := r.status("refused", func(s handshake.Status) bool { return s.Counts.AckErrors == 1 }); s.ResultsValid {
		t.Errorf("%+v", s)
	}
}

func TestHandshakeWhenTheStationStops(t *testing.T) {
	r := shakenRig(t, func(r *rig) {
		r.inspector.hold, r.inspector.began = make(chan struct{}), make(chan struct{}, 1)
	})
	r.Trigger(trigger("in hand"))
	time.Sleep(5 * time.Millisecond)
	r.source.show(1)
	<-r.inspector.began
	go func() { time.Sleep(20 * time.Millisecond); close(r.inspector.hold) }()
	r.stop()
	s := r.status("stopped", func(s handshake.Status) bool { return s.Why != "" && s.Counts.Triggers == 1 && !s.Busy })
	if s.Ready || !s.ResultsValid || s.Result.Verdict != verdict.Pass {
		t.Errorf("%+v: want the last result, and no ready", s)
	}
}

// Without a handshake a PLC's bits and acknowledgements change nothing.
func TestNoHandshake(t *testing.T) {
	r := newRig(t, "mqtt", nil)
	r.Ack(publish.Ack{ID: "01JD"})
	for id, on := range map[string]bool{"a": true, "b": false} {
		r.Trigger(level(id, on))
		time.Sleep(5 * time.Millisecond)
		r.source.show(1)
		if v := r.verdict(); v.Trigger.ID != id || v.Verdict != verdict.Pass {
			t.Errorf("%s for %+v", v.Verdict, v.Trigger)
		}
	}
}
