package main

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"
)

// lineCamera is a network camera with power, a cable and moods.
type lineCamera struct {
	address  string
	pictures [][]byte
	every    time.Duration
	hangs    atomic.Bool // the connection stays, no picture comes
	babbles  atomic.Bool // what comes is half a picture
	server   *http.Server
}

// newLineCamera shows the pictures of a folder, one after the other.
func newLineCamera(t *testing.T, folder string, every time.Duration) *lineCamera {
	t.Helper()
	c := &lineCamera{every: every}
	files, err := filepath.Glob(filepath.Join(folder, "*.png"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		c.pictures = append(c.pictures, asJPEG(t, file))
	}
	if err := c.on(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.off)
	return c
}

func asJPEG(t *testing.T, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	m, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	colour := image.NewRGBA(m.Bounds()) // as cameras send it
	for y := range m.Bounds().Dy() {
		for x := range m.Bounds().Dx() {
			colour.Set(x, y, m.At(x, y))
		}
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, colour, &jpeg.Options{Quality: 95}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func (c *lineCamera) url() string { return "http://" + c.address + "/stream" }

// on gives it power, at the address that it had.
func (c *lineCamera) on() error {
	address := c.address
	if address == "" {
		address = "127.0.0.1:0"
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	c.address = l.Addr().String()
	server := &http.Server{Handler: c, ReadHeaderTimeout: time.Second}
	c.server = server
	go func() { _ = server.Serve(l) }()
	return nil
}

func (c *lineCamera) off() { _ = c.server.Close() }

func (c *lineCamera) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "multipart/x-mixed-replace; boundary=frame")
	tick := time.NewTicker(c.every)
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case <-tick.C:
		case <-r.Context().Done():
			return
		}
		if c.hangs.Load() {
			continue
		}
		picture := c.pictures[n%len(c.pictures)]
		if c.babbles.Load() {
			picture = picture[:len(picture)/2]
		}
		if _, err := fmt.Fprintf(w, "--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%s\r\n", len(picture), picture); err != nil {
			return
		}
		w.(http.Flusher).Flush()
	}
}
