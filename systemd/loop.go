package systemd

import (
	"sync"
	"time"
)

// Loop is one loop's claim to be alive. Whoever runs the loop calls Turn on
// every turn, also on one that only waited in vain: a bounded wait for a
// camera, a trigger or a broker that ran out is a turn. A nil Loop is a no-op.
type Loop struct {
	name     string
	deadline time.Duration
	watchdog *Watchdog

	mu      sync.Mutex
	turned  time.Time     // start of the present turn
	allowed time.Duration // for the present turn
	stuck   bool          // as last seen and logged by the watchdog
}

// Turn says that the loop has completed a turn and starts the next one, which
// may take the loop's deadline.
func (l *Loop) Turn() {
	if l != nil {
		l.begin(l.deadline)
	}
}

// Allow gives the present turn d from now instead of the loop's deadline: for
// the building of a TensorRT engine, say. While the daemon starts it also asks
// the manager for that time. The next Turn returns to the loop's deadline.
func (l *Loop) Allow(d time.Duration) {
	if l == nil {
		return
	}
	l.begin(d)
	l.watchdog.extend(d)
}

// Close ends the claim: a loop that has ended keeps nobody waiting.
func (l *Loop) Close() {
	if l != nil {
		l.watchdog.remove(l)
	}
}

func (l *Loop) begin(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.turned, l.allowed = l.watchdog.now(), d
}

// check tells how long the present turn has taken, whether that is too long,
// and whether that answer is news since the last check.
func (l *Loop) check(now time.Time) (took, allowed time.Duration, stuck, news bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	took = now.Sub(l.turned)
	stuck = took > l.allowed
	news = stuck != l.stuck
	l.stuck = stuck
	return took, l.allowed, stuck, news
}
