package pipeline

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"faird/verdict"
)

// repeat waits for the next repeated verdict.
func (r *rig) repeat() *verdict.Verdict {
	r.t.Helper()
	select {
	case v := <-r.outlet.repeats:
		return v
	case <-time.After(10 * time.Second):
		r.t.Fatal("the redelivered trigger was not answered")
		return nil
	}
}

// An id from before a restart is found on the disk the first time and in memory
// from then on: every delivery gets the answer.
func TestRedeliveriesAfterRestart(t *testing.T) {
	answered := &verdict.Verdict{ID: "before", Station: "cap", Trigger: &verdict.Trigger{ID: "t1", Part: "A-t1"}}
	r := newRig(t, "mqtt", func(r *rig) { r.ledger.verdicts = append(r.ledger.verdicts, answered) })
	for delivery := range 3 {
		r.Trigger(trigger("t1"))
		if v := r.repeat(); v.ID != "before" {
			t.Errorf("delivery %d: repeated %s, want the verdict from before the restart", delivery, v.ID)
		}
	}
	r.silent(deadline)
}

func TestRedeliveryWhileTheFirstIsJudged(t *testing.T) {
	r := newRig(t, "mqtt", func(r *rig) {
		r.inspector.hold, r.inspector.began = make(chan struct{}), make(chan struct{}, 1)
	})
	r.Trigger(trigger("t1"))
	time.Sleep(5 * time.Millisecond)
	r.source.show(1)
	<-r.inspector.began
	r.Trigger(trigger("t1"))
	time.Sleep(20 * time.Millisecond)
	close(r.inspector.hold)
	if v := r.verdict(); v.Trigger.ID != "t1" || v.Verdict != verdict.Pass {
		t.Errorf("%s %s for %+v, want one pass for both deliveries", v.Verdict, v.Reason, v.Trigger)
	}
	r.silent(2 * deadline)
	if n := len(r.outlet.repeats); n != 0 {
		t.Errorf("%d repeats of an answer that had not been given", n)
	}
}

// slowLedger is a disk that hangs until the caller's patience ends.
type slowLedger struct{ fakeLedger }

func (l *slowLedger) Commit(ctx context.Context, _ *verdict.Verdict) (int64, error) {
	<-ctx.Done()
	return 0, ctx.Err()
}

func TestHangingDiskHoldsUpNoAnswer(t *testing.T) {
	r := newRig(t, "mqtt", func(r *rig) { r.deps.Ledger = &slowLedger{} })
	began := time.Now()
	r.Trigger(trigger("t1"))
	time.Sleep(5 * time.Millisecond)
	r.source.show(1)
	v := r.verdict()
	if took := time.Since(began); took > commitTimeout-deadline {
		t.Errorf("answered after %s; the deadline is %s", took, deadline)
	}
	if v.Verdict != verdict.Pass || v.Durable {
		t.Errorf("%s durable %t, want a pass that is not durable", v.Verdict, v.Durable)
	}
	until(t, "counted", func() bool { return r.State().Counts.NotDurable == 1 })
}

func TestTriggerAfterTheStationHasStopped(t *testing.T) {
	r := newRig(t, "mqtt", nil)
	r.stop()
	r.Trigger(trigger("late"))
	if v := r.verdict(); v.Trigger.ID != "late" || v.Reason != verdict.Stopping {
		t.Errorf("%s %s for %+v, want no_read stopping", v.Verdict, v.Reason, v.Trigger)
	}
	r.breakDown("the source failed")
	r.Trigger(trigger("later"))
	if v := r.verdict(); v.Reason != verdict.NotReady || v.Detail != "the source failed" {
		t.Errorf("%s %q, want not_ready with the cause", v.Reason, v.Detail)
	}
	r.Trigger(trigger("late"))
	if v := r.repeat(); v.Trigger.ID != "late" {
		t.Errorf("repeated the answer to %+v", v.Trigger)
	}
}

// A trigger burst that even the inbox cannot hold is counted, not silent.
func TestInboxOverflowIsCounted(t *testing.T) {
	s := &Station{inbox: newInbox()}
	for range inboxSize {
		if err := s.inbox.put(trigger("")); err != nil {
			t.Fatal(err)
		}
	}
	s.Trigger(trigger(""))
	if err := s.inbox.put(trigger("")); !errors.Is(err, errInboxFull) || s.counts.lost.Load() != 1 {
		t.Errorf("%v, %d counted", err, s.counts.lost.Load())
	}
	if n := len(s.inbox.close()); n != inboxSize {
		t.Errorf("%d left, want %d", n, inboxSize)
	}
}

// Whatever moment a station is replaced or stopped at, each trigger gets its
// one answer.
func TestNoTriggerIsLostWhileStationsChange(t *testing.T) {
	b, out := newTestBox(t)
	dir, m := pictures(t, 2), writeModel(t, t.TempDir()+"/m.onnx", 0.5, 10)
	conf := station("a", m, dir)
	conf.Trigger.Mode = "mqtt"
	conf.Trigger.Deadline = time.Second
	mustApply(t, b, conf)
	done := make(chan int)
	stop := make(chan struct{})
	go func() {
		for n := 0; ; n++ {
			select {
			case <-stop:
				done <- n
				return
			default:
				b.Trigger("a", trigger(fmt.Sprint("t", n)))
				time.Sleep(time.Millisecond)
			}
		}
	}()
	for i := range 3 {
		time.Sleep(20 * time.Millisecond)
		conf.Trigger.Deadline = time.Second + time.Duration(i+1)*time.Millisecond // a station that starts anew
		mustApply(t, b, conf)
	}
	stopBox(t, b)
	time.Sleep(20 * time.Millisecond)
	close(stop)
	sent := <-done
	got := map[string]int{}
	for range sent {
		got[out.next(t, "a").Trigger.ID]++
	}
	for id, n := range got {
		if n != 1 {
			t.Errorf("%s has %d answers", id, n)
		}
	}
	if len(got) != sent {
		t.Errorf("%d triggers answered of %d", len(got), sent)
	}
}
