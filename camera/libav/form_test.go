package libav

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"faird/camera/fault"
	"faird/verdict"

	"gocv.io/x/gocv"
)

// A change of size, pixel format or range in the middle of a stream shows in the
// form, and each picture is its own: OpenCV went on handing out the last picture
// before the change, or crashed.
func TestFormChanges(t *testing.T) {
	base := encode(t, "a.ts", append([]string{"-frames:v", "8"}, cameraH264...)...)
	for name, c := range map[string]struct {
		args []string
		want Form
	}{
		"size":      {[]string{"-vf", "scale=320:240"}, Form{Width: 320, Height: 240, PixelFormat: "yuv420p", Matrix: "unknown"}},
		"smaller":   {[]string{"-vf", "scale=96:80"}, Form{Width: 96, Height: 80, PixelFormat: "yuv420p", Matrix: "unknown"}},
		"4:4:4":     {[]string{"-pix_fmt", "yuv444p"}, Form{Width: 192, Height: 144, PixelFormat: "yuv444p", Matrix: "unknown"}},
		"10 bits":   {[]string{"-pix_fmt", "yuv420p10"}, Form{Width: 192, Height: 144, PixelFormat: "yuv420p10le", Matrix: "unknown"}},
		"full grey": {[]string{"-pix_fmt", "gray"}, Form{Width: 192, Height: 144, PixelFormat: "yuv420p", FullRange: true, Matrix: "unknown"}},
		"range":     {[]string{"-color_range", "pc"}, Form{Width: 192, Height: 144, PixelFormat: "yuv420p", FullRange: true, Matrix: "unknown"}},
		"matrix":    {[]string{"-colorspace", "bt709"}, Form{Width: 192, Height: 144, PixelFormat: "yuv420p", Matrix: "bt709"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			other := encode(t, "b.ts", append(append([]string{"-frames:v", "8"}, cameraH264...), c.args...)...)
			both := write(t, "both.ts", load(t, base), load(t, other))
			want := append(reference(t, base), reference(t, other)...)
			for _, threads := range []int{1, 3} {
				got := slices.DeleteFunc(readAll(t, both, Options{Threads: threads}), func(a answer) bool { return a.err != nil })
				if len(got) < 13 { // where files are joined, counters jump: two pictures at most are taken for damaged
					t.Fatalf("%d of 16 pictures with %d threads", len(got), threads)
				}
				if f := got[len(got)-1].form; f != c.want {
					t.Errorf("form %v, want %v", f, c.want)
				}
				for _, a := range got {
					if !slices.Contains(want, fmt.Sprintf("%x", a.digest)) {
						t.Errorf("a picture of form %v is none of either file", a.form)
					}
				}
			}
		})
	}
}

// Ordinary video, which names no matrix, looks as it did through OpenCV.
func TestColoursAreOpenCVs(t *testing.T) {
	path := encode(t, "a.mp4", append([]string{"-frames:v", "6"}, plainH264...)...)
	v, err := gocv.VideoCaptureFileWithAPI(path, gocv.VideoCaptureFFmpeg)
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	m := gocv.NewMat()
	defer m.Close()
	for i, a := range readAll(t, path, Options{}) {
		if !v.Read(&m) {
			t.Fatalf("OpenCV reads %d pictures", i)
		}
		if b := answerOf(t, Picture{Form: a.form}, nil, &m); b.digest != a.digest {
			t.Errorf("picture %d is another than OpenCV's", i)
		}
	}
}

// A stream that names its matrix and range is converted by them: a red of known
// BGR values comes back as it went in.
func TestMatrixAndRange(t *testing.T) {
	for _, c := range []struct{ matrix, space, rng string }{
		{"smpte170m", "bt601", "tv"}, {"smpte170m", "bt601", "pc"}, {"bt709", "bt709", "tv"}, {"bt709", "bt709", "pc"},
	} {
		path := encodeFrom(t, "color=c=0xC83214:size=64x64:rate=25", "a.mp4", "-frames:v", "2",
			"-vf", "scale=out_color_matrix="+c.space+":out_range="+c.rng+",format=yuv444p",
			"-colorspace", c.matrix, "-color_range", c.rng, "-c:v", "libx264", "-crf", "1")
		r, err := Open(context.Background(), path, Options{})
		if err != nil {
			t.Fatal(err)
		}
		m := gocv.NewMat()
		p, err := r.Read(context.Background(), &m)
		if err != nil || p.Form.Matrix != c.matrix || p.Form.FullRange != (c.rng == "pc") {
			t.Errorf("%+v: %v, %v", c, p.Form, err)
		}
		got := m.GetVecbAt(32, 32)
		for i, want := range []int{0x14, 0x32, 0xC8} {
			if d := int(got[i]) - want; d < -3 || d > 3 {
				t.Errorf("%+v: BGR %v, want [20 50 200]", c, got)
				break
			}
		}
		m.Close()
		_ = r.Close()
	}
}

// What is too large is refused by what the stream says about itself, before
// anything of its size is allocated.
func TestTooLarge(t *testing.T) {
	for name, args := range map[string][]string{
		"a.mp4": plainH264, "a.ts": plainHEVC, "m.avi": {"-c:v", "mjpeg"}, "ten.ts": append(plainHEVC[:2:2], "-pix_fmt", "yuv420p10", "-x265-params", "log-level=0"),
	} {
		path := encode(t, name, append([]string{"-frames:v", "3"}, args...)...)
		most := 192 * 144
		if strings.HasPrefix(name, "ten") {
			most *= 2 // two bytes for each of three channels
		}
		for _, a := range readAll(t, path, Options{MaxPixels: most}) {
			if a.err != nil {
				t.Errorf("%s within the limit: %v", name, a.err)
			}
		}
		r, err := Open(context.Background(), path, Options{MaxPixels: most - 1})
		if err == nil {
			m := gocv.NewMat()
			_, err = r.Read(context.Background(), &m)
			m.Close()
			_ = r.Close()
		}
		if fault.Of(err) != verdict.TooLarge {
			t.Errorf("%s beyond the limit: %v", name, err)
		}
	}
}

// Rows of every width are written to their end and not beyond.
func TestWidths(t *testing.T) {
	dir := t.TempDir()
	for width := 16; width <= 66; width += 2 {
		path := filepath.Join(dir, fmt.Sprintf("%d.avi", width))
		ffmpeg(t, "-loglevel", "error", "-f", "lavfi", "-i", fmt.Sprintf("testsrc2=size=%dx18,noise=alls=30", width),
			"-frames:v", "2", "-c:v", "rawvideo", "-pix_fmt", "yuv420p", path)
		want := reference(t, path)
		for i, a := range readAll(t, path, Options{}) {
			if fmt.Sprintf("%x", a.digest) != want[i] {
				t.Errorf("width %d: picture %d is another than ffmpeg's", width, i)
			}
		}
	}
}
