package imagefile

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"gocv.io/x/gocv"

	"faird/camera/fault"
	"faird/verdict"
)

// scene is an image with edges, gradients and noise, so that no two of its parts
// are alike.
func scene(t testing.TB, width, height int) gocv.Mat {
	t.Helper()
	m := gocv.NewMatWithSize(height, width, gocv.MatTypeCV8UC3)
	t.Cleanup(func() { m.Close() })
	r := rand.New(rand.NewPCG(1, 2))
	p, err := m.DataPtrUint8()
	if err != nil {
		t.Fatal(err)
	}
	for i := range p {
		x, y, c := i/3%width, i/3/width, i%3
		p[i] = byte(x*(c+1) + y*2 + x/9%2*40 + r.IntN(20))
	}
	return m
}

// encode has OpenCV encode m.
func encode(t testing.TB, ext gocv.FileExt, m gocv.Mat, params ...int) []byte {
	t.Helper()
	b, err := gocv.IMEncodeWithParams(ext, m, append([]int{gocv.IMWriteJpegQuality, 90}, params...))
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	return bytes.Clone(b.GetBytes())
}

// ffmpeg has FFmpeg encode m in a pixel format.
func ffmpeg(t testing.TB, m gocv.Mat, pixels, codec string, options ...string) []byte {
	t.Helper()
	size := strconv.Itoa(m.Cols()) + "x" + strconv.Itoa(m.Rows())
	args := append([]string{
		"-loglevel", "error", "-threads", "1", "-f", "rawvideo", "-pix_fmt", "bgr24", "-s", size, "-i", "-",
		"-frames:v", "1", "-pix_fmt", pixels, "-c:v", codec,
	}, options...)
	c := exec.Command("ffmpeg", append(args, "-f", "image2pipe", "-")...)
	c.Stdin = bytes.NewReader(m.ToBytes())
	out, err := c.Output()
	if err != nil || len(out) == 0 {
		t.Fatalf("ffmpeg made %d bytes: %v: run make deps-test", len(out), err)
	}
	return out
}

// decoded is an intact image's pixels.
func decoded(t testing.TB, data []byte) (gocv.Mat, Header) {
	t.Helper()
	d, dst := NewDecoder(0), gocv.NewMat()
	t.Cleanup(func() { d.Close(); dst.Close() })
	h, err := d.Decode(data, &dst)
	if err != nil {
		t.Fatal(err)
	}
	if dst.Type() != gocv.MatTypeCV8UC3 || dst.Cols() != h.Width || dst.Rows() != h.Height {
		t.Fatalf("%dx%d of type %v, the header says %v", dst.Cols(), dst.Rows(), dst.Type(), h)
	}
	return dst, h
}

func equal(a, b gocv.Mat) bool { return bytes.Equal(a.ToBytes(), b.ToBytes()) }

func same(t testing.TB, got, want gocv.Mat) {
	t.Helper()
	if got.Cols() != want.Cols() || got.Rows() != want.Rows() {
		t.Fatalf("%dx%d, want %dx%d", got.Cols(), got.Rows(), want.Cols(), want.Rows())
	}
	g, w := got.ToBytes(), want.ToBytes()
	if len(g) != len(w) {
		t.Fatalf("%d bytes, want %d", len(g), len(w))
	}
	for i := range g {
		if g[i] != w[i] {
			t.Fatalf("pixel %d,%d channel %d is %d, want %d", i/3%got.Cols(), i/3/got.Cols(), i%3, g[i], w[i])
		}
	}
}

func decode(data []byte) error {
	d, dst := NewDecoder(0), gocv.NewMat()
	defer d.Close()
	defer dst.Close()
	_, err := d.Decode(data, &dst)
	return err
}

// wantFault expects that data are refused for that reason; with "" they are read,
// or refused as a kind that is not read.
func wantFault(t testing.TB, data []byte, want verdict.Check) {
	t.Helper()
	err := decode(data)
	if got := fault.Of(err); got != want {
		t.Errorf("%v: fault %q, want %q", err, got, want)
	}
	if err != nil && !errors.Is(err, fault.ErrImage) {
		t.Errorf("%v does not wrap ErrImage", err)
	}
}

// faulty are data and why they are refused, as in wantFault.
type faulty struct {
	data []byte
	want verdict.Check
}

func wantFaults(t *testing.T, cases map[string]faulty) {
	t.Helper()
	for name, c := range cases {
		t.Run(name, func(t *testing.T) { wantFault(t, c.data, c.want) })
	}
}

// readsAsOpenCV checks intact images of 83x61 pixels.
func readsAsOpenCV(t *testing.T, all map[string][]byte) {
	t.Helper()
	for name, data := range all {
		t.Run(name, func(t *testing.T) {
			got, h := decoded(t, data)
			want, err := gocv.IMDecode(data, gocv.IMReadColor)
			if err != nil {
				t.Fatal(err)
			}
			defer want.Close()
			same(t, got, want)
			if head, err := ReadHeader(data); err != nil || head != h || h.Width != 83 || h.Height != 61 {
				t.Errorf("header %v, of the decoder %v: %v", head, h, err)
			}
		})
	}
}

func wantError(t testing.TB, data []byte, want string) {
	t.Helper()
	if err := decode(data); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v does not name %q", err, want)
	}
}

// refusesEveryPrefix cuts an image at every byte. The slices have no capacity
// beyond their end, and the pixels before are a decoy that must not be returned.
func refusesEveryPrefix(t *testing.T, data []byte) {
	t.Helper()
	d, dst := NewDecoder(0), gocv.NewMat()
	defer d.Close()
	defer dst.Close()
	for n := range len(data) {
		_, err := d.Decode(bytes.Clone(data[:n]), &dst)
		if !errors.Is(err, fault.ErrImage) {
			t.Fatalf("the first %d of %d bytes: %v", n, len(data), err)
		}
	}
	if _, err := d.Decode(data, &dst); err != nil {
		t.Fatal(err)
	}
}

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// fuzz checks what holds for any input.
func fuzz(f *testing.F, decode func(*Decoder, []byte, *gocv.Mat) (Header, error)) {
	d, dst := NewDecoder(1<<20), gocv.NewMat()
	f.Cleanup(func() { d.Close(); dst.Close() })
	f.Fuzz(func(t *testing.T, data []byte) {
		h, err := decode(d, data, &dst)
		switch {
		case err != nil && !errors.Is(err, fault.ErrImage):
			t.Errorf("%v does not wrap ErrImage", err)
		case err == nil && (dst.Type() != gocv.MatTypeCV8UC3 || dst.Cols() != h.Width || dst.Rows() != h.Height):
			t.Errorf("%dx%d of type %v, the header says %v", dst.Cols(), dst.Rows(), dst.Type(), h)
		}
	})
}
