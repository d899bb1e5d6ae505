package mjpeg

import (
	"bytes"
	"errors"
	"math"
	"strconv"
	"strings"
)

// header is what is used of the lines before an image.
type header struct {
	lines  int
	kind   string // media type in lower case; "" is none given
	length int    // Content-Length; -1: none, or not a number
}

// isEmpty says that there was no header at all.
func (h header) isEmpty() bool { return h.lines == 0 }

// isImage trusts the media type only as far as it says something else. Cameras
// call JPEG image/jpg, video/jpeg, application/octet-stream, or nothing.
func (h header) isImage() bool {
	return !strings.HasPrefix(h.kind, "text/") && !strings.HasPrefix(h.kind, "audio/") &&
		!strings.HasSuffix(h.kind, "json") && !strings.HasSuffix(h.kind, "xml")
}

// header reads lines up to the empty one.
func (r *Reader) header() (header, error) {
	h := header{length: -1}
	for read := 0; read <= maxHeader; {
		line, next, err := r.line(0)
		if errors.Is(err, errLongLine) {
			return h, r.tooLarge("a line of the part's header has more than %d bytes", maxLine)
		}
		if err != nil {
			return h, err
		}
		empty := len(bytes.TrimSpace(line)) == 0
		h.add(line)
		again := false
		if !empty {
			if again, err = r.isBoundary(line, next); err != nil {
				return h, err
			}
		}
		r.skip(next)
		read += next
		switch {
		case empty:
			return h, nil
		case again: // one after the image before and one before this image
			h = header{length: -1}
		}
	}
	return h, r.tooLarge("the part's header has more than %d bytes", maxHeader)
}

// add takes in one line.
func (h *header) add(line []byte) {
	name, value, ok := strings.Cut(string(line), ":")
	if !ok {
		return
	}
	h.lines++
	value = strings.TrimSpace(value)
	switch strings.ToLower(strings.TrimSpace(name)) {
	case "content-type":
		kind, _, _ := strings.Cut(value, ";")
		h.kind = strings.ToLower(strings.TrimSpace(kind))
	case "content-length":
		n, err := strconv.ParseUint(value, 10, 63)
		switch {
		case errors.Is(err, strconv.ErrRange):
			h.length = math.MaxInt
		case err == nil:
			h.length = int(n)
		}
	}
}

// beginsHeader says whether a line is the header of a part and not just text.
func beginsHeader(line []byte) bool {
	name, _, ok := strings.Cut(string(line), ":")
	name = strings.ToLower(strings.TrimSpace(name))
	return ok && (strings.HasPrefix(name, "content-") || strings.HasPrefix(name, "x-"))
}
