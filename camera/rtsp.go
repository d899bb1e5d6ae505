package camera

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"time"

	"faird/camera/fetch"
	"faird/camera/rtsp"
	"faird/config"
	"faird/verdict"

	"github.com/rs/zerolog"
	"golang.org/x/time/rate"
)

const (
	// rtspLatency is what is assumed to pass between exposure and arrival: encoder,
	// network. Measure it where parts are triggered.
	rtspLatency = 500 * time.Millisecond
	// keyFrameWait bounds how long a stream may go without a picture that decoding
	// can begin with.
	keyFrameWait = 30 * time.Second
)

// parseRTSP understands rtsp(s)://… The query belongs to the camera, but for the
// keys named here.
func parseRTSP(u *url.URL, q *query) (plan, error) {
	if u.Hostname() == "" {
		return plan{}, fmt.Errorf("no host: write %s://camera.example/stream", u.Scheme)
	}
	q.err = nil // what is odd in the camera's own query is no concern of ours
	latency := q.duration("latency", rtspLatency, maxLatency)
	transport := q.word("transport", "tcp", "tcp", "udp")
	want := q.expect()
	if u.Scheme == "rtsps" && transport == "udp" {
		return plan{}, errors.New("query key transport=udp: rtsps goes over tcp only")
	}
	c := rtspCamera{udp: transport == "udp", address: address(u), latency: latency, seen: newRepeats(), slow: &rate.Sometimes{Interval: time.Minute}}
	c.arrival = q.word("timestamps", "rtp", "rtp", "arrival") == "arrival"
	if err := q.certificates(u.Scheme, &c.fetch); err != nil {
		return plan{}, err
	}
	own := q.known
	q.values = nil // the rest is for the camera
	var err error
	if c.fetch.URL, err = url.Parse(withoutKeys(u, own)); err != nil {
		return plan{}, err
	}
	return plan{latency: latency, source: checking(want, c.make)}, nil
}

// rtspCamera is a network camera over RTSP.
type rtspCamera struct {
	fetch   fetch.Settings // the URL as the camera gets it, user and password included
	address string
	udp     bool
	latency time.Duration
	arrival bool // the camera's RTP timestamps are wrong
	seen    *repeats
	slow    *rate.Sometimes // logs that pictures are given up
	log     zerolog.Logger
	config  config.Camera

	stream  *rtsp.Stream
	decoder unitDecoder
	settles time.Time // what comes before may have waited in the camera or a recorder
	intact  time.Time // when the newest intact picture came, or the stream was opened
}

// unitDecoder turns encoded pictures into frames.
type unitDecoder interface {
	// put takes the next encoded picture, or the loss of one.
	put(u rtsp.Unit)
	// next fills the frame with the next picture, or with the fault of one, and
	// says whether there was any.
	next(f *Frame) (bool, error)
	close()
}

func (c rtspCamera) make(settings config.Camera, _ uint64) source {
	c.config = settings
	return &c
}

func (c *rtspCamera) logTo(log zerolog.Logger) { c.log = log }

func (c *rtspCamera) open(ctx context.Context) error {
	start := time.Now()
	if err := reach(ctx, c.address, c.config.OpenTimeout); err != nil {
		return err
	}
	secure, err := c.fetch.TLS()
	if err != nil {
		return err
	}
	left := c.config.OpenTimeout - time.Since(start)
	c.stream, err = rtsp.Open(ctx, rtsp.Options{
		URL: c.fetch.URL, UDP: c.udp, TLS: secure, Open: left * 8 / 10, Silence: c.config.ReadTimeout, Arrival: c.arrival, MaxUnit: 3*c.config.MaxPixels + 1<<16,
	})
	if err != nil {
		return fetch.ExplainCertificate(err)
	}
	c.intact = time.Now()
	c.settles = c.intact.Add(min(c.latency, c.config.ReadTimeout/2))
	c.decoder, err = newUnitDecoder(c.stream, c.config.MaxPixels, c.seen)
	return err
}

// read gives the next picture, or errQuiet after an encoded picture that gave
// none: the network is not silent while a key frame is awaited.
func (c *rtspCamera) read(ctx context.Context, f *Frame) error {
	switch done, err := c.decoder.next(f); {
	case err != nil:
		return err
	case done && f.Err == nil:
		c.intact = time.Now()
		fallthrough
	case done:
		if f.Captured.Before(c.settles) { // recorders begin with what they have kept since the last key frame
			f.reset()
			return errQuiet
		}
		return c.overdue()
	}
	if err := c.overdue(); err != nil {
		return err
	}
	return c.receive(ctx, f)
}

// receive takes the next encoded picture.
func (c *rtspCamera) receive(ctx context.Context, f *Frame) error {
	silence, cancel := context.WithTimeout(ctx, c.config.ReadTimeout*9/10)
	defer cancel()
	u, err := c.stream.Next(silence)
	if err != nil {
		return c.explain(ctx, err)
	}
	c.note(u)
	c.decoder.put(u)
	f.skipped.images += uint64(u.Skipped)
	return errQuiet
}

// note logs the limit on pictures that wait to be decoded.
func (c *rtspCamera) note(u rtsp.Unit) {
	if errors.Is(u.Err, rtsp.ErrSlow) {
		c.slow.Do(func() {
			c.log.Warn().Err(u.Err).Msg("pictures were given up, up to the next key frame; others in the next minute are only counted as incomplete")
		})
	}
}

// overdue is the error of a stream that brings no picture to begin decoding with.
func (c *rtspCamera) overdue() error {
	if time.Since(c.intact) < keyFrameWait {
		return nil
	}
	return fmt.Errorf("no picture could be decoded for %v, none being a key frame: lower the camera's key frame (I-frame, GOP) interval, and switch intra refresh off", keyFrameWait)
}

func (c *rtspCamera) explain(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("no picture came for %v: check the camera and its cable, or raise read_timeout", c.config.ReadTimeout*9/10)
	case errors.Is(err, io.EOF):
		return errEnded
	}
	return err
}

func (c *rtspCamera) close() {
	if c.stream != nil {
		c.stream.Close()
	}
	if c.decoder != nil {
		c.decoder.close()
	}
}

// stampFrame notes when a picture was captured as far as its arrival tells.
func stampFrame(f *Frame, at time.Time) { f.Captured, f.Exposure = at, verdict.Estimated }
