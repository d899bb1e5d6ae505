package camera

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"faird/camera/fetch"
	"faird/camera/imagefile"
	"faird/config"
)

const (
	// httpLatency is assumed to pass between exposure and arrival: encoder and network.
	httpLatency = 200 * time.Millisecond
	// The bytes of an encoded image are bounded by those of its pixels, and for very
	// large limits by what no camera sends, with room for metadata.
	mostImageBytes = 64 << 20
	metadataBytes  = 64 << 10

	onTrigger = "trigger" // every=trigger
)

// httpSettings are what the URL of an HTTP camera says.
type httpSettings struct {
	fetch   fetch.Settings
	address string
	latency time.Duration
	every   time.Duration // between single images; 0: a stream, or on demand
	demand  chan struct{} // asks for a single image; nil: nobody does
	seen    *repeats
}

// single says that the camera is asked for one image at a time.
func (s *httpSettings) single() bool { return s.every > 0 || s.demand != nil }

// parseHTTP understands http(s)://user:password@camera/path. The query belongs to
// the camera, but for the keys read here.
func parseHTTP(u *url.URL, q *query) (plan, error) {
	if u.Hostname() == "" {
		return plan{}, fmt.Errorf("no host: write %s://camera.example/stream", u.Scheme)
	}
	q.err = nil // what is odd in the camera's own query is no concern of ours
	s := httpSettings{address: address(u), seen: newRepeats(), latency: q.duration("latency", httpLatency, maxLatency)}
	p := plan{latency: s.latency}
	switch every, asked := q.get("every"); {
	case every == onTrigger:
		s.demand = make(chan struct{}, 1)
		p.demand, p.onCall, p.pause = s.demand, true, s.latency
	case asked:
		if s.every = q.duration("every", 0, time.Hour); s.every == 0 {
			q.wrong("every", every, "a duration such as 500ms, or trigger")
		}
		p.pause = s.every
	}
	want := q.expect()
	if err := q.certificates(u.Scheme, &s.fetch); err != nil {
		return plan{}, err
	}
	own := q.known
	q.values = nil // the rest is for the camera
	var err error
	if s.fetch.URL, err = url.Parse(withoutKeys(u, own)); err != nil {
		return plan{}, err
	}
	p.source = checking(want, s.make)
	return p, nil
}

// certificates reads how the camera's certificate is checked.
func (q *query) certificates(scheme string, s *fetch.Settings) (err error) {
	s.CA, _ = q.get("tls_ca")
	pin, pinned := q.get("tls_pin")
	switch {
	case !strings.HasSuffix(scheme, "s") && (s.CA != "" || pinned):
		return fmt.Errorf("tls_ca and tls_pin: %s has no certificates: write %ss, or take them out", scheme, scheme)
	case s.CA != "" && pinned:
		return errors.New("tls_ca and tls_pin: give one of them")
	case pinned:
		if s.Pin, err = fetch.ParsePin(pin); err != nil {
			return fmt.Errorf("query key tls_pin: %w", err)
		}
	}
	return nil
}

// httpCamera is a network camera over HTTP: Motion JPEG, or single images.
type httpCamera struct {
	httpSettings
	config  config.Camera
	client  *fetch.Client
	decoder *imagefile.Decoder
	cancel  context.CancelCauseFunc // ends the request made when it was opened
	images  images
}

// images is how the answer to the first request is gone on with.
type images interface {
	read(ctx context.Context, f *Frame) error
	close()
}

func (s httpSettings) make(c config.Camera, _ uint64) source {
	return &httpCamera{httpSettings: s, config: c}
}

func (c *httpCamera) open(ctx context.Context) (err error) {
	if c.client, err = fetch.New(c.fetch); err != nil {
		return err
	}
	c.decoder = imagefile.NewDecoder(c.config.MaxPixels)
	ctx, c.cancel = context.WithCancelCause(ctx)
	limit := beforeOurs(c.config.OpenTimeout)
	timer := time.AfterFunc(limit, func() {
		c.cancel(fmt.Errorf("no answer within %v: check the camera and the network, or raise open_timeout", limit))
	})
	defer timer.Stop()
	answer, err := c.client.Get(ctx)
	if err != nil {
		return err
	}
	c.images, err = c.take(ctx, answer)
	return err
}

// beforeOurs is a time-out for the source itself, below the one after which its
// goroutine would be given up.
func beforeOurs(d time.Duration) time.Duration { return d * 9 / 10 }

// take decides by the media type what kind of camera it is, and goes on with the
// answer or closes it.
func (c *httpCamera) take(ctx context.Context, answer *fetch.Answer) (images, error) {
	kind := mediaType(answer.Type)
	if strings.HasPrefix(kind, "multipart/") && !c.single() {
		return c.openStream(ctx, answer), nil
	}
	defer answer.Body.Close()
	switch {
	case strings.HasPrefix(kind, "multipart/"):
		return nil, errors.New("the camera sends a stream of images: take every out of the url, or name the path of single images")
	case c.single():
		return c.openSnapshots(answer)
	case strings.HasPrefix(kind, "image/"):
		return nil, errors.New("the url gives a single image: add every=500ms to ask for one that often, or every=trigger to ask when a part comes")
	}
	return nil, fmt.Errorf("the camera sends %q: name a path that gives Motion JPEG (multipart/x-mixed-replace) or JPEG images, or use its rtsp:// stream", kind)
}

func mediaType(contentType string) string {
	kind, _, _ := strings.Cut(contentType, ";")
	return strings.ToLower(strings.TrimSpace(kind))
}

func (c *httpCamera) read(ctx context.Context, f *Frame) error { return c.images.read(ctx, f) }

func (c *httpCamera) close() {
	if c.cancel != nil {
		c.cancel(nil)
	}
	if c.images != nil {
		c.images.close()
	}
	if c.client != nil {
		c.client.Close()
	}
	if c.decoder != nil {
		_ = c.decoder.Close()
	}
}

// decode decodes an image that has arrived into the frame.
func (c *httpCamera) decode(data []byte, f *Frame) {
	f.received()
	header, err := c.decoder.Decode(data, &f.mat)
	if err != nil {
		f.fail(err)
		return
	}
	f.evidence.pixels = header.Pixels
}

// maxBytes bounds an encoded image.
func (c *httpCamera) maxBytes() int { return min(3*c.config.MaxPixels, mostImageBytes) + metadataBytes }
