package highpass_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"gocv.io/x/gocv"

	"faird/fair"
	"faird/fair/highpass"
)

func picture(t testing.TB, rows, cols int) gocv.Mat {
	t.Helper()
	r := rand.New(rand.NewPCG(5, 6))
	grey := gocv.NewMatWithSize(rows, cols, gocv.MatTypeCV32F)
	t.Cleanup(func() { _ = grey.Close() })
	data, err := grey.DataPtrFloat32()
	if err != nil {
		t.Fatal(err)
	}
	for i := range data {
		data[i] = r.Float32()
	}
	return grey
}

func apply(t testing.TB, grey gocv.Mat, f fair.Filter) []float32 {
	t.Helper()
	p, err := highpass.New(grey.Rows(), grey.Cols(), f)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	out := make([]float32, f.Channels()*grey.Rows()*grey.Cols())
	for range 2 { // the second picture finds used buffers
		if err := p.Apply(grey, out); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// slow is the definition: the sum over all frequencies, in float64.
func slow(t *testing.T, grey gocv.Mat, f fair.Filter) []float64 {
	t.Helper()
	rows, cols := grey.Rows(), grey.Cols()
	data, err := grey.DataPtrFloat32()
	if err != nil {
		t.Fatal(err)
	}
	h, err := f.Transfer(rows, cols)
	if err != nil {
		t.Fatal(err)
	}
	out := make([]float64, rows*cols)
	for u := -(rows / 2); u < rows-rows/2; u++ {
		for v := -(cols / 2); v < cols-cols/2; v++ {
			phase := func(i int) float64 {
				return 2 * math.Pi * (float64(u*(i/cols))/float64(rows) + float64(v*(i%cols))/float64(cols))
			}
			var re, im float64
			for i, value := range data {
				sin, cos := math.Sincos(phase(i))
				re += float64(value) * cos
				im -= float64(value) * sin
			}
			gain := float64(h[(u+rows/2)*cols+v+cols/2]) / float64(rows*cols)
			for i := range out {
				sin, cos := math.Sincos(phase(i))
				out[i] += gain * (re*cos - im*sin)
			}
		}
	}
	return out
}

func TestApplyIsTheDefinition(t *testing.T) {
	for _, size := range [][2]int{{8, 8}, {9, 7}, {8, 7}, {9, 8}, {16, 12}, {1, 8}, {8, 1}} {
		grey := picture(t, size[0], size[1])
		for _, f := range []fair.Filter{
			{Type: fair.Butterworth, D0: 2.5, Order: 2},
			{Type: fair.Ideal, D0: 2},
			{Type: fair.Gaussian, D0: 1.5},
		} {
			want := slow(t, grey, f)
			for i, got := range apply(t, grey, f) {
				if math.Abs(float64(got)-want[i]) > 1e-6 {
					t.Errorf("%v %s: value %d is %v, want %v", size, f.Type, i, got, want[i])
					break
				}
			}
		}
	}
}

func TestSobel(t *testing.T) {
	grey := gocv.NewMatWithSize(8, 6, gocv.MatTypeCV32F)
	defer grey.Close()
	data, err := grey.DataPtrFloat32()
	if err != nil {
		t.Fatal(err)
	}
	for i := range data {
		data[i] = 0.25*float32(i%6) + 0.5*float32(i/6)
	}
	const n, inside = 48, 3*6 + 2
	// Weights of the kernels: 1 2 1 and 1 4 6 4 1 across; -1 0 1 and -1 -2 0 2 1 along.
	for ksize, gain := range map[int]float32{3: 4 * 2, 5: 16 * 8} {
		xy := apply(t, grey, fair.Filter{Type: fair.SobelXY, KSize: ksize})
		if xy[inside] != 0.25*gain || xy[n+inside] != 0.5*gain {
			t.Errorf("k=%d: d/dx %v, d/dy %v", ksize, xy[inside], xy[n+inside])
		}
		x := apply(t, grey, fair.Filter{Type: fair.SobelX, KSize: ksize})
		for i := range x {
			if x[i] != xy[i] {
				t.Fatalf("k=%d: sobel_x is not the first channel of sobel_xy", ksize)
			}
		}
	}
}

func TestRefuses(t *testing.T) {
	if _, err := highpass.New(8, 8, fair.Filter{Type: "median"}); err == nil {
		t.Error("unknown filter: no error")
	}
	if _, err := highpass.New(0, 8, fair.DefaultFilter()); err == nil {
		t.Error("no rows: no error")
	}
	p, err := highpass.New(8, 6, fair.DefaultFilter())
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	bytes := gocv.NewMatWithSize(8, 6, gocv.MatTypeCV8U)
	defer bytes.Close()
	for name, err := range map[string]error{
		"transposed": p.Apply(picture(t, 6, 8), make([]float32, 48)),
		"8-bit":      p.Apply(bytes, make([]float32, 48)),
		"no room":    p.Apply(picture(t, 8, 6), make([]float32, 47)),
	} {
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// opencv is the high-pass with OpenCV's transforms: what the authors' code does,
// with the transfer function in the order of OpenCV's packed spectra.
type opencv struct{ transfer, spectrum, out gocv.Mat }

func newOpenCV(t testing.TB, rows, cols int, f fair.Filter) *opencv {
	t.Helper()
	h, err := f.Transfer(rows, cols)
	if err != nil {
		t.Fatal(err)
	}
	o := &opencv{gocv.NewMatWithSize(rows, cols, gocv.MatTypeCV32F), gocv.NewMat(), gocv.NewMat()}
	t.Cleanup(func() { _, _, _ = o.transfer.Close(), o.spectrum.Close(), o.out.Close() })
	packed, err := o.transfer.DataPtrFloat32()
	if err != nil {
		t.Fatal(err)
	}
	// CCS: a row holds v = 0 once, then real and imaginary parts of v = 1, 2, ...,
	// and v = cols/2 once where cols is even; the columns that hold v = 0 and
	// v = cols/2 are packed in the same way from top to bottom.
	for r := range rows {
		for c := range cols {
			u, v := r, (c+1)/2
			if c == 0 || (cols%2 == 0 && c == cols-1) {
				u = (r + 1) / 2
			}
			packed[r*cols+c] = h[(u+rows/2)%rows*cols+(v+cols/2)%cols] / float32(rows*cols)
		}
	}
	return o
}

func (o *opencv) apply(t testing.TB, grey gocv.Mat, dst []float32) {
	t.Helper()
	err := errors.Join(
		gocv.DFT(grey, &o.spectrum, gocv.DftForward),
		gocv.Multiply(o.spectrum, o.transfer, &o.spectrum),
		gocv.DFT(o.spectrum, &o.out, gocv.DftInverse|gocv.DftRealOutput),
	)
	out, readErr := o.out.DataPtrFloat32()
	if err = errors.Join(err, readErr); err != nil {
		t.Fatal(err)
	}
	copy(dst, out)
}

func TestApplyIsOpenCVs(t *testing.T) {
	for _, size := range [][2]int{{256, 256}, {128, 128}, {192, 320}, {208, 112}, {75, 63}} {
		for _, f := range []fair.Filter{fair.DefaultFilter(), {Type: fair.Ideal, D0: 20}, {Type: fair.Gaussian, D0: 12}} {
			grey, want := picture(t, size[0], size[1]), make([]float32, size[0]*size[1])
			newOpenCV(t, size[0], size[1], f).apply(t, grey, want)
			for i, got := range apply(t, grey, f) {
				if math.Abs(float64(got-want[i])) > 2e-6 {
					t.Errorf("%v %s: value %d is %v, OpenCV's %v", size, f.Type, i, got, want[i])
					break
				}
			}
		}
	}
}

func BenchmarkApply(b *testing.B) {
	grey, out := picture(b, 256, 256), make([]float32, 2*256*256)
	for _, f := range []fair.Filter{fair.DefaultFilter(), {Type: fair.SobelXY, KSize: 3}} {
		b.Run(string(f.Type), func(b *testing.B) {
			p, err := highpass.New(256, 256, f)
			if err != nil {
				b.Fatal(err)
			}
			defer p.Close()
			b.ReportAllocs()
			for b.Loop() {
				if err := p.Apply(grey, out[:f.Channels()*256*256]); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("butterworth with OpenCV", func(b *testing.B) {
		o := newOpenCV(b, 256, 256, fair.DefaultFilter())
		for b.Loop() {
			o.apply(b, grey, out[:256*256])
		}
	})
}
