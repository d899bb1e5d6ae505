package camera

import (
	"context"
	"time"

	"faird/verdict"
)

// take hands out the frame in the slot if it was exposed after the given time;
// else it returns a channel that closes at the next change, or the end's error.
func (c *Camera) take(after time.Time) (*Frame, <-chan struct{}, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.slot != nil && c.plan.every && !c.exposedAfter(c.slot, after) {
		c.discard() // it would be in the way of the one that is waited for
		c.announce()
	}
	if f := c.slot; f != nil && c.exposedAfter(f, after) {
		c.slot = nil
		f.out = true
		if c.plan.undated {
			f.Captured = time.Now()
		}
		c.announce()
		return f, nil, nil
	}
	if c.phase == ended {
		return nil, nil, c.end
	}
	return nil, c.wait(), nil
}

// exposedAfter tells whether a frame was exposed later than a trigger: for
// certain where its exposure is known, else by the source's latency.
func (c *Camera) exposedAfter(f *Frame, after time.Time) bool {
	exposed := f.Captured
	if f.Exposure != verdict.Measured {
		exposed = exposed.Add(-c.plan.latency)
	}
	return c.plan.undated || after.IsZero() || exposed.After(after)
}

// put offers a frame that was just read and returns the frame to read into
// next. From a live source the newest frame wins and put returns at once; from
// one where every picture counts it waits for the taker.
func (c *Camera) put(ctx context.Context, f *Frame) *Frame {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.count(f)
	if c.plan.every {
		return c.putInTurn(ctx, f)
	}
	next := c.slot
	if next == nil {
		next = c.pool.get(c)
	} else {
		c.status.Dropped++
		next.reset()
	}
	if next == nil { // the taker holds them all
		c.status.Dropped++
		f.reset()
		return f
	}
	c.slot = f
	c.announce()
	return next
}

// putInTurn waits until the frame before has been taken. The lock is held on
// entry and exit, not while waiting.
func (c *Camera) putInTurn(ctx context.Context, f *Frame) *Frame {
	for c.slot != nil {
		wait := c.wait()
		c.mu.Unlock()
		select {
		case <-wait:
			c.mu.Lock()
		case <-ctx.Done():
			c.mu.Lock()
			f.reset()
			return f
		}
	}
	c.slot = f
	c.announce()
	return c.pool.must(c)
}

// emptied waits until the last frame was taken and says whether it was.
func (c *Camera) emptied(ctx context.Context) bool {
	for {
		c.mu.Lock()
		empty, wait := c.slot == nil, c.wait()
		c.mu.Unlock()
		if empty {
			return true
		}
		select {
		case <-wait:
		case <-ctx.Done():
			return false
		}
	}
}

// discard throws away the frame that nobody took: after a loss it would be old.
func (c *Camera) discard() {
	if c.slot == nil {
		return
	}
	c.status.Dropped++
	c.pool.put(c.slot)
	c.slot = nil
}

// wait returns a channel that closes at the next change. The lock is held.
func (c *Camera) wait() <-chan struct{} {
	if c.changed == nil {
		c.changed = make(chan struct{})
	}
	return c.changed
}

// announce wakes everybody who waits for a change. The lock is held.
func (c *Camera) announce() {
	if c.changed != nil {
		close(c.changed)
		c.changed = nil
	}
}
