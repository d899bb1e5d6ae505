package libav

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"faird/camera/fault"

	"gocv.io/x/gocv"
)

// FuzzDecoder holds that no stream crashes the decoder, that each access unit with
// a picture is answered at most once, and that errors are faults of images. The
// input is Annex B, cut into access units at 0xff 0xfe.
func FuzzDecoder(f *testing.F) {
	for _, settings := range [][]string{cameraH264, plainH264, cavlcH264, openH264, cameraHEVC, plainHEVC} {
		codec, units := units(f, encodeFrom(f, "testsrc2=size=48x32:rate=25", fileName(settings), append([]string{"-frames:v", "4"}, settings...)...))
		f.Add(codec == "hevc", byte(1), bytes.Join(units, fuzzCut))
		f.Add(codec == "hevc", byte(3), bytes.Join(units, fuzzCut))
	}
	f.Fuzz(func(t *testing.T, hevc bool, threads byte, data []byte) {
		o := Options{Codec: "h264", Threads: int(threads%4) + 1, MaxPixels: 1 << 18, LowDelay: threads&4 != 0}
		if hevc {
			o.Codec = "hevc"
		}
		units := bytes.Split(data, fuzzCut)
		d, err := NewDecoder(o)
		if err != nil {
			t.Fatal(err)
		}
		if got := play(t, d, units); len(got) > len(units) {
			t.Errorf("%d answers for %d access units", len(got), len(units))
		}
	})
}

var fuzzCut = []byte{0xff, 0xfe}

// FuzzReader holds that no file crashes the reader or keeps it busy for ever.
func FuzzReader(f *testing.F) {
	for name, args := range map[string][]string{
		"a.mp4": plainH264, "a.ts": cameraH264, "h.mkv": cameraHEVC, "m.avi": {"-c:v", "mjpeg"}, "p.mpg": {"-c:v", "mpeg2video"},
		"v.webm": {"-c:v", "libvpx"}, "x.avi": {"-c:v", "mpeg4"}, "f.flv": plainH264, "g.gif": nil, "r.avi": {"-c:v", "rawvideo", "-pix_fmt", "pal8"},
	} {
		f.Add(load(f, encodeFrom(f, "testsrc2=size=48x32:rate=25", name, append([]string{"-frames:v", "3"}, args...)...)))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(t.TempDir(), "a")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		r, err := Open(ctx, path, Options{MaxPixels: 1 << 18, Threads: 2})
		if err != nil {
			return
		}
		defer r.Close()
		m := gocv.NewMat()
		defer m.Close()
		for n := 0; ; n++ {
			p, err := r.Read(ctx, &m)
			switch {
			case errors.Is(err, io.EOF):
				return
			case err == nil, errors.Is(err, fault.ErrImage):
			default:
				t.Fatal(err)
			}
			if err == nil && (p.Form.Width != m.Cols() || p.Form.Height != m.Rows()) {
				t.Fatalf("%v in %dx%d pixels", p.Form, m.Cols(), m.Rows())
			}
			if n > len(data)+8 {
				t.Fatalf("%d pictures from %d bytes", n, len(data))
			}
		}
	})
}
