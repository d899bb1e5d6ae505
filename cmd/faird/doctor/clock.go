package doctor

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"faird/store"
)

const (
	// clockWatch is how long the two clocks are compared for.
	clockWatch = time.Second
	// jump is more than a time service moves a clock by slewing.
	jump = 20 * time.Millisecond
)

// oldest is before any build of this program: a box without a battery starts there.
var oldest = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// checkClock says whether something keeps the clock right, and whether it jumps.
func (d *Doctor) checkClock(ctx context.Context) []Finding {
	list := []Finding{synchronised(unix.Adjtimex)}
	if now := time.Now(); now.Before(oldest) {
		list = append(list, fail("it is "+now.Format(time.RFC3339)+" by this clock", "set it: timedatectl set-time, and start a time service"))
	}
	if moved := clockMoves(ctx, clockWatch); moved.Abs() > jump {
		list = append(list, warn(fmt.Sprintf("the clock jumped by %v within %v", moved.Round(time.Millisecond), clockWatch), "let one time service alone set it; verdicts of that moment say clock: unsynchronised"))
	}
	if d.config == nil {
		return list
	}
	if p, err := store.Peek(ctx, d.config.Store, 0); err == nil {
		if ahead := time.Until(p.Newest); ahead > time.Minute {
			list = append(list, warn(fmt.Sprintf("the newest verdict is from %s, %v ahead of the clock: it was set back, or was wrong then", p.Newest.UTC().Format(time.RFC3339), ahead.Round(time.Second)), "see that a time service runs before faird"))
		}
	}
	return list
}

// synchronised asks the kernel, adjtimex(2).
func synchronised(adjtimex func(*unix.Timex) (int, error)) Finding {
	var t unix.Timex
	state, err := adjtimex(&t)
	switch {
	case err != nil:
		return warn("the kernel does not say whether the clock is right: "+err.Error(), "timedatectl says what sets it")
	case state == unix.TIME_ERROR || t.Status&unix.STA_UNSYNC != 0:
		return warn("nothing synchronises the clock: verdicts say clock: unsynchronised", "apt install systemd-timesyncd or chrony, and name the plant's time server")
	}
	return ok(fmt.Sprintf("synchronised, right within %v by its own account", (time.Duration(t.Maxerror) * time.Microsecond).Round(time.Millisecond)))
}

// clockMoves is by how much the wall clock leaves the monotonic one behind.
func clockMoves(ctx context.Context, watch time.Duration) time.Duration {
	began := time.Now()
	select {
	case <-time.After(watch):
	case <-ctx.Done():
	}
	now := time.Now()
	return now.Round(0).Sub(began.Round(0)) - now.Sub(began)
}
