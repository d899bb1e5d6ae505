package libav

import (
	"bytes"
	"context"
	"crypto/md5"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"faird/camera/fault"

	"go.uber.org/goleak"
	"gocv.io/x/gocv"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// encode makes a video of moving test content with noise through ffmpeg, whose
// further arguments and, by its name, container are given.
func encode(t testing.TB, name string, args ...string) string {
	t.Helper()
	return encodeFrom(t, "testsrc2=size=192x144:rate=25,noise=alls=8:allf=t:all_seed=1", name, args...)
}

func encodeFrom(t testing.TB, source, name string, args ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	all := append([]string{"-loglevel", "error", "-f", "lavfi", "-i", source}, args...)
	ffmpeg(t, append(all, path)...)
	return path
}

func ffmpeg(t testing.TB, args ...string) []byte {
	t.Helper()
	program, err := exec.LookPath("ffmpeg")
	if err != nil {
		t.Fatal("ffmpeg is not installed: run make deps-test")
	}
	var stderr bytes.Buffer
	c := exec.Command(program, args...)
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		t.Fatalf("ffmpeg %s: %v: %s", strings.Join(args, " "), err, &stderr)
	}
	return out
}

// Encoder settings for streams of every kind.
var (
	plainH264  = []string{"-c:v", "libx264", "-g", "8", "-pix_fmt", "yuv420p"}
	cameraH264 = append([]string{"-tune", "zerolatency", "-x264-params", "slices=1:sliced-threads=0"}, plainH264...)
	sliceH264  = append([]string{"-bf", "0", "-x264-params", "slices=4"}, plainH264...)
	cavlcH264  = append([]string{"-bf", "0", "-x264-params", "cabac=0"}, plainH264...)
	openH264   = append([]string{"-x264-params", "open-gop=1"}, plainH264...)
	plainHEVC  = []string{"-c:v", "libx265", "-pix_fmt", "yuv420p", "-x265-params", "log-level=0:keyint=8:min-keyint=8"}
	closedHEVC = []string{"-c:v", "libx265", "-pix_fmt", "yuv420p", "-x265-params", "log-level=0:keyint=8:min-keyint=8:open-gop=0"}
	cameraHEVC = []string{"-c:v", "libx265", "-pix_fmt", "yuv420p", "-x265-params", "log-level=0:keyint=8:min-keyint=8:bframes=0:wpp=0"}
	sliceHEVC  = []string{"-c:v", "libx265", "-pix_fmt", "yuv420p", "-x265-params", "log-level=0:keyint=8:min-keyint=8:bframes=0:slices=3:ctu=16"}
	hashedHEVC = []string{"-c:v", "libx265", "-pix_fmt", "yuv420p", "-x265-params", "log-level=0:keyint=8:min-keyint=8:bframes=0:hash=1"}
)

// units returns the access units of a file in decoding order.
func units(t testing.TB, path string) (codec string, out [][]byte) {
	t.Helper()
	r, err := Open(context.Background(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for r.next != nil {
		out = append(out, bytes.Clone(r.next.data))
		r.next = nil
		if err := r.fetch(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	s := r.stream()
	return goString(s.codec), out
}

// stream encodes some pictures and returns their access units in Annex B.
func stream(t testing.TB, settings []string, pictures int) (codec string, out [][]byte) {
	t.Helper()
	return units(t, encode(t, fileName(settings), append([]string{"-frames:v", fmt.Sprint(pictures)}, settings...)...))
}

// fileName is that of a raw stream with such settings.
func fileName(settings []string) string {
	if strings.Contains(strings.Join(settings, " "), "x265") {
		return "s.hevc"
	}
	return "s.h264"
}

// answer is what came for one access unit.
type answer struct {
	pts    int64
	digest [md5.Size]byte
	form   Form
	err    error
}

// decode plays access units, whose presentation time is their number in
// decoding order, and returns the answers in the order in which they came.
func decode(t testing.TB, o Options, units [][]byte) []answer {
	t.Helper()
	d, err := NewDecoder(o)
	if err != nil {
		t.Fatal(err)
	}
	return play(t, d, units)
}

// play sends access units to a decoder to their end and closes it.
func play(t testing.TB, d *Decoder, units [][]byte) []answer {
	t.Helper()
	defer d.Close()
	var out []answer
	m := gocv.NewMat()
	defer m.Close()
	for i := range len(units) + 1 {
		if i < len(units) {
			d.Send(units[i], int64(i))
		} else {
			d.End()
		}
		out = append(out, receive(t, d, &m)...)
	}
	return out
}

type receiver interface {
	Receive(dst *gocv.Mat) (Picture, error)
}

func receive(t testing.TB, d receiver, m *gocv.Mat) (out []answer) {
	t.Helper()
	for {
		p, err := d.Receive(m)
		if errors.Is(err, ErrAgain) || errors.Is(err, io.EOF) {
			return out
		}
		out = append(out, answerOf(t, p, err, m))
	}
}

func answerOf(t testing.TB, p Picture, err error, m *gocv.Mat) answer {
	t.Helper()
	a := answer{pts: p.PTS, form: p.Form, err: err}
	if err != nil {
		if !errors.Is(err, fault.ErrImage) {
			t.Fatalf("no fault of an image: %v", err)
		}
		return a
	}
	pixels, err := m.DataPtrUint8()
	if err != nil {
		t.Fatal(err)
	}
	if m.Cols() != p.Form.Width || m.Rows() != p.Form.Height || len(pixels) != 3*m.Cols()*m.Rows() {
		t.Fatalf("%dx%d pixels for %v", m.Cols(), m.Rows(), p.Form)
	}
	a.digest = md5.Sum(pixels)
	return a
}

// readAll reads a whole file.
func readAll(t testing.TB, path string, o Options) (out []answer) {
	t.Helper()
	r, err := Open(context.Background(), path, o)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	m := gocv.NewMat()
	defer m.Close()
	for {
		p, err := r.Read(context.Background(), &m)
		if errors.Is(err, io.EOF) {
			return out
		}
		out = append(out, answerOf(t, p, err, &m))
	}
}

// reference is what ffmpeg itself makes of a file.
func reference(t testing.TB, path string) (out []string) {
	t.Helper()
	for line := range strings.Lines(string(ffmpeg(t, "-loglevel", "error", "-i", path, "-fps_mode", "passthrough", "-f", "framemd5", "-pix_fmt", "bgr24", "-"))) {
		if fields := strings.Split(line, ","); len(fields) == 6 && !strings.HasPrefix(line, "#") {
			out = append(out, strings.TrimSpace(fields[5]))
		}
	}
	return out
}

// byTime returns the intact pictures' digests by presentation time.
func byTime(answers []answer) map[int64][md5.Size]byte {
	out := map[int64][md5.Size]byte{}
	for _, a := range answers {
		if a.err == nil {
			out[a.pts] = a.digest
		}
	}
	return out
}

func write(t testing.TB, name string, parts ...[]byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, bytes.Join(parts, nil), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func load(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
