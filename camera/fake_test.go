package camera

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"faird/config"
	"faird/verdict"

	"github.com/rs/zerolog"
	"gocv.io/x/gocv"
)

// script is a source that a test plays by hand. It stands in for a driver whose
// calls hang, which no real part does on demand.
type script struct {
	mu     sync.Mutex
	opens  int
	opened func(attempt int) error                         // nil: opens
	reads  func(ctx context.Context, attempt, n int) error // nil: a picture each time
	closed atomic.Int64
}

type scripted struct {
	*script
	attempt, n int
}

func (s *script) plan(latency time.Duration) plan {
	return plan{name: "script", latency: latency, source: func(config.Camera, uint64) source {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.opens++
		return &scripted{script: s, attempt: s.opens}
	}}
}

func (s *scripted) open(context.Context) error {
	if s.opened == nil {
		return nil
	}
	return s.opened(s.attempt)
}

func (s *scripted) read(ctx context.Context, f *Frame) error {
	s.n++
	if s.reads != nil {
		if err := s.reads(ctx, s.attempt, s.n); err != nil {
			return err
		}
	}
	if f.mat.Empty() {
		_ = f.mat.Close()
		f.mat = gocv.NewMatWithSize(4, 4, gocv.MatTypeCV8UC3)
	}
	f.mat.SetUCharAt(0, 0, uint8(s.n))
	f.Captured, f.Exposure = time.Now(), verdict.Estimated
	return nil
}

func (s *scripted) close() { s.closed.Add(1) }

func scriptCamera(t *testing.T, s *script, latency time.Duration) *Camera {
	t.Helper()
	cam := newCamera(withDefaults(config.Camera{
		OpenTimeout: 30 * time.Millisecond, ReadTimeout: 30 * time.Millisecond,
		BackoffMin: time.Millisecond, BackoffMax: 4 * time.Millisecond,
	}), s.plan(latency), zerolog.Nop())
	return cam
}

func every(d time.Duration) func(context.Context, int, int) error {
	return func(ctx context.Context, _, _ int) error {
		if !sleep(ctx, d) {
			return ctx.Err()
		}
		return nil
	}
}

func TestTriggeredFrameIsExposedAfterTheTrigger(t *testing.T) {
	const latency = 25 * time.Millisecond
	cam := scriptCamera(t, &script{reads: every(2 * time.Millisecond)}, latency)
	runUntilEnd(t, cam)
	for range 10 {
		trigger := time.Now()
		f := next(t, cam, trigger)
		if age := f.Captured.Sub(trigger); age <= latency {
			t.Errorf("captured %v after the trigger; with a latency of %v it was exposed before", age, latency)
		}
		f.Release()
	}
}

func TestNewestWinsAndDropsAreCounted(t *testing.T) {
	gate := make(chan struct{})
	cam := scriptCamera(t, &script{reads: func(ctx context.Context, _, n int) error {
		if n <= 5 {
			return nil
		}
		select {
		case <-gate:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}}, 0)
	cam.settings.ReadTimeout = patience
	runUntilEnd(t, cam)
	eventually(t, cam, "at five", func(s Status) bool { return s.Frames == 5 })
	f := next(t, cam, time.Time{})
	defer f.Release()
	if f.Sequence != 5 || f.Picture.GetUCharAt(0, 0) != 5 {
		t.Errorf("frame %d, picture %d, want the fifth", f.Sequence, f.Picture.GetUCharAt(0, 0))
	}
	if s := cam.Status(); s.Dropped != 4 {
		t.Errorf("%d dropped, want 4", s.Dropped)
	}
	_, err := cam.Next(short(t, 10*time.Millisecond), time.Time{})
	wantErr(t, err, context.DeadlineExceeded)
	if errors.Is(err, ErrLost) {
		t.Errorf("a connected camera is called lost: %v", err)
	}
	close(gate)
	g := next(t, cam, time.Time{})
	if g.Sequence < 6 {
		t.Errorf("frame %d was handed out twice", g.Sequence)
	}
	g.Release()
}

func TestTakerThatKeepsEverything(t *testing.T) {
	cam := scriptCamera(t, &script{reads: every(time.Millisecond)}, 0)
	runUntilEnd(t, cam)
	var held []*Frame
	for range poolSize - 1 {
		held = append(held, next(t, cam, time.Time{}))
	}
	before := cam.Status()
	eventually(t, cam, "reading on", func(s Status) bool { return s.Frames > before.Frames+20 })
	if made := cam.pool.made; made != poolSize {
		t.Errorf("%d frames exist, want %d", made, poolSize)
	}
	for i, f := range held {
		if i > 0 && f.Sequence <= held[i-1].Sequence {
			t.Error("order")
		}
		f.Release()
		f.Release() // is refused and logged, and nothing else
	}
	after := time.Now()
	f := next(t, cam, after)
	if !f.Captured.After(after) {
		t.Error("stale")
	}
	f.Release()
	s := cam.Status()
	if s.Dropped == 0 || s.Dropped > s.Frames {
		t.Errorf("%+v", s)
	}
}

func TestStuckCallsAreAbandonedAndBounded(t *testing.T) {
	for _, where := range []string{"open", "read"} {
		t.Run(where, func(t *testing.T) {
			release := make(chan struct{})
			s := &script{}
			stuck := func(attempt int) error { // deaf to its context, as C is
				if attempt <= 3 {
					<-release
				}
				return nil
			}
			if where == "open" {
				s.opened = stuck
			} else {
				s.reads = func(ctx context.Context, attempt, n int) error {
					if n > 1 {
						return every(time.Millisecond)(ctx, attempt, n)
					}
					return stuck(attempt)
				}
			}
			cam := scriptCamera(t, s, 0)
			cam.maxStuck = 3
			runUntilEnd(t, cam)
			st := eventually(t, cam, "at the bound", func(s Status) bool { return s.Abandoned == 3 && s.Err != "" })
			eventually(t, cam, "saying so", func(s Status) bool { return len(s.Err) > 0 && s.Err[0] == '3' })
			if s.closed.Load() != 0 || st.Connected {
				t.Errorf("closed %d while stuck, %+v", s.closed.Load(), st)
			}
			close(release)
			next(t, cam, time.Time{}).Release()
			for s.closed.Load() < 3 { // each stuck one closes what it opened
				time.Sleep(time.Millisecond)
			}
			if st := cam.Status(); st.Abandoned != 3 {
				t.Errorf("%+v", st)
			}
		})
	}
}

func TestNothingOldAfterALoss(t *testing.T) {
	broken := errors.New("cable")
	s := &script{reads: func(_ context.Context, attempt, n int) error {
		if attempt == 1 && n == 2 {
			return broken
		}
		if attempt > 1 {
			return errors.New("still")
		}
		return nil
	}}
	cam := scriptCamera(t, s, 0)
	runUntilEnd(t, cam)
	eventually(t, cam, "lost", func(s Status) bool { return s.Frames == 1 && !s.Connected })
	f, err := cam.Next(short(t, 20*time.Millisecond), time.Time{})
	if f != nil {
		t.Fatalf("frame %d from before the loss was handed out", f.Sequence)
	}
	wantErr(t, err, ErrLost)
}

func TestRunOnlyOnceAndNextAfterTheEnd(t *testing.T) {
	cam := scriptCamera(t, &script{reads: every(time.Millisecond)}, 0)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- cam.Run(ctx) }()
	f := next(t, cam, time.Time{})
	if err := cam.Run(ctx); err == nil {
		t.Error("a second Run was let in")
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if f.Picture.Empty() {
		t.Error("the frame in hand was freed")
	}
	f.Release()
	_, err := cam.Next(context.Background(), time.Time{})
	wantErr(t, err, ErrClosed)
}

func TestBackoffGrowsWithinItsBounds(t *testing.T) {
	b := backoff{min: 10 * time.Millisecond, max: 100 * time.Millisecond}
	for i := range 50 {
		low, high := b.min, b.max
		if i < 3 {
			high = b.min << i
		} else if i > 4 {
			low = b.max / 2
		}
		if d := b.next(); d < low || d > high {
			t.Errorf("pause %d is %v, want %v..%v", i, d, low, high)
		}
	}
	b.reset()
	if d := b.next(); d != b.min {
		t.Errorf("after a reset %v, want %v", d, b.min)
	}
}

func TestLogsOncePerOutage(t *testing.T) {
	var mu sync.Mutex
	counts := map[string]int{}
	hook := zerolog.HookFunc(func(_ *zerolog.Event, l zerolog.Level, msg string) {
		mu.Lock()
		defer mu.Unlock()
		if l >= zerolog.InfoLevel {
			counts[msg]++
		}
	})
	s := &script{
		opened: func(attempt int) error {
			if attempt%10 != 1 {
				return errors.New("no answer")
			}
			return nil
		},
		reads: func(ctx context.Context, attempt, n int) error {
			if attempt < 21 && n == 3 {
				return errors.New("cable")
			}
			return every(time.Millisecond)(ctx, attempt, n)
		},
	}
	cam := scriptCamera(t, s, 0)
	cam.log = zerolog.New(nil).Hook(hook)
	runUntilEnd(t, cam)
	eventually(t, cam, "back twice", func(s Status) bool { return s.Reopened == 2 })
	mu.Lock()
	defer mu.Unlock()
	if counts["camera lost"] != 2 || counts["camera connected"] != 3 {
		t.Errorf("log lines %v for two outages of ten attempts each", counts)
	}
}
