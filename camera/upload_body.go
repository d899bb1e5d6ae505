package camera

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
	"time"
)

const (
	uploadBodies = 16          // bodies being received at a time
	uploadGrace  = time.Second // how long a body may take before it makes way for others
	uploadChunk  = 64 << 10    // bytes of memory that a body begins with
)

// bodies bounds the requests whose bodies are being received, and the memory of
// these and of those not decoded yet.
type bodies struct {
	mu     sync.Mutex
	coming []*body // oldest first
	bytes  int64   // still to be had
	most   int64   // of one body
}

func newBodies(most int64) *bodies { return &bodies{bytes: bodyMemory(most), most: most} }

// bodyMemory is what all bodies may have together: as many of the largest as may
// be judged, while each is copied from half the size.
func bodyMemory(most int64) int64 { return uploadSeats * (most + uploadChunk) * 3 / 2 }

// body is the body of one request.
type body struct {
	data  []byte
	home  *bodies
	began time.Time
	abort func() // makes its reading end
	late  bool   // it had to make way; under home's lock
}

// begin admits a body. When there are too many, the oldest makes way if it has
// had its time: a few slow senders keep nobody out.
func (bs *bodies) begin(abort func()) (*body, error) {
	bs.mu.Lock()
	defer bs.mu.Unlock()
	if len(bs.coming) >= uploadBodies {
		oldest := bs.coming[0]
		if time.Since(oldest.began) < uploadGrace {
			return nil, crowded("%d pictures are coming in already: send one after the other", uploadBodies)
		}
		oldest.late = true
		oldest.abort()
		bs.coming = bs.coming[1:]
	}
	b := &body{home: bs, began: time.Now(), abort: abort}
	bs.coming = append(bs.coming, b)
	return b, nil
}

// end notes that a body has been received or given up, and says whether it had
// to make way.
func (bs *bodies) end(b *body) (late bool) {
	bs.mu.Lock()
	defer bs.mu.Unlock()
	for i, other := range bs.coming {
		if other == b {
			bs.coming = append(bs.coming[:i:i], bs.coming[i+1:]...)
			break
		}
	}
	return b.late
}

// take reserves memory, if there is enough.
func (bs *bodies) take(n int64) bool {
	bs.mu.Lock()
	defer bs.mu.Unlock()
	if n > bs.bytes {
		return false
	}
	bs.bytes -= n
	return true
}

func (bs *bodies) give(n int64) {
	bs.mu.Lock()
	defer bs.mu.Unlock()
	bs.bytes += n
}

// release gives the body's memory back.
func (b *body) release() {
	b.home.give(int64(cap(b.data)))
	b.data = nil
}

// errNoMemory is a body for which nothing is left of what all may have.
var errNoMemory = errors.New("the pictures that are coming in are too large together: send one after the other")

// fill reads a whole body. Memory grows with what has come, whatever the request
// announces.
func (b *body) fill(r io.Reader) error {
	for {
		if len(b.data) == cap(b.data) {
			if err := b.grow(); err != nil {
				return err
			}
		}
		n, err := r.Read(b.data[len(b.data):cap(b.data)])
		b.data = b.data[:len(b.data)+n]
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (b *body) grow() error {
	size := max(uploadChunk, min(2*int64(cap(b.data)), b.home.most+uploadChunk))
	if !b.home.take(size) {
		return errNoMemory
	}
	larger := make([]byte, len(b.data), size)
	copy(larger, b.data)
	b.home.give(int64(cap(b.data)))
	b.data = larger
	return nil
}

// receive reads the picture that a request brings.
func (s *upload) receive(w http.ResponseWriter, r *http.Request) (*body, error) {
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Now().Add(s.settings.deadline))
	b, err := s.bodies.begin(func() { _ = control.SetReadDeadline(time.Now()) })
	if err != nil {
		return nil, err
	}
	err = b.fill(http.MaxBytesReader(w, r.Body, s.settings.most))
	if late := s.bodies.end(b); err != nil {
		b.release()
		return nil, s.unreceived(err, late)
	}
	_ = control.SetReadDeadline(time.Time{}) // else waiting for the verdict would end with it
	if err := s.bounded(b.data); err != nil {
		b.release()
		return nil, err
	}
	return b, nil
}

// unreceived is what is said of a body that did not come through.
func (s *upload) unreceived(err error, late bool) error {
	tooLarge := (*http.MaxBytesError)(nil)
	switch {
	case late:
		return crowded("the picture came too slowly while others were waiting")
	case errors.Is(err, errNoMemory):
		return crowded("%w", err)
	case errors.As(err, &tooLarge):
		return refusal{http.StatusRequestEntityTooLarge, fmt.Errorf("a picture may have %d bytes: send a smaller one, or raise max", s.settings.most)}
	case errors.Is(err, os.ErrDeadlineExceeded):
		return refusal{http.StatusRequestTimeout, fmt.Errorf("the picture did not come within %v", s.settings.deadline)}
	}
	return refusal{http.StatusBadRequest, fmt.Errorf("the picture did not come through: %w", err)}
}
