package pipeline

import (
	"errors"
	"testing"
	"time"

	"faird/publish"
	"faird/verdict"
)

func TestTriggerIsAnsweredByOneVerdict(t *testing.T) {
	r := newRig(t, "mqtt", nil)
	r.source.show(1) // exposed before the trigger: must not be judged
	time.Sleep(time.Millisecond)
	r.Trigger(trigger("t1"))
	time.Sleep(10 * time.Millisecond)
	r.source.show(2)
	v := r.verdict()
	if v.Verdict != verdict.Pass || v.Trigger == nil || v.Trigger.ID != "t1" || v.Trigger.Part != "A-t1" {
		t.Errorf("verdict %s %q trigger %+v, want pass for t1", v.Verdict, v.Reason, v.Trigger)
	}
	if v.Source != "2" {
		t.Errorf("picture %s was judged, want the one exposed after the trigger", v.Source)
	}
	if !v.Durable || v.Model != "sha256:m" || v.Provider != "cpu" || v.Config != "sha256:c" {
		t.Errorf("provenance is wrong: %+v", v)
	}
	r.silent(2 * deadline)
}

func TestTriggerRefused(t *testing.T) {
	old := time.Now().Add(-time.Hour)
	for name, c := range map[string]struct {
		mode    string
		change  func(*rig)
		trigger publish.Trigger
		want    verdict.Reason
	}{
		"no frame":        {"mqtt", nil, trigger("a"), verdict.NoFrame},
		"camera lost":     {"mqtt", func(r *rig) { r.source.lose("cable") }, trigger("a"), verdict.CameraLost},
		"paused":          {"mqtt", func(r *rig) { r.Pause("ann") }, trigger("a"), verdict.Paused},
		"free run":        {"free", nil, trigger("a"), verdict.NotReady},
		"stale":           {"mqtt", nil, publish.Trigger{ID: "a", Time: old, Received: time.Now()}, verdict.Stale},
		"waited too long": {"mqtt", nil, publish.Trigger{ID: "a", Received: old}, verdict.Late},
		"unreadable":      {"mqtt", nil, publish.Trigger{Received: time.Now(), Err: errors.New("not JSON")}, verdict.InvalidTrigger},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, c.mode, c.change)
			if c.mode == "free" {
				r.source.every = true
			}
			began := time.Now()
			if !c.trigger.Received.Equal(old) {
				c.trigger.Received = began
			}
			r.Trigger(c.trigger)
			v := r.verdict()
			if v.Verdict != verdict.NoRead || v.Reason != c.want {
				t.Errorf("%s %s (%s), want no_read %s", v.Verdict, v.Reason, v.Detail, c.want)
			}
			if v.Trigger == nil || v.Trigger.ID != c.trigger.ID {
				t.Errorf("trigger %+v is not echoed", v.Trigger)
			}
		})
	}
}

func TestTriggerNotReady(t *testing.T) {
	r := newRig(t, "mqtt", nil)
	r.breakDown("golden sample 2 is off by 0.1")
	r.Trigger(trigger("a"))
	if v := r.verdict(); v.Reason != verdict.NotReady || v.Detail != "golden sample 2 is off by 0.1" {
		t.Errorf("%s %q, want not_ready with the cause", v.Reason, v.Detail)
	}
}

func TestSlowInspectionIsAnsweredByTheDeadline(t *testing.T) {
	r := newRig(t, "mqtt", func(r *rig) {
		r.inspector.hold, r.inspector.began = make(chan struct{}), make(chan struct{}, 1)
	})
	began := time.Now()
	r.Trigger(trigger("slow"))
	time.Sleep(5 * time.Millisecond)
	r.source.show(1)
	<-r.inspector.began
	v := r.verdict()
	if v.Reason != verdict.Late {
		t.Errorf("%s %s, want no_read late", v.Verdict, v.Reason)
	}
	if v.Time.Decided.After(began.Add(deadline)) {
		t.Errorf("decided %s after the trigger, want by its deadline", v.Time.Decided.Sub(began))
	}
	r.Trigger(trigger("meanwhile")) // taken, but the loop is still stuck: answered by its deadline too
	if v := r.verdict(); v.Trigger.ID != "meanwhile" || v.Verdict != verdict.NoRead {
		t.Errorf("got %s for %+v, want no_read for the second trigger", v.Verdict, v.Trigger)
	}
	close(r.inspector.hold)
	r.silent(deadline)
	if n := r.counts.tooLate.Load(); n != 1 {
		t.Errorf("%d late judgements counted, want 1", n)
	}
}

func TestOverrun(t *testing.T) {
	r := newRig(t, "mqtt", func(r *rig) {
		r.inspector.hold, r.inspector.began = make(chan struct{}), make(chan struct{}, 1)
	})
	r.Trigger(trigger("first"))
	time.Sleep(5 * time.Millisecond)
	r.source.show(1)
	<-r.inspector.began
	const more = 20
	for range more {
		r.Trigger(trigger(""))
	}
	for range more {
		if v := r.verdict(); v.Reason != verdict.Overrun {
			t.Fatalf("%s %s, want no_read overrun", v.Verdict, v.Reason)
		}
	}
	close(r.inspector.hold)
	if v := r.verdict(); v.Trigger.ID != "first" || v.Verdict != verdict.Pass {
		t.Errorf("%s for %+v, want pass for the first", v.Verdict, v.Trigger)
	}
}

func TestRedeliveryIsAnsweredWithTheSameVerdict(t *testing.T) {
	r := newRig(t, "mqtt", nil)
	r.Trigger(trigger("t1"))
	time.Sleep(5 * time.Millisecond)
	r.source.show(1)
	first := r.verdict()
	r.Trigger(trigger("t1"))
	select {
	case v := <-r.outlet.repeats:
		if v.ID != first.ID {
			t.Errorf("repeated %s, want %s", v.ID, first.ID)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("the redelivered trigger was not answered")
	}
	r.silent(2 * deadline)
}

func TestRedeliveryAfterRestart(t *testing.T) {
	answered := &verdict.Verdict{ID: "before", Station: "cap", Trigger: &verdict.Trigger{ID: "t1", Part: "A-t1"}}
	r := newRig(t, "mqtt", func(r *rig) { r.ledger.verdicts = append(r.ledger.verdicts, answered) })
	r.Trigger(trigger("t1"))
	select {
	case v := <-r.outlet.repeats:
		if v.ID != "before" {
			t.Errorf("repeated %s, want the verdict from before the restart", v.ID)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("the redelivered trigger was not answered")
	}
	r.silent(2 * deadline)
}

func TestTriggersWithoutIDAreAllNew(t *testing.T) {
	r := newRig(t, "mqtt", nil)
	for n := range uint64(3) {
		r.Trigger(trigger(""))
		time.Sleep(5 * time.Millisecond)
		r.source.show(n)
		if v := r.verdict(); v.Verdict != verdict.Pass {
			t.Fatalf("trigger %d: %s %s, want pass", n, v.Verdict, v.Reason)
		}
	}
}

func TestStoppingAnswersWhatIsOpen(t *testing.T) {
	r := newRig(t, "mqtt", func(r *rig) {
		r.inspector.hold, r.inspector.began = make(chan struct{}), make(chan struct{}, 1)
	})
	r.Trigger(trigger("in hand"))
	time.Sleep(5 * time.Millisecond)
	r.source.show(1)
	<-r.inspector.began
	go func() { time.Sleep(20 * time.Millisecond); close(r.inspector.hold) }()
	r.stop()
	if v := r.verdict(); v.Trigger.ID != "in hand" || v.Verdict != verdict.Pass {
		t.Errorf("%s %s for %+v, want pass: the frame in hand is finished", v.Verdict, v.Reason, v.Trigger)
	}
}

func TestStoppingWhileWaitingForAPicture(t *testing.T) {
	r := newRig(t, "mqtt", nil)
	r.Trigger(trigger("open"))
	time.Sleep(20 * time.Millisecond)
	r.stop()
	if v := r.verdict(); v.Trigger.ID != "open" || v.Reason != verdict.Stopping {
		t.Errorf("%s %s, want no_read stopping", v.Verdict, v.Reason)
	}
}
