package camera

import (
	"context"
	"errors"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/time/rate"
)

// source is one opened origin of pictures. All calls come from one goroutine.
// A call may ignore its context while it sits in C; then it is abandoned.
type source interface {
	// open connects. It is called once, before read.
	open(ctx context.Context) error
	// read fills the frame's picture, capture time, and what else is known of
	// it. errQuiet says that the source lives and has no picture yet; io.EOF is
	// the end; any other error means the source is lost. An image that cannot be
	// judged is no error: the frame is marked with fail.
	read(ctx context.Context, f *Frame) error
	// close frees everything. It is called once, also when open failed.
	close()
}

// logger is a source that has more to say than what is wrong with it as a whole.
type logger interface {
	logTo(log zerolog.Logger)
}

// everyMinute lets a message through that others would only repeat.
func everyMinute() rate.Sometimes { return rate.Sometimes{Interval: time.Minute} }

// worker is one source on a goroutine of its own, and so, while it is in C, on an
// OS thread of its own. For each frame it sends, its owner sends one back to read
// into.
type worker struct {
	out   chan result
	in    chan *Frame
	done  chan struct{}
	frame *Frame // the one being read into
	stop  context.CancelFunc

	integrity integrity

	abandoned bool // under the camera's lock
}

// errQuiet is a source's sign of life while nothing asks it for a picture.
var errQuiet = errors.New("no picture was asked for")

// result is what a worker has to say: that it lives (nothing set; first once it
// has opened), that it decodes an image which has arrived, a frame, or its end.
type result struct {
	decoding bool
	frame    *Frame
	err      error
}

// startWorker opens the plan's source, past the pictures that were already read.
func (c *Camera) startWorker(ctx context.Context) *worker {
	c.mu.Lock()
	defer c.mu.Unlock()
	ctx, stop := context.WithCancel(ctx)
	w := &worker{
		out:   make(chan result),
		in:    make(chan *Frame, 1),
		done:  make(chan struct{}),
		frame: c.pool.must(c),
		stop:  stop,

		integrity: integrity{maxPixels: c.settings.MaxPixels, mixed: c.plan.mixed},
	}
	src := c.plan.source(c.settings, c.status.Frames)
	if l, ok := src.(logger); ok {
		l.logTo(c.log)
	}
	go func() {
		defer c.retire(w)
		defer src.close()
		w.work(ctx, src)
	}()
	return w
}

// work reads until the source ends, fails, or is told to stop.
func (w *worker) work(ctx context.Context, src source) {
	err := src.open(ctx)
	if !w.say(ctx, result{err: err}) || err != nil {
		return
	}
	for {
		w.frame.received = func() { w.say(ctx, result{decoding: true}) }
		switch err := src.read(ctx, w.frame); {
		case errors.Is(err, errQuiet):
			if !w.say(ctx, result{}) {
				return
			}
			continue
		case err != nil:
			w.say(ctx, result{err: err})
			return
		}
		reopen := w.integrity.admit(w.frame)
		w.frame.settle()
		if !w.say(ctx, result{frame: w.frame}) {
			return
		}
		w.frame = <-w.in
		if reopen != nil {
			w.say(ctx, result{err: reopen})
			return
		}
	}
}

// say sends a result unless nobody listens any more.
func (w *worker) say(ctx context.Context, r result) bool {
	select {
	case w.out <- r:
		return true
	case <-ctx.Done():
		return false
	}
}

// retire is a worker's last act: its frame goes back to the pool, or is freed
// if the camera has given the worker up.
func (c *Camera) retire(w *worker) {
	w.stop()
	c.mu.Lock()
	defer c.mu.Unlock()
	if w.abandoned {
		w.frame.free()
		c.stuck--
		c.announce()
	} else {
		c.pool.put(w.frame)
	}
	close(w.done)
}

// abandon gives up a worker that sits in a call past its deadline.
func (c *Camera) abandon(w *worker) {
	w.stop()
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case <-w.done: // it came back just now
		return
	default:
	}
	w.abandoned = true
	c.pool.disown()
	c.stuck++
	c.status.Abandoned++
}
