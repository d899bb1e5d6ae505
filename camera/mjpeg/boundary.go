package mjpeg

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

var parameter = regexp.MustCompile(`(?i)boundary=\s*(?:"([^"]*)"|([^;]*))`)

// declaredBoundary is the boundary that a Content-Type names, without the dashes
// that some cameras count as part of it. mime.ParseMediaType refuses what many
// of them write.
func declaredBoundary(contentType string) string {
	value := parameter.FindStringSubmatch(contentType)
	if value == nil {
		return ""
	}
	return strings.Trim(value[1]+value[2], "\"- \t")
}

// seek goes behind the next boundary line. A stream that has shown none yet may
// also begin with the header of a part.
func (r *Reader) seek() error {
	for skipped := 0; skipped <= r.max; {
		line, next, err := r.line(0)
		if errors.Is(err, errLongLine) { // binary: what follows may still hold a boundary
			r.skip(maxLine / 2)
			skipped += maxLine / 2
			continue
		}
		if err != nil {
			return err
		}
		if r.boundary == nil && beginsHeader(line) {
			return nil
		}
		found, err := r.isBoundary(line, next)
		if err != nil {
			return err
		}
		r.skip(next)
		if found {
			return nil
		}
		skipped += next
	}
	return fmt.Errorf("no boundary between images within %d bytes: is it Motion JPEG?", r.max)
}

// isBoundary says whether a line is a boundary line; next is the offset of the
// line after it. The first one is learned from the stream, for what the
// Content-Type names may be wrong or missing.
func (r *Reader) isBoundary(line []byte, next int) (bool, error) {
	line = bytes.TrimRight(line, " \t")
	if r.boundary != nil { // it may follow an image without a line break
		return bytes.HasSuffix(line, r.boundary) || bytes.HasSuffix(bytes.TrimSuffix(line, dashes), r.boundary), nil
	}
	name := bytes.Trim(line, "-")
	switch {
	case len(name) == 0:
		return false, nil
	case string(name) == r.declared:
		r.boundary = bytes.Clone(line)
		return true, nil
	case !bytes.HasPrefix(line, dashes):
		return false, nil
	}
	candidate := bytes.Clone(line)
	after, _, err := r.line(next)
	if err != nil {
		return false, err
	}
	if len(after) > 0 && !beginsHeader(after) {
		return false, nil
	}
	r.boundary = candidate
	return true, nil
}

var dashes = []byte("--")

// boundaryIn finds a boundary in b, at or after from; -1 is none. One at the very
// end may be the beginning of another word and does not count yet.
func (r *Reader) boundaryIn(b []byte, from int) int {
	if r.boundary == nil {
		return -1
	}
	for {
		i := bytes.Index(b[from:], r.boundary)
		after := from + i + len(r.boundary)
		if i < 0 || after >= len(b) {
			return -1
		}
		if strings.IndexByte("\r\n- \t", b[after]) >= 0 {
			return from + i
		}
		from += i + 1
	}
}

// tail is how many bytes at the end of b are the beginning of a boundary.
func (r *Reader) tail(b []byte) int {
	for n := len(r.boundary); n > 0; n-- {
		if bytes.HasSuffix(b, r.boundary[:n]) {
			return n
		}
	}
	return 0
}
