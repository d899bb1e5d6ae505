package mjpeg

import (
	"bytes"
	"encoding/binary"

	"faird/camera/fault"
)

// body waits until the part's body is in the window and returns its size. With a
// fault that is what belongs to the faulty part; the next one comes after it.
//
// An image is complete as soon as its last byte has come: with Content-Length
// that is a matter of counting, else it is where the JPEG ends by its own
// markers. Many cameras send the boundary only with the next image, so waiting
// for it would make every image late by one interval.
func (r *Reader) body(h header) (int, error) {
	limit := h.length
	switch {
	case limit > r.max:
		return 0, r.tooLarge("Content-Length is %d bytes and at most %d are read: raise max_pixels if it is right", limit, r.max)
	case limit < 0:
		limit = r.max + 1
	}
	jpeg := walker{}
	for from := 0; ; {
		r.skipBreaks()
		b := r.bytes()
		b = b[:min(len(b), limit)]
		if n, done, err := r.whole(h, b, r.boundaryIn(b, from), &jpeg); done {
			return n, err
		}
		if len(b) > r.max {
			return len(b), r.tooLarge("it has more than %d bytes: raise max_pixels if that is right", r.max)
		}
		from = max(0, len(b)-len(r.boundary))
		if err := r.fill(); err != nil {
			return r.cutOff(h, err)
		}
	}
}

// whole says whether b, with a boundary at cut or none at -1, is all of the body.
func (r *Reader) whole(h header, b []byte, cut int, jpeg *walker) (n int, done bool, err error) {
	if h.length >= 0 {
		if cut < 0 && len(b) < h.length {
			return 0, false, nil
		}
		n, err = r.counted(b, cut, jpeg)
		return n, true, err
	}
	if n, ok := jpeg.end(b, cut); ok && n <= r.max {
		return n, true, nil
	}
	if cut < 0 {
		return 0, false, nil
	}
	n, err = unmarked(b, cut)
	return n, true, err
}

// skipBreaks skips the line breaks that some cameras send before an image.
func (r *Reader) skipBreaks() {
	b := r.bytes()
	r.skip(len(b) - len(bytes.TrimLeft(b, "\r\n")))
}

// counted is a body with Content-Length that has come, or has a boundary at cut.
// If it ends within one the promise was too large as well.
func (r *Reader) counted(b []byte, cut int, jpeg *walker) (int, error) {
	if tail := r.tail(b); cut < 0 && tail > 0 {
		cut = len(b) - tail
	}
	if cut >= 0 {
		return cut, fault.Incomplete("the next boundary came after %d bytes, before all that Content-Length promises", cut)
	}
	if _, ok := jpeg.end(b, cut); !ok && bytes.HasPrefix(b, startOfImage) {
		return len(b), fault.Incomplete("the JPEG has no end marker in its %d bytes", len(b))
	}
	return len(b), nil
}

// unmarked is a body without Content-Length that has a boundary at cut. A JPEG
// would have ended by its own end marker.
func unmarked(b []byte, cut int) (int, error) {
	switch {
	case cut == 0:
		return 0, nil
	case bytes.HasPrefix(b, startOfImage):
		return cut, fault.Incomplete("the next boundary came after %d bytes, before the JPEG's end marker", cut)
	}
	return cut, fault.Damaged("%d bytes that are no JPEG, without Content-Length", cut)
}

// cutOff is a body that broke off. The next call finds the reason again.
func (r *Reader) cutOff(h header, err error) (int, error) {
	n := len(r.bytes())
	if n == 0 && h.isEmpty() {
		return 0, err
	}
	return n, fault.Incomplete("the stream broke off after %d bytes of it: %w", n, r.end(err))
}

var startOfImage = []byte{0xff, 0xd8}

// walker finds the end of a JPEG while it arrives.
type walker struct{ at int }

// end returns the size of the JPEG at the front of b, which may end before cut
// (-1 is none). b grows from call to call.
func (w *walker) end(b []byte, cut int) (int, bool) {
	if cut >= 0 {
		b = b[:cut]
	}
	if !bytes.HasPrefix(b, startOfImage) {
		return 0, false
	}
	for w.at < len(b) {
		i := bytes.IndexByte(b[w.at:], 0xff)
		if i < 0 {
			w.at = len(b)
			break
		}
		w.at += i
		size, ok := markerSize(b[w.at:])
		if !ok {
			break
		}
		w.at += size
		if size == 2 && b[w.at-1] == endOfImage {
			return w.at, true
		}
	}
	return 0, false
}

const endOfImage = 0xd9

// markerSize is the size of the marker at the front of b with its segment; not ok
// until enough of it has come.
func markerSize(b []byte) (int, bool) {
	if len(b) < 2 {
		return 0, false
	}
	switch m := b[1]; {
	case m == 0xff: // fill byte: the marker is still to come
		return 1, true
	case m == 0 || m == 1 || (m >= 0xd0 && m <= endOfImage): // stuffed byte, or a marker without a segment
		return 2, true
	case len(b) < 4:
		return 0, false
	}
	return 2 + int(binary.BigEndian.Uint16(b[2:])), true
}
