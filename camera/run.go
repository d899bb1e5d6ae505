package camera

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"faird/camera/fault"
)

const (
	// closeTimeout is how long a source may take to close before it is abandoned.
	closeTimeout = time.Second
	// decodeTimeout is how long the decoding of an image may take that has arrived:
	// one of the largest size, on a machine that is busy with other things.
	decodeTimeout = 2 * time.Minute
	// loginPause is between attempts at a camera that refuses user or password.
	loginPause = 30 * time.Second
)

// ErrClosed is returned by [Camera.Next] after Run has ended.
var ErrClosed = errors.New("camera is closed")

// Run opens the source, reads it and brings it back when it is lost, until ctx
// ends: then it returns nil. When a source that ends has ended and its last
// frame was taken it returns io.EOF. It may be called once.
func (c *Camera) Run(ctx context.Context) error {
	c.mu.Lock()
	if c.phase != idle {
		c.mu.Unlock()
		return errors.New("camera runs already: open another one")
	}
	c.phase = running
	c.status.Err = "opening"
	c.mu.Unlock()

	err := c.keep(ctx)
	c.finish(err)
	return err
}

// keep runs one session after the other.
func (c *Camera) keep(ctx context.Context) error {
	for {
		w := c.startWorker(ctx)
		cause := c.session(ctx, w)
		over := ctx.Err() != nil || errors.Is(cause, io.EOF)
		if !over {
			c.lost(cause) // before closing, which may take its time
		}
		c.dismiss(w)
		if over {
			return c.drained(ctx)
		}
		if !sleep(ctx, c.pauseAfter(cause)) || !c.room(ctx) {
			return nil
		}
	}
}

// pauseAfter is how long to wait before the source is opened again.
func (c *Camera) pauseAfter(cause error) time.Duration {
	pause := c.backoff.next()
	if errors.Is(cause, fault.ErrLogin) {
		pause = max(pause, loginPause)
	}
	return pause
}

// drained waits until the last frame of an ended source was taken.
func (c *Camera) drained(ctx context.Context) error {
	if ctx.Err() == nil && c.emptied(ctx) {
		return io.EOF
	}
	return nil
}

// session works one source from opening to loss and returns why it ended.
func (c *Camera) session(ctx context.Context, w *worker) error {
	limit, doing := c.settings.OpenTimeout, "opening"
	timer := time.NewTimer(limit)
	defer timer.Stop()
	for {
		select {
		case r := <-w.out:
			limit, doing = c.settings.ReadTimeout+c.plan.pause, "reading"
			switch {
			case errors.Is(r.err, io.EOF) && !c.plan.undated:
				return errEnded // only files end; everything else is opened again
			case r.err != nil:
				return r.err
			case r.frame != nil:
				w.in <- c.put(ctx, r.frame)
			case r.decoding:
				limit, doing = decodeTimeout, "decoding"
			default:
				c.alive()
			}
			timer.Reset(limit)
		case <-timer.C:
			c.abandon(w)
			return fmt.Errorf("%s gave nothing within %v: %s", doing, limit, timeoutAdvice[doing])
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

var timeoutAdvice = map[string]string{
	"opening":  "check the camera and its cable, or raise open_timeout",
	"reading":  "check the camera and its cable, or raise read_timeout",
	"decoding": "is the machine overloaded?",
}

// dismiss stops a worker and waits for it, but not for ever; for one that was
// abandoned not at all.
func (c *Camera) dismiss(w *worker) {
	w.stop()
	if w.abandoned {
		return
	}
	limit := c.plan.closing
	if limit == 0 {
		limit = closeTimeout
	}
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-w.done:
	case <-timer.C:
		c.abandon(w)
	}
}

// room waits while as many threads are stuck as may be.
func (c *Camera) room(ctx context.Context) bool {
	for {
		c.mu.Lock()
		stuck, wait := c.stuck, c.wait()
		if stuck >= c.maxStuck {
			c.status.Err = fmt.Sprintf("%d calls into the camera's driver have not returned; waiting for one of them: check the driver, or restart faird", stuck)
		}
		c.mu.Unlock()
		if stuck < c.maxStuck {
			return true
		}
		select {
		case <-wait:
		case <-ctx.Done():
			return false
		}
	}
}

// finish frees what nobody holds and tells those who wait.
func (c *Camera) finish(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.phase, c.end = ended, ErrClosed
	if err != nil {
		c.end = err
	}
	c.discard()
	c.pool.close()
	if c.status.Connected {
		c.status.Connected, c.status.Since = false, time.Now()
	}
	c.status.Err = c.end.Error()
	c.announce()
}
