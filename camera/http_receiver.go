package camera

import (
	"context"
	"sync"
	"time"

	"faird/camera/fault"
	"faird/camera/mjpeg"
	"faird/verdict"
)

// catchUp is how long an image waits for a newer one that has begun to arrive.
// What a network held up comes at once when it flows again, and only the last of
// it is new.
const catchUp = 10 * time.Millisecond

// part is an image as it came, not decoded yet.
type part struct {
	mjpeg.Part
	err     error   // its fault
	skipped skipped // the images before it that nobody took
}

// skipped counts images that were replaced by a newer one before they were decoded.
type skipped struct {
	images uint64
	faults verdict.FaultCounts
}

func (s *skipped) add(err error) {
	s.images++
	s.faults.Add(fault.Of(err))
}

func (s *skipped) merge(more skipped) {
	s.images += more.images
	s.faults.Merge(more.faults)
}

// receiver receives a stream on a goroutine of its own, as fast as it comes, and
// keeps the newest image. If it were read only as fast as images are decoded they
// would queue up in TCP's buffers, and each would be older than the one before.
type receiver struct {
	ready chan struct{} // holds one token when there is something to take
	done  chan struct{} // closed once the goroutine has ended

	mu      sync.Mutex
	newest  *part
	taken   *part   // with the taker until it asks for the next
	spare   []*part // their memory is used again
	skipped skipped
	err     error // why the stream ended
}

// receive reads until the stream ends or ctx does, which must interrupt reading.
func receive(ctx context.Context, from *mjpeg.Reader, seen *repeats) *receiver {
	r := &receiver{ready: make(chan struct{}, 1), done: make(chan struct{})}
	go func() {
		defer close(r.done)
		r.run(ctx, from, seen)
	}()
	return r
}

func (r *receiver) wait() { <-r.done }

func (r *receiver) run(ctx context.Context, from *mjpeg.Reader, seen *repeats) {
	a := &part{}
	for {
		a.err = from.Next(&a.Part)
		if a.err != nil && fault.Of(a.err) == "" {
			r.finish(ctx, a.err)
			return
		}
		if a.err == nil {
			a.err = seen.check(a.Data)
		}
		a = r.offer(a)
	}
}

// offer replaces the newest image and returns memory for the next. A repetition
// does not replace the original, which arrived earlier.
func (r *receiver) offer(a *part) *part {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.newest != nil && fault.Of(a.err) == verdict.Repeated {
		r.skipped.add(a.err)
		return a
	}
	old := r.newest
	r.newest = a
	if old != nil {
		r.skipped.add(old.err)
		return old
	}
	r.signal()
	if n := len(r.spare); n > 0 {
		old = r.spare[n-1]
		r.spare = r.spare[:n-1]
		return old
	}
	return &part{}
}

func (r *receiver) finish(ctx context.Context, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	r.err = err
	r.signal()
}

// signal says that there is something to take. The lock is held.
func (r *receiver) signal() {
	select {
	case r.ready <- struct{}{}:
	default:
	}
}

// next waits for an image; it is valid until the next call. After the last one
// comes the error that ended the stream.
func (r *receiver) next(ctx context.Context) (*part, error) {
	select {
	case <-r.ready:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if r.isBehind() {
		sleep(ctx, catchUp)
	}
	return r.take()
}

func (r *receiver) isBehind() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.newest != nil && r.newest.Behind
}

func (r *receiver) take() (*part, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.taken != nil {
		r.spare = append(r.spare, r.taken)
		r.taken = nil
	}
	a := r.newest
	if a == nil {
		return nil, r.err
	}
	r.newest, r.taken = nil, a
	a.skipped, r.skipped = r.skipped, skipped{}
	if r.err != nil {
		r.signal()
	}
	return a, nil
}
