package camera

import (
	"time"

	"faird/camera/fault"
	"faird/config/redact"
)

// smoothing of the measured rate: the weight of the newest interval.
const smoothing = 0.1

// lost notes that the source is gone. It is logged once for each outage.
func (c *Camera) lost(cause error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	first := c.status.Connected || !c.outage
	c.outage = true
	if c.status.Connected {
		c.status.Connected, c.status.Since = false, time.Now()
	}
	c.status.Err, c.status.FPS = redact.Text(cause.Error()), 0
	c.last = time.Time{}
	if !c.plan.every && c.slot != nil && c.slot.Err == nil {
		c.discard() // it would be old; one that only says what was wrong is still to be answered for
	}
	event := c.log.Debug()
	if first {
		event = c.log.Warn()
	}
	event.Err(cause).Int("attempts", c.backoff.attempts).Uint64("abandoned", c.status.Abandoned).Msg("camera lost")
}

// count notes a frame just read: the camera is connected. The lock is held.
func (c *Camera) count(f *Frame) {
	c.status.Frames += f.skipped.images + 1
	c.status.Dropped += f.skipped.images
	c.status.Faults.Merge(f.skipped.faults)
	f.Sequence = c.status.Frames
	c.status.Faults.Add(fault.Of(f.Err))
	if f.Err == nil {
		c.status.Width, c.status.Height = f.Picture.Cols(), f.Picture.Rows()
	}
	c.rate(f.Captured, f.skipped.images+1)
	if !c.status.Connected {
		c.connected()
	}
}

// alive notes a sign of life. A source that gives pictures on call is connected
// by it; every other one by its first picture.
func (c *Camera) alive() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.plan.onCall && !c.status.Connected {
		c.connected()
		c.announce()
	}
}

// connected notes the first frame after opening. The lock is held.
func (c *Camera) connected() {
	now := time.Now()
	event := c.log.Info()
	if c.outage {
		c.status.Reopened++
		event = event.Int("attempts", c.backoff.attempts).Dur("outage", now.Sub(c.status.Since))
	}
	c.status.Connected, c.status.Since, c.status.Err = true, now, ""
	c.outage = false
	c.backoff.reset()
	event.Int("width", c.status.Width).Int("height", c.status.Height).Uint64("reopened", c.status.Reopened).Msg("camera connected")
}

// rate keeps a running mean of the interval between frames, of which n came since
// the last call.
func (c *Camera) rate(captured time.Time, n uint64) {
	if !c.last.IsZero() {
		interval := captured.Sub(c.last).Seconds() / float64(n)
		if c.status.FPS > 0 {
			interval = smoothing*interval + (1-smoothing)/c.status.FPS
		}
		if interval > 0 {
			c.status.FPS = 1 / interval
		}
	}
	c.last = captured
}
