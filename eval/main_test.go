package eval

import (
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"github.com/rs/zerolog"
	"go.uber.org/goleak"

	"faird/config"
	"faird/fair"
	"faird/inspect"
	"faird/model"
	"faird/model/graph"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// side of the small network's pictures.
const side = 64

const grey = 128

// greyModel restores every picture to one grey, so that what is not grey scores.
func greyModel(t testing.TB) *inspect.Model {
	t.Helper()
	restoration := make([]float32, 3*side*side)
	for i := range restoration {
		restoration[i] = grey / 255.0
	}
	g := graph.New("grey")
	nothing := g.Mul(g.Input("highpass", graph.Free, 1, side, side), g.Scalar(0))
	g.Output("restored", g.Add(g.Concat(1, nothing, nothing, nothing), g.Const(restoration, 1, 3, side, side)))
	onnx, err := g.Build()
	if err != nil {
		t.Fatal(err)
	}
	f, err := model.New(onnx, model.Spec{Filter: fair.DefaultFilter(), Scoring: fair.DefaultScoring()})
	if err != nil {
		t.Fatal(err)
	}
	m, err := inspect.Open(f, config.Infer{Provider: "cpu", Threads: 1}, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return m
}

// square writes a grey picture, w x h, with a black square of the given side in
// the middle.
func square(t testing.TB, path string, w, h, size int) {
	t.Helper()
	m := image.NewGray(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			if m.SetGray(x, y, color.Gray{Y: grey}); 2*x >= w-size && 2*x < w+size && 2*y >= h-size && 2*y < h+size {
				m.SetGray(x, y, color.Gray{})
			}
		}
	}
	save(t, path, m)
}

// mask writes a truth mask of such a square: zero around it, value in it.
func mask(t testing.TB, path string, w, h, size int, value uint8) {
	t.Helper()
	m := image.NewGray(image.Rect(0, 0, w, h))
	for y := (h - size) / 2; y < (h+size)/2; y++ {
		for x := (w - size) / 2; x < (w+size)/2; x++ {
			m.SetGray(x, y, color.Gray{Y: value})
		}
	}
	save(t, path, m)
}

func save(t testing.TB, path string, m image.Image) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := png.Encode(f, m); err != nil {
		t.Fatal(err)
	}
}
