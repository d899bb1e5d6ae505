package camera

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"faird/config"

	"gocv.io/x/gocv"
)

// rtspLatency is assumed to pass between exposure and arrival: encoder, network,
// decoder. Measure it where parts are triggered.
const rtspLatency = 500 * time.Millisecond

var defaultPorts = map[string]string{"rtsp": "554", "rtsps": "322", "http": "80", "https": "443"}

// parseStream understands rtsp(s)://…. The query belongs to the camera, but for
// latency, expect and transport, which are ours.
func parseStream(u *url.URL, q *query) (plan, error) {
	if u.Hostname() == "" {
		return plan{}, fmt.Errorf("no host: write %s://camera.example/stream", u.Scheme)
	}
	q.err = nil // what is odd in the camera's own query is no concern of ours
	s := stream{name: redact(u.String()), address: address(u)}
	own := []string{"latency", "expect", "transport"}
	transport := q.word("transport", "tcp", "tcp", "udp")
	if u.Scheme == "rtsps" && transport == "udp" {
		return plan{}, errors.New("query key transport=udp: rtsps goes over tcp only")
	}
	latency := q.duration("latency", rtspLatency, maxLatency)
	want := q.expect()
	q.values = nil // the rest is for the camera
	s.url = withoutKeys(u, own)
	p := plan{latency: latency, source: checking(want, s.make)}
	if transport == "udp" {
		g := gstreamer{pipeline: udpPipeline(s.url), address: s.address}
		p.source, p.closing = checking(want, g.make), gstreamerClosing
	}
	return p, nil
}

// udpPipeline plays RTSP over UDP. OpenCV's FFmpeg prefers TCP and takes a
// transport only from an environment variable, which would hold for every
// camera of the process; a pipeline says it for itself.
func udpPipeline(url string) string {
	return `rtspsrc protocols=udp latency=0 location="` + url + `" ! decodebin` + sinkTail
}

func address(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = defaultPorts[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// withoutKeys is the URL as the camera gets it: without our keys, the rest of
// the query untouched.
func withoutKeys(u *url.URL, own []string) string {
	out := *u
	var rest []string
	for _, pair := range strings.Split(u.RawQuery, "&") {
		key, _, _ := strings.Cut(pair, "=")
		if pair != "" && !slices.Contains(own, key) {
			rest = append(rest, pair)
		}
	}
	out.RawQuery = strings.Join(rest, "&")
	out.Fragment = ""
	return out.String()
}

// stream is a network camera through OpenCV's FFmpeg.
type stream struct {
	name, address string
	url           string // as FFmpeg gets it, secrets included
	settings      config.Camera
	settled       time.Time // until then pictures may be old
	*capture
}

func (s stream) make(c config.Camera, _ uint64) source {
	s.settings = c
	return &s
}

func (s *stream) open(ctx context.Context) error {
	start := time.Now()
	if err := reach(ctx, s.address, s.settings.OpenTimeout); err != nil {
		return err
	}
	dialled := time.Now()
	left := s.settings.OpenTimeout - dialled.Sub(start)
	var err error
	s.capture, err = openCapture(s.url, gocv.VideoCaptureFFmpeg,
		propOpenTimeout, millis(left), propReadTimeout, millis(s.settings.ReadTimeout))
	took := time.Since(dialled)
	if err != nil {
		return fmt.Errorf("%s: %w (tried for %v): check path, user and password, and that it is a stream FFmpeg can play", s.name, err, took.Round(time.Millisecond))
	}
	s.settled = time.Now().Add(min(took, s.settings.ReadTimeout/2))
	return nil
}

// reach finds out in Go, cancellably, whether anybody is there: it names the
// cause, which OpenCV does not, and keeps dead hosts out of C.
func reach(ctx context.Context, address string, timeout time.Duration) error {
	d := net.Dialer{Timeout: timeout * 8 / 10}
	conn, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("%w: is the camera on, and the address right?", err)
	}
	return conn.Close()
}

// millis is a time-out for FFmpeg that is below ours, so that the call comes
// back by itself and no thread needs to be abandoned. FFmpeg looks at its clock
// about ten times a second.
func millis(d time.Duration) gocv.VideoCaptureProperties {
	d = max(d-max(d/10, 250*time.Millisecond), d/2)
	return gocv.VideoCaptureProperties(max(d.Milliseconds(), 1))
}

// read gives the next picture. While it opens, FFmpeg reads pictures to find
// out what they are and keeps them; they come first, in a burst and late by as
// long as opening took. They are thrown away.
func (s *stream) read(ctx context.Context, f *Frame) error {
	for {
		err := s.readUnless(ctx, f)
		if err != nil || f.Captured.After(s.settled) {
			return err
		}
	}
}

func (s *stream) close() { s.capture.close() }
