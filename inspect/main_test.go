package inspect_test

import (
	"context"
	"image"
	"image/color"
	"testing"

	"github.com/rs/zerolog"
	"go.uber.org/goleak"
	"gocv.io/x/gocv"

	"faird/config"
	"faird/fair"
	"faird/inspect"
	"faird/model"
	"faird/model/graph"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// side of the small networks' pictures.
const side = 64

var oneCore = config.Infer{Provider: "cpu", Threads: 1}

// grey128 is the value to which the small network restores every picture of one grey.
const grey128 = 128.0 / 255

// constant builds a network [n,1,h,w] that answers every picture with the
// restoration, [3,h,w].
func constant(t testing.TB, restoration []float32, h, w int) []byte {
	t.Helper()
	g := graph.New("constant")
	in := g.Input("highpass", graph.Free, 1, h, w)
	nothing := g.Mul(in, g.Scalar(0))
	g.Output("restored", g.Add(g.Concat(1, nothing, nothing, nothing), g.Const(restoration, 1, 3, h, w)))
	onnx, err := g.Build()
	if err != nil {
		t.Fatal(err)
	}
	return onnx
}

func filled(value float32, n int) []float32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = value
	}
	return v
}

// open puts a network of h x w on the CPU.
func open(t testing.TB, onnx []byte, spec model.Spec) *inspect.Model {
	t.Helper()
	if spec.Filter == (fair.Filter{}) {
		spec.Filter = fair.DefaultFilter()
	}
	if spec.Scoring == (fair.Scoring{}) {
		spec.Scoring = fair.DefaultScoring()
	}
	file, err := model.New(onnx, spec)
	if err != nil {
		t.Fatal(err)
	}
	m, err := inspect.Open(file, oneCore, zerolog.Nop())
	if err != nil {
		t.Fatalf("%v (make deps gets the library)", err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return m
}

// greyModel restores everything to grey 128, with a mean filter small enough
// to see defects where they are.
func greyModel(t testing.TB) *inspect.Model {
	t.Helper()
	return open(t, constant(t, filled(grey128, 3*side*side), side, side), model.Spec{Scoring: fair.Scoring{K: 3e-4, Smooth: 3, Scales: 2}})
}

func inspector(t testing.TB, m *inspect.Model, o inspect.Options) *inspect.Inspector {
	t.Helper()
	i, err := m.NewInspector(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := i.Close(); err != nil {
			t.Error(err)
		}
	})
	return i
}

// canvas is a picture of one grey, freed at the end of the test.
func canvas(t testing.TB, w, h int, kind gocv.MatType) gocv.Mat {
	t.Helper()
	level := 128.0
	if kind == gocv.MatTypeCV16UC1 || kind == gocv.MatTypeCV16UC3 {
		level *= 257
	}
	picture := gocv.NewMatWithSizeFromScalar(gocv.NewScalar(level, level, level, 0), h, w, kind)
	t.Cleanup(func() { _ = picture.Close() })
	return picture
}

func draw(t testing.TB, picture *gocv.Mat, r image.Rectangle, c color.RGBA) {
	t.Helper()
	if err := gocv.Rectangle(picture, r, c, -1); err != nil {
		t.Fatal(err)
	}
}

func judge(t testing.TB, i *inspect.Inspector, picture gocv.Mat, level *float64) inspect.Result {
	t.Helper()
	var r inspect.Result
	if err := i.Inspect(context.Background(), picture, level, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

func save(t testing.TB, picture gocv.Mat, path string) string {
	t.Helper()
	if !gocv.IMWrite(path, picture) {
		t.Fatalf("%s cannot be written", path)
	}
	return path
}

func at(v float64) *float64 { return &v }

var (
	white = color.RGBA{R: 255, G: 255, B: 255}
	grey  = color.RGBA{R: 128, G: 128, B: 128}
)
