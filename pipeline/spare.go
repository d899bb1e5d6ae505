package pipeline

import (
	"context"
	"time"
)

// Work beside the line that may wait has the box while no station judges. Where
// they always do it is owed sparePart of the time, and gets it in pieces of
// spareBurst: it always goes forward.
const (
	sparePart  = 20 // one in twenty
	spareBurst = 50 * time.Millisecond
)

// Spare tells each, at once and whenever it changes, whether the box has time to
// spare for work that may wait. It returns when ctx ends.
func (b *Box) Spare(ctx context.Context, each func(spare bool)) { b.deps.lane.spare(ctx, each) }

func (l *lane) spare(ctx context.Context, each func(bool)) {
	var d debt
	had, since := false, time.Now()
	for first := true; ; first = false {
		judging, changed := l.look()
		now := time.Now()
		d.pass(now.Sub(since), had)
		spare := !judging || d.due
		if first || spare != had {
			each(spare)
		}
		had, since = spare, now
		if !d.wait(ctx, judging, changed) {
			return
		}
	}
}

// look says whether a station judges; changed is closed once that is otherwise.
func (l *lane) look() (judging bool, changed <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.changed == nil {
		l.changed = make(chan struct{})
	}
	return l.busy > 0, l.changed
}

// turned tells those who look; l.mu is held.
func (l *lane) turned() {
	if l.changed != nil {
		close(l.changed)
		l.changed = nil
	}
}

// debt is the time that waiting work is owed.
type debt struct {
	owed time.Duration // 0 to spareBurst
	due  bool          // it is being paid
}

// pass notes that some time went by, with or without the work.
func (d *debt) pass(long time.Duration, worked bool) {
	if worked {
		d.owed = max(0, d.owed-long)
		d.due = d.due && d.owed > 0
		return
	}
	d.owed = min(spareBurst, d.owed+long/sparePart)
	d.due = d.due || d.owed == spareBurst
}

// wait waits until something else may be so; false when ctx ended.
func (d *debt) wait(ctx context.Context, judging bool, changed <-chan struct{}) bool {
	var over <-chan time.Time
	if judging {
		left := (spareBurst - d.owed) * sparePart
		if d.due {
			left = d.owed
		}
		timer := time.NewTimer(left)
		defer timer.Stop()
		over = timer.C
	}
	select {
	case <-changed:
	case <-over:
	case <-ctx.Done():
		return false
	}
	return true
}
