package fused_test

import (
	"image"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rs/zerolog"
	"gocv.io/x/gocv"

	"faird/config"
	"faird/fair"
	"faird/fair/golden"
	"faird/infer"
	"faird/inspect"
	"faird/model"
	trained "faird/model/demo/small"
	"faird/model/fused"
	"faird/model/unet"
)

// small is a model with a network of random weights.
func small(t *testing.T, w, h int, filter fair.Filter, scoring fair.Scoring) *model.File {
	t.Helper()
	n := unet.Network{Width: 8, Channels: filter.Channels()}
	weights := n.Initial(5)
	for _, p := range n.Parameters() { // as large as trained ones
		for i, v := range p.Of(weights.Parameters) {
			if len(p.Shape) == 4 {
				p.Of(weights.Parameters)[i] = v * float32(math.Sqrt(2/float64(9*p.Shape[1]))/0.02)
			}
		}
	}
	onnx, err := n.Inference(weights, h, w)
	if err != nil {
		t.Fatal(err)
	}
	f, err := model.New(onnx, model.Spec{Width: w, Height: h, Filter: filter, Scoring: scoring})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// picture is colourful, smooth in places and noisy in others.
func picture(w, h int) gocv.Mat {
	r := rand.New(rand.NewPCG(3, 4))
	m := gocv.NewMatWithSize(h, w, gocv.MatTypeCV8UC3)
	pix, _ := m.DataPtrUint8()
	for i := range pix {
		x, y, c := i/3%w, i/3/w, i%3
		v := 128 + 100*math.Sin(float64(x*(c+1))/9+float64(y)/7)
		if x > w/2 {
			v += 40 * r.NormFloat64()
		}
		pix[i] = byte(max(0, min(v, 255)))
	}
	return m
}

// TestFusedIsTheMethod holds the graph against the way through OpenCV.
func TestFusedIsTheMethod(t *testing.T) {
	built, err := model.Parse(trained.Model())
	if err != nil {
		t.Fatal(err)
	}
	paper := fair.DefaultScoring()
	for name, f := range map[string]*model.File{
		"trained":    built,
		"oblong":     small(t, 96, 64, fair.DefaultFilter(), paper),
		"ideal":      small(t, 64, 64, fair.Filter{Type: fair.Ideal, D0: 10}, fair.Scoring{K: 1e-3, Smooth: 5, Scales: 3}),
		"gaussian":   small(t, 64, 64, fair.Filter{Type: fair.Gaussian, D0: 20}, fair.Scoring{K: 0, Smooth: 1, Scales: 1}),
		"sobel x 3":  small(t, 64, 48, fair.Filter{Type: fair.SobelX, KSize: 3}, paper),
		"sobel xy 5": small(t, 64, 48, fair.Filter{Type: fair.SobelXY, KSize: 5}, paper),
	} {
		t.Run(name, func(t *testing.T) { compare(t, f, picture(f.Width, f.Height)) })
	}
}

// The plain network beside this project, on a real picture.
func TestFusedOnARealPicture(t *testing.T) {
	data := golden.Shared(t, "FAIRD_DATASETS", "datasets")
	f, err := model.Read(filepath.Join(golden.Shared(t, "FAIRD_MODELS", "models"), "bottle_c16_128.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	p := gocv.IMRead(filepath.Join(data, "bottle", "test", "good", "000.png"), gocv.IMReadColor)
	if p.Empty() {
		t.Fatal("no picture test/good/000.png of bottle")
	}
	if err := gocv.Resize(p, &p, image.Pt(f.Width, f.Height), 0, 0, gocv.InterpolationLinear); err != nil {
		t.Fatal(err)
	}
	compare(t, f, p)
}

func compare(t *testing.T, f *model.File, p gocv.Mat) {
	t.Helper()
	defer p.Close()
	m, err := inspect.Open(f, config.Infer{Provider: "cpu"}, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	i, err := m.NewInspector(inspect.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer i.Close()
	var r inspect.Result
	if err := i.Inspect(t.Context(), p, nil, &r); err != nil {
		t.Fatal(err)
	}
	got := run(t, f, i.Resized())
	near(t, "restored", got[fused.OutRestored], i.Restored(), 1e-4)
	near(t, "map", got[fused.OutMap], i.Map(), 1e-4)
	if score := float64(slices.Max(got[fused.OutMap])); math.Abs(score-r.Score) > 1e-4 || !(r.Score > 0) {
		t.Errorf("score %v, through OpenCV %v", score, r.Score)
	}
}

// run runs a model's fused graph on one picture with nothing ignored.
func run(t *testing.T, f *model.File, planes []float32) map[string][]float32 {
	t.Helper()
	onnx, err := fused.Build(f)
	if err != nil {
		t.Fatal(err)
	}
	g, err := infer.OpenGraph(onnx, infer.GraphOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	h, w := int64(f.Height), int64(f.Width)
	in := []*infer.Tensor{tensor(t, 1, 3, h, w), tensor(t, 1, 1, h, w)}
	copy(in[0].Data(), planes)
	for k := range in[1].Data() {
		in[1].Data()[k] = 1
	}
	var out []*infer.Tensor
	for _, name := range g.Outputs() {
		channels := int64(1)
		if name == fused.OutRestored {
			channels = 3
		}
		out = append(out, tensor(t, 1, channels, h, w))
	}
	if err := g.Run(t.Context(), in, out); err != nil {
		t.Fatal(err)
	}
	got := map[string][]float32{}
	for k, name := range g.Outputs() {
		got[name] = slices.Clone(out[k].Data())
	}
	return got
}

func tensor(t *testing.T, shape ...int64) *infer.Tensor {
	t.Helper()
	x, err := infer.NewTensor(shape...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { x.Close() })
	return x
}

func near(t *testing.T, name string, got, want []float32, tolerance float64) {
	t.Helper()
	worst, most := 0.0, 1.0
	for i := range want {
		worst, most = max(worst, math.Abs(float64(got[i]-want[i]))), max(most, math.Abs(float64(want[i])))
	}
	worst /= most
	if !(worst <= tolerance) || len(got) != len(want) {
		t.Errorf("%s: %g away", name, worst)
	}
	t.Logf("%s: %g away", name, worst)
}

func TestBuildErrors(t *testing.T) {
	f := small(t, 48, 48, fair.DefaultFilter(), fair.Scoring{K: 1e-3, Smooth: 5, Scales: 6})
	if _, err := fused.Build(f); err == nil || !strings.Contains(err.Error(), "6 scales need sides that divide by 32") {
		t.Errorf("error %v", err)
	}
}
