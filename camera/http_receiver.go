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
	catchUp time.Duration
	changed chan struct{} // holds a token after a change
	done    chan struct{} // closed once the goroutine has ended

	mu      sync.Mutex
	newest  *part
	taken   *part   // with the taker until it asks for the next
	spare   []*part // their memory is used again
	skipped skipped
	err     error // why the stream ended
}

// receive reads until the stream ends or ctx does, which must interrupt reading.
func receive(ctx context.Context, from *mjpeg.Reader, seen *repeats) *receiver {
	r := &receiver{catchUp: catchUp, changed: make(chan struct{}, 1), done: make(chan struct{})}
	go func() {
		defer close(r.done)
		r.run(ctx, from, seen)
	}()
	return r
}

func (r *receiver) wait() { <-r.done }

func (r *receiver) run(ctx context.Context, from *mjpeg.Reader, seen *repeats) {
	p := &part{}
	for {
		p.err = from.Next(&p.Part)
		if p.err != nil && fault.Of(p.err) == "" {
			r.finish(ctx, p.err)
			return
		}
		if p.err == nil {
			p.err = seen.check(p.Data)
		}
		p = r.offer(p)
	}
}

// offer replaces the newest image and returns memory for the next. A repetition
// does not replace the original, which arrived earlier.
func (r *receiver) offer(p *part) *part {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.newest != nil && fault.Of(p.err) == verdict.Repeated {
		r.skipped.add(p.err)
		return p
	}
	old := r.newest
	r.newest = p
	r.signal()
	if old != nil {
		r.skipped.add(old.err)
		return old
	}
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

// signal wakes the taker. The lock is held.
func (r *receiver) signal() {
	select {
	case r.changed <- struct{}{}:
	default:
	}
}

// next waits for an image; it is valid until the next call. After the last one
// comes the error that ended the stream.
func (r *receiver) next(ctx context.Context) (*part, error) {
	for {
		some, behind := r.peek()
		switch {
		case !some:
			select {
			case <-r.changed:
			case <-ctx.Done():
				return nil, ctx.Err()
			}
			continue
		case behind:
			r.await(ctx)
		}
		return r.take()
	}
}

// peek says whether there is something to take, and whether a newer image is on
// its way.
func (r *receiver) peek() (some, behind bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.newest != nil || r.err != nil, r.newest != nil && r.newest.Behind && r.err == nil
}

// await waits until nothing newer is on its way, but not for long.
func (r *receiver) await(ctx context.Context) {
	timer := time.NewTimer(r.catchUp)
	defer timer.Stop()
	for _, behind := r.peek(); behind; _, behind = r.peek() {
		select {
		case <-r.changed:
		case <-timer.C:
			return
		case <-ctx.Done():
			return
		}
	}
}

func (r *receiver) take() (*part, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.taken != nil {
		r.spare = append(r.spare, r.taken)
		r.taken = nil
	}
	p := r.newest
	if p == nil {
		return nil, r.err
	}
	r.newest, r.taken = nil, p
	p.skipped, r.skipped = r.skipped, skipped{}
	return p, nil
}
