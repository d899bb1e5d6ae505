package mjpeg

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"faird/camera/fault"
	"faird/verdict"
)

const testMax = 1 << 20

// picture is a small JPEG of one shade.
func picture(t testing.TB, shade uint8) []byte {
	t.Helper()
	m := image.NewGray(image.Rect(0, 0, 64, 48))
	for i := range m.Pix {
		m.Pix[i] = shade + uint8(i%7) // with something to code in it
	}
	var out bytes.Buffer
	if err := jpeg.Encode(&out, m, nil); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// sized is a part with Content-Length.
func sized(data []byte) string {
	return fmt.Sprintf("--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%s\r\n", len(data), data)
}

// reader reads a stream as it would come in one piece.
func reader(stream string) *Reader {
	return NewReader(strings.NewReader(stream), "multipart/x-mixed-replace; boundary=frame", testMax)
}

// outcome is what a part came to: the image, or its fault.
type outcome struct {
	data  string
	fault verdict.Check
}

// all reads a stream to its end.
func all(t testing.TB, r *Reader) (list []outcome, end error) {
	t.Helper()
	var p Part
	for {
		err := r.Next(&p)
		if err != nil && fault.Of(err) == "" {
			return list, err
		}
		if p.Arrived.IsZero() {
			t.Error("a part without its time")
		}
		list = append(list, outcome{string(p.Data), fault.Of(err)})
		if len(list) > 10000 {
			t.Fatal("parts without end")
		}
	}
}

// Each dialect is one that cameras or servers speak. All carry the same three images.
func TestDialects(t *testing.T) {
	a, b, c := string(picture(t, 10)), string(picture(t, 90)), string(picture(t, 170))
	part := func(format string, images ...string) string {
		var out strings.Builder
		for _, m := range images {
			out.WriteString(strings.NewReplacer("LEN", fmt.Sprint(len(m)), "DATA", m, "\n", "\r\n", "LF", "\n").Replace(format))
		}
		return out.String()
	}
	const plain = "--frame\nContent-Type: image/jpeg\nContent-Length: LEN\n\nDATA\n"
	for _, d := range []struct{ name, contentType, stream string }{
		{"RFC 2046", "multipart/x-mixed-replace; boundary=frame", "\r\n" + part(plain, a, b, c) + "--frame--\r\n"},
		{"quoted boundary", `multipart/x-mixed-replace;boundary="frame"`, part(plain, a, b, c)},
		{"boundary with dashes", "multipart/x-mixed-replace; boundary=--frame", part(plain, a, b, c)},
		{"four dashes in the stream", "multipart/x-mixed-replace; boundary=--frame", part("--"+plain, a, b, c)},
		{"no dashes in the stream", "multipart/x-mixed-replace; boundary=frame", part(plain[2:], a, b, c)},
		{"another boundary", "multipart/x-mixed-replace; boundary=other", part(plain, a, b, c)},
		{"no boundary", "multipart/x-mixed-replace", part(plain, a, b, c)},
		{"empty boundary", "multipart/x-mixed-replace; boundary=", part(plain, a, b, c)},
		{"parameters around", "Multipart/X-Mixed-Replace; charset=utf-8; BOUNDARY=frame; x=1", part(plain, a, b, c)},
		{"boundary after the image", "multipart/x-mixed-replace; boundary=frame", part("Content-Type: image/jpeg\nContent-Length: LEN\n\nDATA\n--frame\n", a, b, c)},
		{"boundary after the image, none named", "multipart/x-mixed-replace", part("Content-Type: image/jpeg\nContent-Length: LEN\n\nDATA\n--frame\n", a, b, c)},
		{"boundary before and after", "multipart/x-mixed-replace; boundary=frame", part(plain+"--frame\n", a, b, c)},
		{"boundary before and after, with an empty line", "multipart/x-mixed-replace; boundary=frame", part(plain+"--frame\n\n", a, b, c)},
		{"no line break after the image", "multipart/x-mixed-replace; boundary=frame", part(plain[:len(plain)-1], a, b, c)},
		{"the same without length", "multipart/x-mixed-replace; boundary=frame", part("--frame\nContent-Type: image/jpeg\n\nDATA", a, b, c)},
		{"no length", "multipart/x-mixed-replace; boundary=frame", part("--frame\nContent-Type: image/jpeg\n\nDATA\n", a, b, c)},
		{"no length, no boundary named", "multipart/x-mixed-replace", part("--frame\nContent-Type: image/jpeg\n\nDATA\n", a, b, c)},
		{"length that is none", "multipart/x-mixed-replace; boundary=frame", part("--frame\nContent-Length: lots\n\nDATA\n", a, b, c)},
		{"negative length", "multipart/x-mixed-replace; boundary=frame", part("--frame\nContent-Length: -1\n\nDATA\n", a, b, c)},
		{"no header at all", "multipart/x-mixed-replace; boundary=frame", part("--frame\n\nDATA\n", a, b, c)},
		{"no header, no boundary named", "multipart/x-mixed-replace", part("--frame\n\nDATA\n", a, b, c)},
		{"LF", "multipart/x-mixed-replace; boundary=frame", part("--frameLFContent-Type: image/jpegLFContent-Length: LENLFLFDATALF", a, b, c)},
		{"LF and no length", "multipart/x-mixed-replace; boundary=frame", part("--frameLFContent-Type: image/jpegLFLFDATALF", a, b, c)},
		{"odd case and spaces", "multipart/x-mixed-replace; boundary=frame", part("--frame \ncontent-TYPE :image/JPEG ; q=1\nCONTENT-length:    LEN  \n\nDATA\n", a, b, c)},
		{"odd media type", "multipart/x-mixed-replace; boundary=frame", part("--frame\nContent-Type: application/octet-stream\nContent-Length: LEN\n\nDATA\n", a, b, c)},
		{"time stamps", "multipart/x-mixed-replace; boundary=frame", part("--frame\nX-Timestamp: 1712.25\nContent-Type: image/jpeg\nContent-Length: LEN\nX-Framerate: 5\n\nDATA\n", a, b, c)},
		{"preamble", "multipart/x-mixed-replace; boundary=frame", "Camera 7: ready\r\n-- so it goes --\r\nand on\r\n\r\n" + part(plain, a, b, c)},
		{"joined in the middle of an image", "multipart/x-mixed-replace; boundary=frame", strings.Repeat("\x00\x7f", maxLine) + a[40:] + "\r\n" + part(plain, a, b, c)},
		{"joined in the middle, none named", "multipart/x-mixed-replace", a[40:] + "\r\n" + part(plain, a, b, c)},
		{"junk between parts", "multipart/x-mixed-replace; boundary=frame", part(plain+"\x00\x01junk\nand more\n\n", a, b, c)},
		{"more than the length", "multipart/x-mixed-replace; boundary=frame", part(plain+strings.Repeat("\xff\x00\x2d", 5000), a, b, c)},
		{"line breaks before the image", "multipart/x-mixed-replace; boundary=frame", part("--frame\nContent-Length: LEN\n\n\nDATA\n", a, b, c)},
		{"boundary in the image's text", "multipart/x-mixed-replace; boundary=fra", part("--fra\nContent-Length: LEN\n\nDATA\n", a, b, c)},
	} {
		for way, body := range map[string]io.Reader{
			"at once":       strings.NewReader(d.stream),
			"byte by byte":  iotest.OneByteReader(strings.NewReader(d.stream)),
			"with its end":  iotest.DataErrReader(strings.NewReader(d.stream)),
			"half by half ": iotest.HalfReader(strings.NewReader(d.stream)),
		} {
			t.Run(d.name+", "+way, func(t *testing.T) {
				got, end := all(t, NewReader(body, d.contentType, testMax))
				if want := []outcome{{data: a}, {data: b}, {data: c}}; !equal(got, want) {
					t.Errorf("%v, want three images", got)
				}
				if end == nil || errors.Is(end, io.EOF) || !strings.Contains(end.Error(), "ended the stream") {
					t.Errorf("end %v", end)
				}
			})
		}
	}
}

func equal(a, b []outcome) bool { return fmt.Sprint(a) == fmt.Sprint(b) }

// A part that is cut short anywhere is incomplete, and the next one whole.
func TestCutAnywhere(t *testing.T) {
	a, b := picture(t, 10), picture(t, 90)
	for n := range len(a) {
		for name, part := range map[string]string{
			"length of the whole": fmt.Sprintf("--frame\r\nContent-Length: %d\r\n\r\n%s\r\n", len(a), a[:n]),
			"no length":           fmt.Sprintf("--frame\r\nContent-Type: image/jpeg\r\n\r\n%s\r\n", a[:n]),
		} {
			if n < 2 && name == "no length" {
				continue // not even a JPEG's beginning
			}
			got, _ := all(t, reader(part+sized(b)))
			if len(got) != 2 || got[0].fault != verdict.Incomplete || got[0].data != "" || got[1].data != string(b) {
				t.Fatalf("%s, %d of %d bytes: %.300v", name, n, len(a), got)
			}
		}
	}
}

// A length that is too large by any number of bytes swallows the boundary or
// parts of it; neither the image nor the next one is lost without a word.
func TestLengthTooLarge(t *testing.T) {
	a, b, c := picture(t, 10), picture(t, 90), picture(t, 170)
	for more := 1; more < len(sized(b))+40; more++ {
		part := fmt.Sprintf("--frame\r\nContent-Length: %d\r\n\r\n%s\r\n", len(a)+more, a)
		got, _ := all(t, reader(part+sized(b)+sized(c)))
		want := []outcome{{fault: verdict.Incomplete}, {data: string(b)}, {data: string(c)}}
		if more <= len("\r\n") {
			want[0] = outcome{data: string(a) + "\r\n"[:more]}
		}
		if !equal(got, want) {
			t.Fatalf("%d too many: %.300v", more, got)
		}
	}
}

// One that is too small leaves an image without its end; the rest is skipped.
func TestLengthTooSmall(t *testing.T) {
	a, b := picture(t, 10), picture(t, 90)
	for less := 1; less < len(a)-1; less++ {
		part := fmt.Sprintf("--frame\r\nContent-Length: %d\r\n\r\n%s\r\n", len(a)-less, a)
		got, _ := all(t, reader(part+sized(b)))
		if !equal(got, []outcome{{fault: verdict.Incomplete}, {data: string(b)}}) {
			t.Fatalf("%d too few: %.300v", less, got)
		}
	}
}

// A connection cut anywhere in an image leaves an incomplete one, then the end.
func TestConnectionCut(t *testing.T) {
	a, b := picture(t, 10), sized(picture(t, 90))
	body := strings.Index(b, "\r\n\r\n") + 4
	for n := body; n < len(b)-2; n++ {
		for name, body := range map[string]io.Reader{
			"ended": strings.NewReader(sized(a) + b[:n]),
			"reset": io.MultiReader(strings.NewReader(sized(a)+b[:n]), iotest.ErrReader(errors.New("connection reset"))),
		} {
			got, end := all(t, NewReader(body, "multipart/x-mixed-replace; boundary=frame", testMax))
			if !equal(got, []outcome{{data: string(a)}, {fault: verdict.Incomplete}}) || !strings.Contains(end.Error(), name) {
				t.Fatalf("%s after %d bytes: %.300v, %v", name, n, got, end)
			}
		}
	}
}

func TestNoImage(t *testing.T) {
	a := picture(t, 10)
	for name, c := range map[string]struct {
		part string
		want verdict.Check
	}{
		"length 0":    {"--frame\r\nContent-Length: 0\r\n\r\n\r\n", verdict.Incomplete},
		"nothing":     {"--frame\r\nContent-Type: image/jpeg\r\n\r\n\r\n", verdict.Incomplete},
		"not a JPEG":  {"--frame\r\nContent-Type: image/jpeg\r\n\r\nsorry\r\n", verdict.Damaged},
		"half a JPEG": {"--frame\r\nContent-Type: image/jpeg\r\n\r\n" + string(a[:99]) + "\r\n", verdict.Incomplete},
	} {
		got, _ := all(t, reader(sized(a)+c.part+sized(a)))
		if !equal(got, []outcome{{data: string(a)}, {fault: c.want}, {data: string(a)}}) {
			t.Errorf("%s: %.300v", name, got)
		}
	}
}

func TestTextParts(t *testing.T) {
	a := picture(t, 10)
	text := "--frame\r\nContent-Type: text/plain\r\n\r\nToo many \x1b viewers" + strings.Repeat("!", 1000) + "\r\n"
	got, end := all(t, reader(sized(a)+text+sized(a)+text))
	if len(got) != 2 || !strings.Contains(end.Error(), `ended the stream; it said "Too many \x1b viewers!!`) || len(end.Error()) > 300 {
		t.Errorf("%.300v, %v", got, end)
	}
	got, end = all(t, reader(text+text+sized(a)))
	if len(got) != 0 || !strings.Contains(end.Error(), `sends no images; it said "Too many`) {
		t.Errorf("%.300v, %v", got, end)
	}
}

// Behind marks images that were not the newest when they were read.
func TestBehind(t *testing.T) {
	big := append(picture(t, 10), make([]byte, 4*moreBytes)...)
	r := NewReader(strings.NewReader(sized(big)+sized(big)), "multipart/x-mixed-replace; boundary=frame", testMax)
	var p Part
	for _, want := range []bool{true, false} {
		if err := r.Next(&p); err != nil || p.Behind != want {
			t.Errorf("%v, behind %v, want %v", err, p.Behind, want)
		}
	}
}
