package camera

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"faird/camera/fault"
	"faird/camera/fetch"
	"faird/verdict"
)

// httpSlice is how often a camera that waits for a demand gives a sign of life.
const httpSlice = 250 * time.Millisecond

// snapshots asks a camera for one image at a time.
type snapshots struct {
	*httpCamera
	pacer   pacer
	timeout time.Duration // for one image
	heard   time.Time     // from the camera, the last time
	image   bytes.Buffer
}

// openSnapshots checks the answer to the first request. Its image is not used, but
// for knowing it again: some cameras answer with one that they have kept since they
// were last asked.
func (c *httpCamera) openSnapshots(answer *fetch.Answer) (images, error) {
	s := &snapshots{httpCamera: c, pacer: pacer{interval: c.every}, timeout: beforeOurs(c.config.ReadTimeout), heard: time.Now()}
	if err := isImage(answer); err != nil {
		return nil, err
	}
	switch err := s.load(answer); {
	case err == nil:
		_ = s.seen.check(s.image.Bytes())
	case fault.Of(err) != verdict.TooLarge: // which the next one will say again
		return nil, fmt.Errorf("the camera's first image broke off: %w", err)
	}
	return s, nil
}

func isImage(answer *fetch.Answer) error {
	if kind := mediaType(answer.Type); !strings.HasPrefix(kind, "image/") {
		return fmt.Errorf("the camera answered with %q and not with an image: check the path", kind)
	}
	return nil
}

// read asks for an image when the time for it has come. It counts as captured
// when it was asked for: the camera may answer with one that it had ready, whose
// age latency must cover, but never with one that was older.
func (s *snapshots) read(ctx context.Context, f *Frame) error {
	if err := s.due(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, s.timeout,
		fmt.Errorf("no whole image came within %v: check the camera and the network, or raise read_timeout", s.timeout))
	defer cancel()
	answer, err := s.client.Get(ctx)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if err := isImage(answer); err != nil {
		return err
	}
	f.Captured, f.Exposure = answer.Asked, verdict.Estimated
	err = s.load(answer)
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	s.heard = time.Now()
	if err == nil {
		err = s.seen.check(s.image.Bytes())
	}
	if err != nil {
		f.fail(err)
		return nil
	}
	s.decode(s.image.Bytes(), f)
	return nil
}

// load reads the whole answer.
func (s *snapshots) load(answer *fetch.Answer) error {
	limit := int64(s.maxBytes())
	s.image.Reset()
	if answer.Length > limit {
		return fault.TooLarge("Content-Length is %d bytes and at most %d are read: raise max_pixels if it is right", answer.Length, limit)
	}
	n, err := s.image.ReadFrom(io.LimitReader(answer.Body, limit+1))
	switch {
	case n > limit:
		return fault.TooLarge("it has more than %d bytes: raise max_pixels if that is right", limit)
	case err != nil && answer.Length >= 0:
		return fault.Incomplete("%d of the %d bytes that Content-Length promises came: %w", n, answer.Length, err)
	case err != nil:
		return fault.Incomplete("it broke off after %d bytes: %w", n, err)
	}
	return nil
}

// due waits until the next image is to be asked for.
func (s *snapshots) due(ctx context.Context) error {
	if s.demand == nil {
		if !s.pacer.wait(ctx) {
			return ctx.Err()
		}
		return nil
	}
	select {
	case <-s.demand:
	case <-time.After(httpSlice):
		if err := s.alive(ctx); err != nil {
			return err
		}
		return errQuiet
	case <-ctx.Done():
		return ctx.Err()
	}
	// What the camera has ready may be older than the demand by the latency.
	if !sleep(ctx, s.latency) {
		return ctx.Err()
	}
	return nil
}

// alive finds out whether a camera that nobody needed for a while is still there.
func (s *snapshots) alive(ctx context.Context) error {
	if time.Since(s.heard) < s.timeout/2 {
		return nil
	}
	if err := reach(ctx, s.address, s.timeout/2); err != nil {
		return err
	}
	s.heard = time.Now()
	return nil
}

func (s *snapshots) close() {}
