package camera

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"gocv.io/x/gocv"
)

// mjpegServer is an HTTP camera: multipart JPEG, each picture of one shade,
// which is its number times shadeStep (JPEG keeps a flat shade).
type mjpegServer struct {
	address  string
	interval time.Duration
	pictures [][]byte
	sent     atomic.Uint64 // pictures sent, over all connections
	stall    atomic.Bool   // hold back pictures, keep the connection
	opened   atomic.Uint64 // connections that asked for the stream
	draw     func() []byte // makes the next picture; nil: the one whose turn it is

	server *http.Server
}

const (
	shadeStep = 8
	shades    = 256 / shadeStep
)

func newMJPEG(t testing.TB, interval time.Duration) *mjpegServer {
	t.Helper()
	s := &mjpegServer{interval: interval, pictures: shadePictures(t)}
	s.start(t)
	t.Cleanup(s.kill)
	return s
}

func shadePictures(t testing.TB) (pictures [][]byte) {
	t.Helper()
	for i := range shades {
		buf, err := gocv.IMEncode(gocv.JPEGFileExt, grey(t, 240, 320, uint8(i*shadeStep)))
		if err != nil {
			t.Fatal(err)
		}
		pictures = append(pictures, bytes.Clone(buf.GetBytes()))
		buf.Close()
	}
	return pictures
}

func (s *mjpegServer) next() []byte {
	n := s.sent.Add(1)
	if s.draw != nil {
		return s.draw()
	}
	return s.pictures[n%shades]
}

// number of the newest picture sent, as its shade tells it.
func (s *mjpegServer) newest() int { return int(s.sent.Load() % shades) }

func numberOf(m gocv.Mat) int { return (int(shade(m)) + shadeStep/2) / shadeStep }

func (s *mjpegServer) url() string { return "http://" + s.address + "/stream" }

// start listens, after a kill on the same port.
func (s *mjpegServer) start(t testing.TB) {
	t.Helper()
	address := s.address
	if address == "" {
		address = "127.0.0.1:0"
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	s.address = l.Addr().String()
	server := &http.Server{Handler: s, ReadHeaderTimeout: time.Second}
	s.server = server
	go func() { _ = server.Serve(l) }()
}

// kill drops every connection at once, as a power cut does.
func (s *mjpegServer) kill() { _ = s.server.Close() }

func (s *mjpegServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.opened.Add(1)
	w.Header().Set("Content-Type", "multipart/x-mixed-replace; boundary=frame")
	tick := time.NewTicker(s.interval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-r.Context().Done():
			return
		}
		if s.stall.Load() {
			continue
		}
		jpeg := s.next()
		_, err := fmt.Fprintf(w, "--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%s\r\n", len(jpeg), jpeg)
		if err != nil {
			return
		}
		w.(http.Flusher).Flush()
	}
}
