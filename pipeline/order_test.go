package pipeline

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"faird/publish"
	"faird/verdict"
)

// unevenLedger is a disk whose commits take now long, now short, one beside the other.
type unevenLedger struct{ fakeLedger }

func (l *unevenLedger) Commit(ctx context.Context, v *verdict.Verdict) (int64, error) {
	time.Sleep(rand.N(2 * time.Millisecond))
	key, err := l.fakeLedger.Commit(ctx, v)
	time.Sleep(rand.N(2 * time.Millisecond))
	return key, err
}

// Both loops of a station give verdicts: what the PLC gets is in the order in
// which they were decided, on disk too.
func TestVerdictsLeaveInTheirOrder(t *testing.T) {
	disk := &unevenLedger{}
	r := newRig(t, "mqtt", func(r *rig) { r.deps.Ledger = disk })
	r.Trigger(publish.Trigger{Received: time.Now()})
	before := r.verdict().Sequence // the station runs: it has read where to begin
	const n = 200
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range n {
			r.deliver(nil, r.noRead(verdict.Overrun, ""), nil)
		}
	}()
	go func() {
		for range n {
			r.deliver(nil, r.noRead(verdict.Late, ""), nil)
		}
	}()
	for want := before + 1; want <= before+2*n; want++ {
		if v := r.verdict(); v.Sequence != want {
			t.Fatalf("verdict %d came where %d was next", v.Sequence, want)
		}
	}
	<-done
	for i, v := range disk.verdicts {
		if v.Sequence != uint64(i+1) {
			t.Fatalf("row %d has sequence %d", i+1, v.Sequence)
		}
	}
}

// Once a swap is announced the next verdict is the new model's, though the
// station was waiting for a trigger all along.
func TestSwapHoldsForTheNextTrigger(t *testing.T) {
	for range 5 {
		r := newRig(t, "mqtt", nil)
		ask := func() *verdict.Verdict {
			r.Trigger(publish.Trigger{Received: time.Now()})
			time.Sleep(5 * time.Millisecond)
			r.source.show(1)
			return r.verdict()
		}
		ask()
		w := r.swap(&fakeInspector{score: 0.1, closed: make(chan struct{})})
		w.view.model = "sha256:n"
		r.install(w)
		if v := ask(); v.Model != "sha256:n" {
			t.Fatalf("judged by %s", v.Model)
		}
		r.stop()
	}
}

// Once a pause is announced the line is not judged, though the station was
// waiting for its next picture; who brought a picture is answered all the same.
func TestPauseHoldsForTheNextFrame(t *testing.T) {
	for name, c := range map[string]struct {
		paused, every bool
		want          int
	}{"at work": {false, false, 1}, "paused": {true, false, 0}, "each picture but once": {true, true, 1}} {
		r := newRig(t, "free", nil)
		r.stop() // the loop is played here
		r.source.every = c.every
		if c.paused {
			r.Pause("ann")
		}
		r.source.show(1)
		r.next <- r.swap(&fakeInspector{score: 0.1, closed: make(chan struct{})})
		r.freeRun(context.Background(), &bench{})
		if n := len(r.outlet.verdicts); n != c.want {
			t.Errorf("%s: %d verdicts, want %d", name, n, c.want)
		}
	}
}
