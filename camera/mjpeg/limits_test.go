package mjpeg

import (
	"io"
	"strings"
	"testing"

	"faird/camera/fault"
	"faird/verdict"
)

// endless gives the same text again and again.
type endless struct {
	text string
	read int
}

func (e *endless) Read(b []byte) (int, error) {
	n := 0
	for n < len(b) {
		k := copy(b[n:], e.text[(e.read+n)%len(e.text):])
		n += k
	}
	e.read += n
	return n, nil
}

// What is beyond a limit is a fault, closes the stream, and is never kept.
func TestLimits(t *testing.T) {
	const most = 64 << 10
	for name, c := range map[string]struct {
		start, rest string
		fault       bool
		reason      string
	}{
		"endless image":      {"--frame\r\n\r\n\xff\xd8", "x", true, "more than 65536 bytes"},
		"endless segments":   {"--frame\r\n\r\n\xff\xd8", "\xff\xe1\xff\xff", true, "more than 65536 bytes"},
		"promise":            {"--frame\r\nContent-Length: 65537\r\n\r\n", "x", true, "Content-Length is 65537 bytes"},
		"promise beyond all": {"--frame\r\nContent-Length: 99999999999999999999999\r\n\r\n", "x", true, "max_pixels"},
		"endless line":       {"--frame\r\nX-Junk: ", "x", true, "more than 4096 bytes"},
		"endless header":     {"--frame\r\n", "X-Junk: x\r\n", true, "more than 16384 bytes"},
		"endless preamble":   {"", "no boundary here\r\n", false, "no boundary between images within 65536 bytes"},
		"endless bytes":      {"", "x", false, "is it Motion JPEG?"},
	} {
		body := &endless{text: c.rest}
		r := NewReader(io.MultiReader(strings.NewReader(c.start), body), "multipart/x-mixed-replace; boundary=frame", most)
		var p Part
		err := r.Next(&p)
		if (fault.Of(err) == verdict.TooLarge) != c.fault || !strings.Contains(err.Error(), c.reason) {
			t.Errorf("%s: %v", name, err)
		}
		read := body.read
		if again := r.Next(&p); c.fault && (again == nil || fault.Of(again) != "" || body.read != read) {
			t.Errorf("%s: goes on after %v with %v", name, err, again)
		}
		if read > 2*most+2*readBytes || cap(r.buf) > 4*most+2*readBytes {
			t.Errorf("%s: read %d bytes, keeps %d", name, read, cap(r.buf))
		}
	}
}

// At the limit itself nothing is wrong.
func TestLargestImage(t *testing.T) {
	a := picture(t, 10)
	for _, part := range []string{sized(a), "--frame\r\n\r\n" + string(a) + "\r\n"} {
		for _, less := range []int{0, 1} {
			r := NewReader(strings.NewReader(part), "multipart/x-mixed-replace; boundary=frame", len(a)-less)
			var p Part
			if err := r.Next(&p); (err != nil) != (less == 1) || (err != nil && fault.Of(err) != verdict.TooLarge) {
				t.Errorf("%d bytes of %d: %v", len(a), len(a)-less, err)
			}
		}
	}
}
