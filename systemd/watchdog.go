package systemd

import (
	"context"
	"sync"
	"time"

	"github.com/rs/zerolog"
)

// checkOutside is how often loops are looked at where nobody wants feeding: a
// stuck loop is logged all the same.
const checkOutside = 5 * time.Second

// Watchdog feeds the manager's watchdog only while every loop turns within its
// deadline, so that one stuck loop restarts the daemon, and an idle line, a
// dead camera or an absent broker does not. A nil Watchdog hands out nil loops.
type Watchdog struct {
	notifier *Notifier
	log      zerolog.Logger
	now      func() time.Time

	mu    sync.Mutex
	loops map[*Loop]struct{}
}

// NewWatchdog makes the watchdog, and gives the notifier a log; nothing is fed
// before Run.
func NewWatchdog(n *Notifier, log zerolog.Logger) *Watchdog {
	n.logTo(log)
	return &Watchdog{notifier: n, log: log, now: time.Now, loops: map[*Loop]struct{}{}}
}

// Loop adds a loop that promises a Turn at least every deadline, from now
// until its Close.
func (w *Watchdog) Loop(name string, deadline time.Duration) *Loop {
	if w == nil {
		return nil
	}
	l := &Loop{name: name, deadline: deadline, watchdog: w}
	l.begin(deadline)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.loops[l] = struct{}{}
	return l
}

// Run feeds at half of the manager's time-out until ctx ends, then returns
// nil. After a refusal it looks more often, so that a loop that turns again is
// fed for before the manager's patience is over.
func (w *Watchdog) Run(ctx context.Context) error {
	every := checkOutside
	if d := w.notifier.Watchdog(); d > 0 {
		every = d / 2
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		}
		if w.alive() {
			w.feed()
			timer.Reset(every)
		} else {
			timer.Reset(every / 8)
		}
	}
}

// alive looks at every loop and logs each that has got stuck or turns again.
func (w *Watchdog) alive() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	now, alive := w.now(), true
	for l := range w.loops {
		took, allowed, stuck, news := l.check(now)
		alive = alive && !stuck
		switch {
		case stuck && news:
			w.log.Error().Str("loop", l.name).Dur("took_ms", took).Dur("allowed_ms", allowed).
				Msg("loop is stuck, the watchdog is no longer fed")
		case news:
			w.log.Warn().Str("loop", l.name).Msg("loop turns again")
		}
	}
	return alive
}

func (w *Watchdog) feed() {
	if w.notifier.Watchdog() > 0 {
		w.notifier.feed()
	}
}

func (w *Watchdog) extend(d time.Duration) {
	if w.notifier.starting() {
		w.notifier.Extend(d)
	}
}

func (w *Watchdog) remove(l *Loop) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.loops, l)
}
