package pipeline

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"faird/camera"
	"faird/inspect"
	"faird/store"
	"faird/verdict"
)

// noted keeps what shadows say in memory.
type noted struct {
	mu  sync.Mutex
	all []store.Compared
}

func (n *noted) AddCompared(_ context.Context, all []store.Compared) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.all = append(n.all, all...)
	return nil
}

func (n *noted) keys() (out []int64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, c := range n.all {
		out = append(out, c.Key)
	}
	return out
}

// shade puts a shadow beside the rig's inspector.
func (r *rig) shade(i *fakeInspector) (*shadow, *noted) {
	r.t.Helper()
	made, n := r.swap(i), &noted{}
	made.view.model = "sha256:shadow"
	s := &shadow{name: "b", made: &made, lane: r.deps.lane, notebook: n, log: zerolog.Nop()}
	s.start()
	r.shadow.Store(s)
	r.t.Cleanup(func() {
		r.stop()
		r.shadow.Swap(nil).close()
	})
	return s, n
}

// withLane has a camera that may take its time, too.
func withLane(r *rig) {
	r.deps.lane = newLane()
	r.conf.Camera.ReadTimeout = time.Hour
}

func TestShadowJudgesWhatWasJudged(t *testing.T) {
	r := newRig(t, "free", withLane)
	s, n := r.shade(&fakeInspector{score: 0.3, closed: make(chan struct{})})
	r.source.show(1)
	if v := r.verdict(); v.Verdict != verdict.Pass || *v.Score != 0.1 || v.Model != "sha256:m" {
		t.Errorf("the verdict is %s by %s", v.Verdict, v.Model)
	}
	waitFor(t, "the comparison", func() bool { return len(n.keys()) == 1 })
	c := n.all[0]
	if c.Key != 1 || c.Station != "cap" || c.Model != "sha256:shadow" || c.Against != "sha256:m" || c.Decided != verdict.Pass || c.Said != verdict.Fail ||
		c.Had != 0.1 || *c.Score != 0.3 || c.At.IsZero() {
		t.Errorf("compared %+v", c)
	}
	// A verdict without a score is nobody's to compare.
	r.inspector.err = fmt.Errorf("%w: too dark", inspect.ErrPicture)
	r.source.show(2)
	if v := r.verdict(); v.Verdict != verdict.NoRead {
		t.Fatalf("a bad picture is %s", v.Verdict)
	}
	r.inspector.err = nil
	r.source.show(3)
	r.verdict()
	waitFor(t, "the next comparison", func() bool { return len(n.keys()) == 2 })
	if n.keys()[1] != 3 || s.judged.Load() != 2 || s.otherwise.Load() != 2 {
		t.Errorf("compared %v, %d judged, %d of them otherwise", n.keys(), s.judged.Load(), s.otherwise.Load())
	}
}

// While the shadow is at work the line goes on, and only the newest frame waits.
func TestShadowHoldsNothingUp(t *testing.T) {
	r := newRig(t, "free", withLane)
	hold, began := make(chan struct{}), make(chan struct{}, 10)
	s, n := r.shade(&fakeInspector{score: 0.1, hold: hold, began: began, closed: make(chan struct{})})
	r.source.show(1)
	r.verdict()
	<-began
	for i := uint64(2); i <= 5; i++ {
		r.source.show(i)
		r.verdict() // the shadow has not let go yet
	}
	waitFor(t, "the newest to wait", func() bool { return s.skipped.Load() == 3 })
	close(hold)
	waitFor(t, "two comparisons", func() bool { return len(n.keys()) == 2 })
	if k := n.keys(); k[0] != 1 || k[1] != 5 {
		t.Errorf("compared %v, want the first and the newest", k)
	}
}

func TestShadowSaysWhatItCannotJudge(t *testing.T) {
	r := newRig(t, "free", withLane)
	i := &fakeInspector{err: fmt.Errorf("%w: blurred", inspect.ErrPicture), closed: make(chan struct{})}
	s, n := r.shade(i)
	r.source.show(1)
	r.verdict()
	waitFor(t, "the comparison", func() bool { return len(n.keys()) == 1 })
	if c := n.all[0]; c.Said != verdict.NoRead || c.Score != nil {
		t.Errorf("compared %+v", c)
	}
	r.shadow.Swap(nil).close()
	select {
	case <-i.closed:
	default:
		t.Error("its model is not given back")
	}
	s.offer(&verdict.Verdict{Score: new(float64)}, 7, &camera.Frame{}) // goes nowhere, and does not hang
}

// A shadow waits for the stations, stops where one begins, and insists where it must.
func TestLane(t *testing.T) {
	l := newLane()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	l.begin()
	l.begin() // a second station
	worked := make(chan error, 1)
	began := make(chan struct{})
	go func() {
		worked <- l.work(ctx, false, func(ctx context.Context) error {
			close(began)
			<-ctx.Done()
			return ctx.Err()
		})
	}()
	l.end()
	select {
	case <-began:
		t.Fatal("it works while a station judges")
	case <-time.After(50 * time.Millisecond):
	}
	l.end()
	<-began
	l.begin()
	if err := <-worked; !errors.Is(err, context.Canceled) {
		t.Errorf("it gave way with %v", err)
	}
	if err := l.work(ctx, true, func(ctx context.Context) error { return ctx.Err() }); err != nil {
		t.Errorf("it insists, and got %v", err)
	}
	short, stop := context.WithTimeout(ctx, 50*time.Millisecond)
	defer stop()
	if err := l.work(short, false, func(context.Context) error { return nil }); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("it waits for ever: %v", err)
	}
	l.end()
	(*lane)(nil).begin()
	(*lane)(nil).end()
}

func waitFor(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not within 30s", what)
		}
	}
}
