package systemd

import (
	"bytes"
	"context"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"
)

// clock is a time that only the test moves.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func newTestWatchdog(n *Notifier) (*Watchdog, *clock, *bytes.Buffer) {
	var out bytes.Buffer
	c := &clock{now: time.Unix(0, 0)}
	w := NewWatchdog(n, zerolog.New(&out))
	w.now = c.Now
	return w, c, &out
}

func TestLoopsHaveDeadlinesOfTheirOwn(t *testing.T) {
	w, c, out := newTestWatchdog(nil)
	expect := func(want bool, when string) {
		t.Helper()
		if w.alive() != want {
			t.Fatalf("alive %v %s, want %v; log:\n%s", !want, when, want, out)
		}
	}
	expect(true, "without loops")
	capture, trigger := w.Loop("cap/capture", 2*time.Second), w.Loop("cap/trigger", 10*time.Second)
	c.pass(2 * time.Second)
	expect(true, "at a deadline")
	c.pass(time.Second)
	expect(false, "past the deadline of one loop")
	c.pass(time.Second)
	expect(false, "still past it")
	capture.Turn()
	expect(true, "after its turn")
	capture.Allow(time.Minute)
	trigger.Close()
	c.pass(59 * time.Second)
	expect(true, "within an allowance, the other loop closed")
	c.pass(2 * time.Second)
	expect(false, "past the allowance")
	capture.Turn()
	c.pass(3 * time.Second)
	expect(false, "past the deadline that holds again after the allowance")
	capture.Close()
	capture.Close()
	expect(true, "with every loop closed")
}

func TestStuckLoopIsLoggedOnce(t *testing.T) {
	w, c, out := newTestWatchdog(nil)
	l := w.Loop("cap/inspect", time.Second)
	c.pass(90 * time.Second)
	for range 5 {
		w.alive()
	}
	log := out.String()
	if strings.Count(log, "\n") != 1 || !strings.Contains(log, `"loop":"cap/inspect"`) || !strings.Contains(log, `"took_ms":90000`) {
		t.Fatalf("log %q, want one line with the loop's name and 90000 ms", log)
	}
	l.Turn()
	w.alive()
	w.alive()
	if log := strings.TrimPrefix(out.String(), log); strings.Count(log, "\n") != 1 || !strings.Contains(log, "turns again") {
		t.Errorf("log %q, want one line saying that the loop turns again", log)
	}
}

func TestAllowAsksForTimeWhileStarting(t *testing.T) {
	m := newManager(t, filepath.Join(t.TempDir(), "notify"))
	n := New()
	l := NewWatchdog(n, zerolog.Nop()).Loop("cap/inspect", time.Second)
	l.Allow(10 * time.Minute)
	n.Ready("ready")
	l.Allow(10 * time.Minute)
	n.Stopping()
	m.want("EXTEND_TIMEOUT_USEC=600000000", "READY=1\nSTATUS=ready", "STOPPING=1")
}

func TestBrokenEnvironmentIsLogged(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "/nowhere")
	watchdogEnv(t, "soon", "")
	_, _, out := newTestWatchdog(New())
	if !strings.Contains(out.String(), "WATCHDOG_USEC") {
		t.Errorf("log %q, want one that names WATCHDOG_USEC", out)
	}
}

func TestNilWatchdogHandsOutNilLoops(t *testing.T) {
	var w *Watchdog
	l := w.Loop("cap/capture", time.Second)
	if l != nil {
		t.Fatalf("loop %v, want nil", l)
	}
	l.Turn()
	l.Allow(time.Second)
	l.Close()
}

// start runs the watchdog of a daemon that is ready, with a time-out of 200 ms,
// until the test ends.
func start(t *testing.T) (*manager, *Watchdog) {
	m := newManager(t, filepath.Join(t.TempDir(), "notify"))
	watchdogEnv(t, "200000", "")
	n := New()
	n.Ready("ready")
	m.want("READY=1\nSTATUS=ready")
	w := NewWatchdog(n, zerolog.Nop())
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- w.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return m, w
}

// fallsSilent waits until nothing has come for four times the time-out, which
// is when a manager would long have acted.
func (m *manager) fallsSilent() {
	m.t.Helper()
	for range 10 {
		if _, err := m.within(800 * time.Millisecond); err != nil {
			return
		}
	}
	m.t.Fatal("the feeding never stops")
}

func TestIdleDaemonIsFed(t *testing.T) {
	m, _ := start(t)
	m.want("WATCHDOG=1", "WATCHDOG=1", "WATCHDOG=1")
}

func TestStuckLoopStopsTheFeeding(t *testing.T) {
	m, w := start(t)
	l := w.Loop("cap/inspect", time.Nanosecond)
	m.fallsSilent()
	l.Allow(time.Hour)
	m.want("WATCHDOG=1", "WATCHDOG=1")
	l.Turn()
	m.fallsSilent()
	l.Close()
	m.want("WATCHDOG=1", "WATCHDOG=1")
}

// A loop that waits with a deadline for what never comes keeps turning: for an
// idle trigger, a dead camera, an absent broker.
func TestWaitingInVainIsFed(t *testing.T) {
	m, w := start(t)
	l := w.Loop("cap/trigger", 10*time.Second)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			wait, stop := context.WithTimeout(ctx, 20*time.Millisecond)
			<-wait.Done()
			stop()
			l.Turn()
		}
	}()
	for range 3 * 2 { // three times the time-out
		m.want("WATCHDOG=1")
	}
	cancel()
	<-done
}
