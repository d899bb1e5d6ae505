// Package mjpeg takes the images out of Motion JPEG over HTTP, the parts of a
// multipart/x-mixed-replace body as cameras really send them. It tells images
// that arrived whole from those that did not, and bounds everything it keeps.
// It neither speaks HTTP nor decodes an image.
//
// The standard library's mime/multipart is of no use here: it insists on RFC
// 2046, which few cameras follow, ignores Content-Length, and cannot give up on
// one part and go on with the next.
package mjpeg

import (
	"errors"
	"fmt"
	"io"
	"time"

	"faird/camera/fault"
)

const (
	maxLine   = 4 << 10  // bytes of one line of a part's header
	maxHeader = 16 << 10 // bytes of all its lines
	maxSaid   = 120      // bytes quoted of a text part
	// moreBytes after an image are more than the boundary and header that many
	// cameras send along with it: the next image has begun to arrive.
	moreBytes = 1 << 10
)

// Part is one image as it arrived. Its memory is reused by the Reader.
type Part struct {
	Data    []byte    // empty if the image is faulty
	Arrived time.Time // when its last byte was read
	Behind  bool      // part of the next image had been received by then: this one waited on the way
}

// Reader reads the parts of one stream. It is for one goroutine.
type Reader struct {
	window
	max      int    // bytes of one image
	declared string // boundary that the Content-Type names, without dashes; "" is none
	boundary []byte // the boundary line as the stream writes it; nil until one was seen
	said     string // the text part since the last image
	broken   error  // why nothing can be read any more
}

// NewReader returns a reader of a body with the given Content-Type. An image may
// have at most maxBytes.
func NewReader(body io.Reader, contentType string, maxBytes int) *Reader {
	return &Reader{window: window{in: body}, max: maxBytes, declared: declaredBoundary(contentType)}
}

// Next reads the next image into p. An error that wraps [fault.ErrImage] is about
// this image only; any other one is the end of the stream.
func (r *Reader) Next(p *Part) error {
	for {
		h, n, err := r.next()
		p.Data, p.Arrived, p.Behind = p.Data[:0], r.at, len(r.bytes())-n > moreBytes
		if err != nil && !errors.Is(err, fault.ErrImage) {
			return r.end(err)
		}
		data := r.bytes()[:n]
		r.skip(n)
		switch {
		case err == nil && n == 0 && h.isEmpty(): // two boundary lines in a row
			continue
		case !h.isImage():
			if err := r.text(data); err != nil {
				return err
			}
			continue
		case err == nil && n == 0:
			err = fault.Incomplete("the part holds no image")
		case err == nil:
			p.Data = append(p.Data, data...)
		}
		r.said = ""
		return err
	}
}

// next goes to the next part and waits for its body, which is the first n bytes
// of the window. If err is a fault these n bytes belong to the faulty part.
func (r *Reader) next() (h header, n int, err error) {
	if r.broken != nil {
		return h, 0, r.broken
	}
	if err := r.seek(); err != nil {
		return h, 0, err
	}
	if h, err = r.header(); err != nil {
		return h, 0, err
	}
	n, err = r.body(h)
	return h, n, err
}

// text notes what a part says that is no image, most likely an error. A second
// one without an image in between ends the stream.
func (r *Reader) text(data []byte) error {
	if r.said != "" {
		r.broken = errors.New("the camera sends no images")
		return r.end(r.broken)
	}
	r.said = string(data[:min(len(data), maxSaid)])
	return nil
}

// end says why the stream is over. io.EOF must not get out: to a caller it would
// mean that a camera has no more images to give.
func (r *Reader) end(err error) error {
	if errors.Is(err, io.EOF) {
		err = errors.New("the camera ended the stream")
	}
	if r.said != "" {
		err = fmt.Errorf("%w; it said %q", err, r.said)
	}
	return err
}

// tooLarge is the fault of an image beyond a limit, after which nothing more is read.
func (r *Reader) tooLarge(format string, args ...any) error {
	cause := fmt.Errorf(format, args...)
	r.broken = fmt.Errorf("the connection was closed: %w", cause)
	return fault.TooLarge("%w", cause)
}
