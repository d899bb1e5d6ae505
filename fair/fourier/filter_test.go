package fourier_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"faird/fair/fourier"
)

// sizes have factors of four, two, three, five and larger primes, odd and even
// sides, single rows and columns; [rows, cols].
var sizes = [][2]int{
	{1, 1},
	{1, 8},
	{8, 1},
	{2, 3},
	{7, 9},
	{8, 7},
	{9, 8},
	{12, 10},
	{17, 33},
	{16, 16},
	{64, 48},
	{48, 64},
	{80, 176},
	{208, 112},
	{256, 256},
	{192, 320},
}

// waves are a transfer function and pictures of two frequencies each, of which
// it is known what becomes of them: every wave comes out times its own gain.
type waves struct {
	rows, cols int
	r          *rand.Rand
	transfer   []float32 // centred
}

func newWaves(rows, cols int) *waves {
	w := &waves{rows, cols, rand.New(rand.NewPCG(1, uint64(rows*1000+cols))), make([]float32, rows*cols)}
	for i := range w.transfer {
		w.transfer[i] = w.r.Float32()
	}
	for u := range rows { // opposite frequencies have one gain
		for v := range cols {
			*w.gain(-u, -v) = *w.gain(u, v)
		}
	}
	return w
}

func (w *waves) gain(u, v int) *float32 {
	wrap := func(i, n int) int { return ((i+n/2)%n + n) % n }
	return &w.transfer[wrap(u, w.rows)*w.cols+wrap(v, w.cols)]
}

func (w *waves) draw() (picture []float32, want []float64) {
	n := w.rows * w.cols
	picture, want = make([]float32, n), make([]float64, n)
	for range 2 {
		u, v, phase := w.r.IntN(w.rows), w.r.IntN(w.cols), 2*math.Pi*w.r.Float64()
		for i := range picture {
			turns := float64(u*(i/w.cols)%w.rows)/float64(w.rows) + float64(v*(i%w.cols)%w.cols)/float64(w.cols)
			value := math.Cos(2*math.Pi*turns + phase)
			picture[i] += float32(value)
			want[i] += float64(*w.gain(u, v)) * value
		}
	}
	return picture, want
}

func TestEveryWaveHasItsGain(t *testing.T) {
	for _, size := range sizes {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			w := newWaves(size[0], size[1])
			f, err := fourier.New(size[0], size[1], w.transfer)
			if err != nil {
				t.Fatal(err)
			}
			for range 20 { // frequencies differ, and the buffers are used
				picture, want := w.draw()
				f.Apply(picture, picture)
				for i := range want {
					if math.Abs(float64(picture[i])-want[i]) > 2e-6 {
						t.Fatalf("value %d is %v, want %v", i, picture[i], want[i])
					}
				}
			}
		})
	}
}

// With every gain one the picture itself comes back: all frequencies at once.
func TestGainOfOneIsThePicture(t *testing.T) {
	for _, size := range sizes {
		n := size[0] * size[1]
		ones, picture, out := make([]float32, n), make([]float32, n), make([]float32, n)
		r := rand.New(rand.NewPCG(3, 4))
		for i := range picture {
			ones[i], picture[i] = 1, r.Float32()
		}
		f, err := fourier.New(size[0], size[1], ones)
		if err != nil {
			t.Fatal(err)
		}
		f.Apply(picture, out)
		for i := range out {
			if math.Abs(float64(out[i]-picture[i])) > 2e-6 {
				t.Errorf("%v: value %d is %v, was %v", size, i, out[i], picture[i])
				break
			}
		}
	}
}

// A picture that is not one of numbers leaves nothing behind for the next.
func TestNotANumberIsSeenAndForgotten(t *testing.T) {
	const rows, cols = 16, 20
	w := newWaves(rows, cols)
	f, err := fourier.New(rows, cols, w.transfer)
	if err != nil {
		t.Fatal(err)
	}
	picture, want := w.draw()
	broken, out := append([]float32(nil), picture...), make([]float32, rows*cols)
	broken[7] = float32(math.NaN())
	f.Apply(broken, out)
	for i, v := range out {
		if !math.IsNaN(float64(v)) {
			t.Fatalf("value %d of a picture with a NaN is %v", i, v)
		}
	}
	f.Apply(picture, out)
	for i := range out {
		if math.Abs(float64(out[i])-want[i]) > 2e-6 {
			t.Fatalf("after it value %d is %v, want %v", i, out[i], want[i])
		}
	}
}

func TestRefuses(t *testing.T) {
	for _, c := range []struct{ rows, cols, values int }{{0, 4, 0}, {4, -1, 0}, {1 << 14, 1, 1 << 14}, {4, 4, 15}} {
		if _, err := fourier.New(c.rows, c.cols, make([]float32, c.values)); err == nil {
			t.Errorf("%+v: no error", c)
		}
	}
	f, err := fourier.New(4, 4, make([]float32, 16))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if recover() == nil {
			t.Error("a slice of another length was taken")
		}
	}()
	f.Apply(make([]float32, 15), make([]float32, 16))
}

func BenchmarkApply(b *testing.B) {
	for _, size := range [][2]int{{256, 256}, {192, 192}, {208, 208}, {512, 512}} {
		b.Run(fmt.Sprintf("%dx%d", size[1], size[0]), func(b *testing.B) {
			w := newWaves(size[0], size[1])
			f, err := fourier.New(size[0], size[1], w.transfer)
			if err != nil {
				b.Fatal(err)
			}
			picture, _ := w.draw()
			b.ReportAllocs()
			for b.Loop() {
				f.Apply(picture, picture)
			}
		})
	}
}
