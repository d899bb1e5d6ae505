package rtsp

import (
	"context"
	"errors"
	"io"
	"sync"

	"faird/camera/fault"
)

// queue holds received pictures until they are decoded. It is bounded: where
// decoding is slower than the stream, pictures that others depend on are given
// up together, up to the next key frame, and of independent ones the newest
// stays.
type queue struct {
	maxBytes int
	ready    chan struct{} // capacity 1: something changed

	mu    sync.Mutex
	units []Unit
	bytes int
	err   error // the stream has ended
}

// maxQueued bounds the pictures that wait, about two seconds of a stream.
const maxQueued = 50

func newQueue(maxUnit int) *queue {
	return &queue{maxBytes: 4 * maxUnit, ready: make(chan struct{}, 1)}
}

// ErrSlow is wrapped by the fault of pictures that were given up because the queue
// was full.
var ErrSlow = errors.New("decoding is slower than the stream")

// put never blocks. independent pictures can be decoded without those before.
func (q *queue) put(u Unit, independent bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if n := len(q.units); independent && n > 0 && u.Err == nil && q.units[n-1].Err == nil {
		u.Skipped += q.units[n-1].Skipped + 1
		q.drop(n - 1)
	}
	if len(q.units) >= maxQueued || q.bytes+len(u.Data) > q.maxBytes {
		q.drop(0)
		q.units = append(q.units, Unit{Time: u.Time, Gap: true, Err: fault.Incomplete("%w: lower the camera's rate or size", ErrSlow)})
		u.Gap = true
	}
	q.units = append(q.units, u)
	q.bytes += len(u.Data)
	q.wake()
}

// drop forgets the units from the nth on.
func (q *queue) drop(n int) {
	for i := range q.units[n:] {
		q.bytes -= len(q.units[n+i].Data)
		q.units[n+i] = Unit{}
	}
	q.units = q.units[:n]
}

func (q *queue) end(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.err = err; err == nil {
		q.err = io.EOF
	}
	q.wake()
}

func (q *queue) wake() {
	select {
	case q.ready <- struct{}{}:
	default:
	}
}

func (q *queue) take() (Unit, bool, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.units) == 0 {
		return Unit{}, false, q.err
	}
	u := q.units[0]
	q.units[0] = Unit{}
	q.units = q.units[1:]
	q.bytes -= len(u.Data)
	return u, true, nil
}

func (q *queue) next(ctx context.Context) (Unit, error) {
	for {
		if u, ok, err := q.take(); ok || err != nil {
			return u, err
		}
		select {
		case <-q.ready:
		case <-ctx.Done():
			return Unit{}, errors.Join(errSilent, ctx.Err())
		}
	}
}

// errSilent says that nothing came while there was time.
var errSilent = errors.New("no picture came")
