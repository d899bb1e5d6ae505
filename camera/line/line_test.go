package line

import (
	"bytes"
	"testing"

	"gocv.io/x/gocv"
)

func render(t testing.TB, l *Line, n uint64) ([]byte, Truth) {
	t.Helper()
	m := gocv.NewMat()
	defer m.Close()
	truth := l.Render(n, &m)
	return m.ToBytes(), truth
}

func BenchmarkRender(b *testing.B) {
	l := New(Options{Seed: 1, Defects: 0.3})
	defer l.Close()
	m := gocv.NewMat()
	defer m.Close()
	b.ReportAllocs()
	b.ResetTimer()
	for n := range b.N {
		l.Render(uint64(n), &m)
	}
}

func TestFrameDependsOnSeedAndNumberAlone(t *testing.T) {
	a := New(Options{Seed: 5, Defects: 0.5})
	defer a.Close()
	b := New(Options{Seed: 5, Defects: 0.5})
	defer b.Close()
	numbers := []uint64{0, 1, 2, 3, 4, 5, 6, 7, 1 << 40}
	frames, truths := map[uint64][]byte{}, map[uint64]Truth{}
	for _, n := range numbers {
		frames[n], truths[n] = render(t, a, n)
	}
	for i := range numbers {
		n := numbers[len(numbers)-1-i]
		frame, truth := render(t, b, n)
		if !bytes.Equal(frame, frames[n]) || truth != truths[n] {
			t.Errorf("frame %d depends on what was rendered before it", n)
		}
	}
	other := New(Options{Seed: 6, Defects: 0.5})
	defer other.Close()
	if frame, _ := render(t, other, 0); bytes.Equal(frame, frames[0]) {
		t.Error("another seed renders the same frame")
	}
	if bytes.Equal(frames[0], frames[1]) {
		t.Error("two frames are equal")
	}
}

func TestPictureOfAnotherShapeIsReplaced(t *testing.T) {
	l := New(Options{Seed: 9, Size: 256})
	defer l.Close()
	m := gocv.NewMatWithSize(3, 5, gocv.MatTypeCV8UC1)
	defer m.Close()
	l.Render(0, &m)
	if m.Rows() != 256 || m.Cols() != 256 || m.Type() != gocv.MatTypeCV8UC3 {
		t.Errorf("a picture of another shape became %dx%d of type %v", m.Cols(), m.Rows(), m.Type())
	}
}

func TestSizeIsHeldWithinLimits(t *testing.T) {
	for _, c := range []struct{ asked, want int }{{0, 640}, {1, 128}, {-3, 128}, {200, 200}} {
		l := New(Options{Size: c.asked})
		if l.options.Size != c.want {
			t.Errorf("size %d became %d, want %d", c.asked, l.options.Size, c.want)
		}
		l.Close()
	}
}

func TestRenderAllocatesNothingLarge(t *testing.T) {
	l := New(Options{Seed: 1, Defects: 0.5, Size: 256})
	defer l.Close()
	m := gocv.NewMat()
	defer m.Close()
	n := uint64(0)
	result := testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for range b.N {
			l.Render(n, &m)
			n++
		}
	})
	if got := result.AllocedBytesPerOp(); got > 4096 {
		t.Errorf("%d bytes a frame", got)
	}
}
