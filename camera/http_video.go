package camera

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"faird/camera/libav"
)

// httpVideo is video over HTTP that is neither Motion JPEG nor single images, such
// as MPEG-TS: FFmpeg asks for it and takes it apart.
type httpVideo struct {
	reader  *libav.Reader
	timeout time.Duration
	settles time.Time // what comes before may have waited in the camera or a proxy
	joined  bool      // a key frame came
}

// openVideo opens what FFmpeg can play.
func (c *httpCamera) openVideo(ctx context.Context, kind string) (images, error) {
	if c.fetch.URL.Scheme != "http" {
		return nil, fmt.Errorf("the camera sends %q, which is read over http and rtsps, not over https: FFmpeg would not check the camera's certificate", kind)
	}
	reader, err := libav.Open(ctx, c.fetch.URL.String(), libav.Options{MaxPixels: c.config.MaxPixels, Threads: 1, LowDelay: true})
	if err != nil {
		return nil, fmt.Errorf("the camera sends %q, which FFmpeg cannot play: %w: name a path that gives Motion JPEG, JPEG images or MPEG-TS", kind, err)
	}
	v := &httpVideo{reader: reader, timeout: beforeOurs(c.config.ReadTimeout)}
	v.settles = time.Now().Add(min(c.latency, v.timeout/2))
	return v, nil
}

func (v *httpVideo) read(ctx context.Context, f *Frame) error {
	ctx, cancel := context.WithTimeoutCause(ctx, v.timeout, fmt.Errorf("no picture came within %v: check the camera and the network, or raise read_timeout", v.timeout))
	defer cancel()
	p, err := v.reader.Read(ctx, &f.mat)
	stampFrame(f, time.Now())
	switch {
	case context.Cause(ctx) != nil:
		return context.Cause(ctx)
	case errors.Is(err, io.EOF):
		return errEnded
	case errors.Is(err, libav.ErrNoKey) && !v.joined, f.Captured.Before(v.settles):
		return errQuiet
	}
	v.joined = v.joined || err == nil
	return takePicture(f, p, err)
}

func (v *httpVideo) close() { _ = v.reader.Close() }
