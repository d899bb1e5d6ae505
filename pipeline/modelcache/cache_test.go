package modelcache

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"go.uber.org/goleak"

	"faird/pipeline/tasks"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fake is a model.
type fake struct {
	closed atomic.Int32
	hold   chan struct{} // when not nil, Close waits until it is closed
}

func (f *fake) Close() error {
	if f.hold != nil {
		<-f.hold
	}
	f.closed.Add(1)
	return nil
}

// rig is a cache of fakes whose loads the test decides.
type rig struct {
	*Cache[*fake]
	t     *testing.T
	tasks *tasks.Group
	loads atomic.Int32
	model *fake
	gate  chan error // what a load waits for and returns
}

func newRig(t *testing.T) *rig {
	g := tasks.NewGroup()
	r := &rig{t: t, tasks: g, Cache: New[*fake](g, tasks.NewQueue(g), zerolog.Nop()), model: &fake{}, gate: make(chan error, 10)}
	t.Cleanup(r.end)
	return r
}

// end closes the cache and waits until nothing is left.
func (r *rig) end() {
	r.t.Helper()
	r.Close()
	r.idle()
	if n := r.Len(); n != 0 {
		r.t.Errorf("%d models are left", n)
	}
}

// idle waits until nothing loads or closes.
func (r *rig) idle() {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if left := r.tasks.Wait(ctx); len(left) > 0 {
		r.t.Fatalf("at work: %v", left)
	}
}

// acquire asks for the model m. Its load ends when the gate opens, or when it is
// cancelled.
func (r *rig) acquire(ctx context.Context) (*Handle[*fake], error) {
	return r.Acquire(ctx, Spec[*fake]{Key: "sha256:m", Name: "m.onnx", Load: func(ctx context.Context) (*fake, error) {
		r.loads.Add(1)
		select {
		case err := <-r.gate:
			return r.model, err
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}})
}

func (r *rig) must(ctx context.Context) *Handle[*fake] {
	r.t.Helper()
	h, err := r.acquire(ctx)
	if err != nil {
		r.t.Fatal(err)
	}
	return h
}

// walkAway asks for the model and does not wait for it.
func (r *rig) walkAway() {
	r.t.Helper()
	ctx, cancel := context.WithCancel(r.t.Context())
	cancel()
	for {
		h, err := r.acquire(ctx)
		if errors.Is(err, context.Canceled) {
			return
		}
		if err != nil {
			r.t.Fatal(err)
		}
		h.Release() // it was there already
	}
}

func (r *rig) waitFor(what string, is func() bool) {
	r.t.Helper()
	for limit := time.Now().Add(time.Minute); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(limit) {
			r.t.Fatalf("%s: not within a minute", what)
		}
	}
}

func TestOneLoadForAll(t *testing.T) {
	r := newRig(t)
	const users = 20
	handles := make(chan *Handle[*fake], users)
	for range users {
		go func() {
			h, err := r.acquire(t.Context())
			if err != nil {
				t.Error(err)
			}
			handles <- h
		}()
	}
	r.waitFor("all to ask", func() bool { return r.Claims("sha256:m") == users })
	r.gate <- nil
	for range users {
		h := <-handles
		if h.Model != r.model || r.model.closed.Load() != 0 {
			t.Fatal("another model, or one that is closed")
		}
		defer h.Release()
	}
	if n := r.loads.Load(); n != 1 {
		t.Errorf("loaded %d times", n)
	}
}

func TestTheLastReleaseCloses(t *testing.T) {
	r := newRig(t)
	r.gate <- nil
	a, b := r.must(t.Context()), r.must(t.Context())
	a.Release()
	a.Release()
	r.idle()
	if r.model.closed.Load() != 0 {
		t.Error("closed while it is in use")
	}
	b.Release()
	r.idle()
	if n := r.model.closed.Load(); n != 1 || r.Len() != 0 {
		t.Errorf("closed %d times, %d models are left", n, r.Len())
	}
	r.gate <- nil
	r.must(t.Context()).Release()
	if n := r.loads.Load(); n != 2 {
		t.Errorf("loaded %d times, want anew after it was closed", n)
	}
}

// Neither who releases a model nor who asks for another waits for a destructor.
func TestNobodyWaitsForAClose(t *testing.T) {
	r := newRig(t)
	r.model.hold = make(chan struct{})
	r.gate <- nil
	r.must(t.Context()).Release()
	r.gate <- nil
	r.must(t.Context()).Release()
	if r.model.closed.Load() != 0 {
		t.Error("closed already")
	}
	close(r.model.hold)
}

func TestAFailureIsNotRemembered(t *testing.T) {
	r := newRig(t)
	broken := errors.New("broken")
	r.gate <- broken
	if _, err := r.acquire(t.Context()); !errors.Is(err, broken) || r.Len() != 0 {
		t.Errorf("%v, %d models", err, r.Len())
	}
	r.gate <- nil
	r.must(t.Context()).Release()
}

// Whoever has no more time is not held up, and finds the load of then when they
// ask again.
func TestWhoAsksAgainFindsTheLoad(t *testing.T) {
	for name, loaded := range map[string]bool{"still loading": false, "loaded meanwhile": true} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.walkAway()
			if loaded {
				r.gate <- nil
				r.idle()
			} else {
				time.AfterFunc(10*time.Millisecond, func() { r.gate <- nil })
			}
			r.must(t.Context()).Release()
			if n := r.loads.Load(); n != 1 {
				t.Errorf("loaded %d times", n)
			}
			r.idle()
			if r.model.closed.Load() != 1 {
				t.Error("not closed after its release")
			}
		})
	}
}

// A model for which nobody has come back in time is not loaded to the end, or is
// closed.
func TestWhatNobodyWaitsForGoes(t *testing.T) {
	for name, loaded := range map[string]bool{"still loading": false, "loaded meanwhile": true} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.unclaimed = 50 * time.Millisecond
			if loaded {
				r.gate <- nil
			}
			r.walkAway()
			r.waitFor("the model to go", func() bool { return r.Len() == 0 })
			r.idle()
			if want := map[bool]int32{false: 0, true: 1}[loaded]; r.model.closed.Load() != want {
				t.Errorf("closed %d times, want %d", r.model.closed.Load(), want)
			}
		})
	}
}

func TestCloseCancelsLoads(t *testing.T) {
	r := newRig(t)
	failed := make(chan error, 1)
	go func() {
		_, err := r.acquire(t.Context())
		failed <- err
	}()
	r.waitFor("the load", func() bool { return r.loads.Load() == 1 })
	r.Close()
	if err := <-failed; !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if _, err := r.acquire(t.Context()); !errors.Is(err, errClosed) {
		t.Errorf("after the end: %v", err)
	}
}

// Whatever happens at the same time, each model that was loaded is closed once.
func TestEveryModelIsClosedOnce(t *testing.T) {
	g := tasks.NewGroup()
	c := New[*fake](g, tasks.NewQueue(g), zerolog.Nop())
	c.unclaimed = time.Microsecond
	var all []*fake
	made := make(chan *fake, 10000)
	users := tasks.NewGroup()
	for i := range 8 {
		users.Go("user", func() {
			for n := range 200 {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(n%5)*20*time.Microsecond)
				h, err := c.Acquire(ctx, Spec[*fake]{Key: fmt.Sprint((i + n) % 3), Load: func(context.Context) (*fake, error) {
					if n%7 == 0 {
						return nil, errors.New("broken")
					}
					time.Sleep(time.Duration(n%3) * 20 * time.Microsecond)
					f := &fake{}
					made <- f
					return f, nil
				}})
				cancel()
				if err == nil {
					if h.Model.closed.Load() != 0 {
						t.Error("a closed model was handed out")
					}
					h.Release()
				}
			}
		})
	}
	users.Wait(t.Context())
	c.Close()
	g.Wait(t.Context())
	close(made)
	for f := range made {
		all = append(all, f)
		if n := f.closed.Load(); n != 1 {
			t.Errorf("a model was closed %d times", n)
		}
	}
	if len(all) == 0 || c.Len() != 0 {
		t.Errorf("%d models were loaded, %d are left", len(all), c.Len())
	}
}
