package camera

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"faird/config"

	"gocv.io/x/gocv"
)

// What is assumed to pass between exposure and arrival: encoder, network,
// decoder. Measure it where parts are triggered.
const (
	rtspLatency = 500 * time.Millisecond
	httpLatency = 200 * time.Millisecond
)

var defaultPorts = map[string]string{"rtsp": "554", "rtsps": "322", "http": "80", "https": "443"}

// parseStream understands rtsp(s)://… and http(s)://…. The query belongs to the
// camera, but for latency and, with rtsp, transport, which are ours.
func parseStream(u *url.URL, q *query) (plan, error) {
	if u.Hostname() == "" {
		return plan{}, fmt.Errorf("no host: write %s://camera.example/stream", u.Scheme)
	}
	s := stream{scheme: u.Scheme, name: redact(u.String()), address: address(u)}
	latency, transport, own := httpLatency, "", []string{"latency"}
	if strings.HasPrefix(u.Scheme, "rtsp") {
		latency, own = rtspLatency, append(own, "transport")
		transport = q.word("transport", "tcp", "tcp", "udp")
		if u.Scheme == "rtsps" && transport == "udp" {
			return plan{}, errors.New("query key transport=udp: rtsps goes over tcp only")
		}
	}
	latency = q.duration("latency", latency, maxLatency)
	q.values = nil // the rest is for the camera
	s.url = s.forFFmpeg(u, own, transport)
	return plan{
		latency: latency,
		source: func(c config.Camera, _ uint64) source {
			opened := s
			opened.settings = c
			return &opened
		},
	}, nil
}

func address(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = defaultPorts[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// forFFmpeg is the URL without our keys. The transport goes to FFmpeg as an
// option in the URL ("?tcp", libavformat/rtsp.c), which it takes out again:
// OpenCV's own way is one environment variable for the whole process.
func (s *stream) forFFmpeg(u *url.URL, own []string, transport string) string {
	out := *u
	var rest []string
	for _, pair := range strings.Split(u.RawQuery, "&") {
		key, _, _ := strings.Cut(pair, "=")
		if pair != "" && !contains(own, key) {
			rest = append(rest, pair)
		}
	}
	if transport != "" {
		rest = append(rest, transport)
	}
	out.RawQuery = strings.Join(rest, "&")
	out.Fragment = ""
	return out.String()
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

// stream is a network camera through OpenCV's FFmpeg.
type stream struct {
	scheme, name, address string
	url                   string // as FFmpeg gets it, secrets included
	settings              config.Camera
	*capture
}

func (s *stream) open(ctx context.Context) error {
	start := time.Now()
	if err := s.dial(ctx); err != nil {
		return err
	}
	left := s.settings.OpenTimeout - time.Since(start)
	var err error
	s.capture, err = openCapture(s.url, gocv.VideoCaptureFFmpeg,
		propOpenTimeout, millis(left), propReadTimeout, millis(s.settings.ReadTimeout))
	if err != nil {
		return fmt.Errorf("%s: %w: check path, user and password, and that it is a stream FFmpeg can play", s.name, err)
	}
	return nil
}

// dial finds out in Go, cancellably, whether anybody is there: it names the
// cause, which OpenCV does not, and keeps dead hosts out of C.
func (s *stream) dial(ctx context.Context) error {
	d := net.Dialer{Timeout: s.settings.OpenTimeout * 8 / 10}
	conn, err := d.DialContext(ctx, "tcp", s.address)
	if err != nil {
		return fmt.Errorf("%w: is the camera on, and the address right?", err)
	}
	return conn.Close()
}

// millis is a time-out for FFmpeg a little below ours, so that the call comes
// back by itself and no thread needs to be abandoned.
func millis(d time.Duration) gocv.VideoCaptureProperties {
	return gocv.VideoCaptureProperties(max(d.Milliseconds()*9/10, 1))
}

func (s *stream) read(ctx context.Context, f *Frame) error { return s.readUnless(ctx, f) }

func (s *stream) close() { s.capture.close() }
