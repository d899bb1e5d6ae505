package camera

import (
	"context"
	"fmt"
	"io"
	"time"

	"faird/camera/fetch"
	"faird/camera/mjpeg"
	"faird/verdict"
)

// httpStream is Motion JPEG over HTTP.
type httpStream struct {
	*httpCamera
	body     io.Closer
	receiver *receiver
	timeout  time.Duration
	settles  time.Time // what comes before may have waited in the camera or a proxy
	settled  bool
	skipped  skipped // since the last image that was handed out
}

// openStream reads on from the answer; ctx ends with the camera.
func (c *httpCamera) openStream(ctx context.Context, answer *fetch.Answer) *httpStream {
	s := &httpStream{httpCamera: c, body: answer.Body, timeout: beforeOurs(c.config.ReadTimeout)}
	s.settles = time.Now().Add(min(c.latency, s.timeout/2))
	reader := mjpeg.NewReader(answer.Body, answer.Type, c.maxBytes())
	s.receiver = receive(ctx, reader, c.seen)
	return s
}

// read gives the newest image. The first one, and all within the latency, may
// have been exposed at any time before the connection was made: some cameras keep
// their last images until somebody asks.
func (s *httpStream) read(ctx context.Context, f *Frame) error {
	a, err := s.next(ctx)
	if err != nil {
		return err
	}
	s.skipped.merge(a.skipped)
	if !s.settled {
		s.settled = a.Arrived.After(s.settles)
		s.skipped.add(a.err)
		return errQuiet
	}
	f.Captured, f.Exposure = a.Arrived, verdict.Estimated
	f.skipped.merge(s.skipped)
	s.skipped = skipped{}
	if a.err != nil {
		f.fail(a.err)
		return nil
	}
	s.decode(a.Data, f)
	return nil
}

// next waits for an image, however few bytes of one trickle in meanwhile.
func (s *httpStream) next(ctx context.Context) (*part, error) {
	silence := time.AfterFunc(s.timeout, func() {
		s.cancel(fmt.Errorf("no whole image came within %v: check the camera and the network, or raise read_timeout", s.timeout))
	})
	defer silence.Stop()
	return s.receiver.next(ctx)
}

// close ends the receiving goroutine; cancel has interrupted it.
func (s *httpStream) close() {
	s.receiver.wait()
	_ = s.body.Close()
}
