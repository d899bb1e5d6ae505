package calibrate

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rs/zerolog"
	"go.uber.org/goleak"

	"faird/config"
	"faird/fair"
	"faird/inspect"
	"faird/model"
	"faird/model/graph"
	"faird/train/defect"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// side of the small network's pictures.
const side = 64

// greyModel restores every picture to mid grey, so that what is not grey scores.
func greyModel(t testing.TB) *model.File {
	t.Helper()
	restoration := make([]float32, 3*side*side)
	for i := range restoration {
		restoration[i] = 0.5
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
	return f
}

// restoring is a network that restores what it gets the high-pass of, as gain x
// (high-pass + mean) in each channel.
func restoring(t *testing.T, gain float64, mean [3]float32) *model.File {
	t.Helper()
	level := make([]float32, 0, 3*side*side)
	for _, v := range mean {
		for range side * side {
			level = append(level, v)
		}
	}
	g := graph.New("restoring")
	in := g.Input("highpass", graph.Free, 1, side, side)
	g.Output("restored", g.Mul(g.Add(g.Concat(1, in, in, in), g.Const(level, 1, 3, side, side)), g.Scalar(gain)))
	onnx, err := g.Build()
	if err != nil {
		t.Fatal(err)
	}
	f, err := model.New(onnx, model.Spec{Filter: fair.DefaultFilter(), Scoring: fair.DefaultScoring()})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// A network that restores 0..255 or RGB is refused, and the error says which.
func TestOtherForms(t *testing.T) {
	var names []string
	var pool defect.Pool
	for i := range 10 {
		pixels := noise(uint64(i), 40)
		for k := 0; k < len(pixels); k += 3 {
			pixels[k], pixels[k+2] = pixels[k]-40, pixels[k+2]+40
		}
		names, pool = append(names, fmt.Sprint(i)), append(pool, pixels)
	}
	bgr, rgb := [3]float32{88. / 255, 128. / 255, 168. / 255}, [3]float32{168. / 255, 128. / 255, 88. / 255}
	for name, c := range map[string]struct {
		file *model.File
		says string
	}{
		"0..255":      {restoring(t, 255, bgr), "restores BGR 0..255"},
		"RGB":         {restoring(t, 1, rgb), "restores RGB, and faird needs BGR"},
		"RGB, 0..255": {restoring(t, 255, rgb), "restores RGB 0..255"},
		"right":       {restoring(t, 1, bgr), ""},
	} {
		_, err := Run(t.Context(), c.file, Pool(names, pool), options(), nil)
		if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
	}
}

// noise is a grey picture of the model's size with noise of the given strength.
func noise(seed uint64, strength float64) []byte {
	r := rand.New(rand.NewPCG(seed, 1))
	pixels := make([]byte, 3*side*side)
	for i := 0; i < len(pixels); i += 3 {
		v := byte(128 + strength*(2*r.Float64()-1))
		pixels[i], pixels[i+1], pixels[i+2] = v, v, v
	}
	return pixels
}

// good is n pictures in memory, not all alike.
func good(n int) []Picture {
	var names []string
	var pool defect.Pool
	for i := range n {
		names, pool = append(names, fmt.Sprintf("%03d", i)), append(pool, noise(uint64(i), 5+float64(i%7)))
	}
	return Pool(names, pool)
}

func options() Options {
	o := Default()
	o.Infer = config.Infer{Provider: "cpu", Threads: 1}
	return o
}

func TestRun(t *testing.T) {
	o := options()
	o.FalseReject, o.ReviewRate = 0.05, 0.3
	file, told := greyModel(t), 0
	before := file.Hash
	out, err := Run(context.Background(), file, good(20), o, func(done, total int) {
		if told++; done != told || total != 20 {
			t.Errorf("progress %d of %d after %d calls", done, total, told)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	c := out.File.Calibration
	if told != 20 || c == nil || c.N != 20 || c.FalseReject != 0.05 || c.Review == nil || !(c.Threshold > c.Quantiles["1"]) || len(out.Scores) != 20 {
		t.Errorf("told %d times, %+v", told, c)
	}
	if file.Calibration != nil || file.Hash != before || out.File.Hash == before {
		t.Error("the model that came in was changed, or none came out")
	}
	path := filepath.Join(t.TempDir(), "m.onnx")
	if err := model.Write(path, out.File); err != nil {
		t.Fatal(err)
	}
	checkSamples(t, path, c.Threshold)
	again, err := model.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	if l := again.Calibration.Look; l == nil || math.Abs(l.Brightness.Mean-127.5) > 1 || !(l.Sharpness.Mean > 0) || l.Aspect.Mean != 0 || !(l.LogScore.Std > 0) {
		t.Errorf("the file's look is %+v", l)
	}
}

// checkSamples holds what every box does with the file before it is ready.
func checkSamples(t *testing.T, path string, threshold float64) {
	t.Helper()
	m, err := inspect.Load(path, config.Infer{Provider: "cpu", Threads: 1}, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if err := m.CheckGolden(context.Background()); err != nil {
		t.Error(err)
	}
	samples := m.File().Golden
	if len(samples) != 4 {
		t.Fatalf("%d golden samples, want 4", len(samples))
	}
	for i, s := range samples {
		if s.Defective != (i >= 2) || (s.Score >= threshold) != s.Defective {
			t.Errorf("sample %d: defective %t, score %v, threshold %v", i, s.Defective, s.Score, threshold)
		}
		for _, precision := range []string{model.Float32, model.TF32, model.Float16, model.Int8} {
			if v := s.Tolerance[precision]; !(v > 0 && v <= 0.05*threshold*(1+1e-9)) {
				t.Errorf("sample %d: tolerance for %s is %v", i, precision, v)
			}
		}
	}
}

// The same pictures give the same file.
func TestRunRepeats(t *testing.T) {
	var hashes []string
	for range 2 {
		out, err := Run(context.Background(), greyModel(t), good(8), options(), nil)
		if err != nil {
			t.Fatal(err)
		}
		hashes = append(hashes, out.File.Hash)
	}
	if hashes[0] != hashes[1] {
		t.Errorf("hashes %v", hashes)
	}
}

func TestRunNamesOddPictures(t *testing.T) {
	pictures := append(good(20), Pool([]string{"dent"}, defect.Pool{noise(99, 120)})...)
	out, err := Run(context.Background(), greyModel(t), pictures, options(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(out.Odd) != 1 || out.Odd[0].Name != "dent" {
		t.Errorf("odd: %v", out.Odd)
	}
}

func TestRunRefusesDefects(t *testing.T) {
	out, err := Run(context.Background(), greyModel(t), good(20), options(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var bad []Picture
	for i := range 10 {
		bad = append(bad, Pool([]string{"bad"}, defect.Pool{noise(uint64(i), 120)})...)
	}
	_, err = Run(context.Background(), out.File, bad, options(), nil)
	if err == nil || !strings.Contains(err.Error(), "above the model's own threshold") {
		t.Errorf("error %v", err)
	}
	forced := options()
	forced.Force = true
	if _, err := Run(context.Background(), out.File, bad, forced, nil); err != nil {
		t.Error(err)
	}
}

func TestRunErrors(t *testing.T) {
	broken := Picture{Name: "cut.png", Read: func() ([]byte, error) { return nil, fmt.Errorf("cut.png: %w", inspect.ErrPicture) }}
	gone := Picture{Name: "gone.png", Read: func() ([]byte, error) { return nil, os.ErrNotExist }}
	for name, c := range map[string]struct {
		pictures []Picture
		change   func(*Options)
		says     string
	}{
		"none":              {nil, nil, "0 good pictures are too few"},
		"too few":           {good(4), nil, "at least 5"},
		"many broken":       {append(good(10), broken, broken), nil, "2 of 12 pictures cannot be read"},
		"one gone":          {append(good(30), gone), nil, "gone.png"},
		"rate of none":      {good(9), func(o *Options) { o.FalseReject = 0 }, "false-reject rate"},
		"rate above one":    {good(9), func(o *Options) { o.FalseReject = 1.5 }, "false-reject rate"},
		"certainty":         {good(9), func(o *Options) { o.Confidence = 1 }, "confidence"},
		"review too strict": {good(9), func(o *Options) { o.ReviewRate = 0.0001 }, "review rate"},
	} {
		t.Run(name, func(t *testing.T) {
			o := options()
			if c.change != nil {
				c.change(&o)
			}
			if _, err := Run(context.Background(), greyModel(t), c.pictures, o, nil); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("error %v does not say %q", err, c.says)
			}
		})
	}
	out, err := Run(context.Background(), greyModel(t), append(good(30), broken), options(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(out.Broken) != 1 || out.File.Calibration.N != 30 {
		t.Errorf("left out %v of 31, %d counted", out.Broken, out.File.Calibration.N)
	}
}

func TestRunStops(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	_, err := Run(ctx, greyModel(t), good(9), options(), func(done, _ int) {
		if done == 2 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestFolder(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"b.png", "day 2/a.PNG"} {
		save(t, filepath.Join(dir, name))
	}
	if err := os.WriteFile(filepath.Join(dir, "notes.txt"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	pictures, skipped, err := Folder(dir, side, side, 0)
	if err != nil {
		t.Fatal(err)
	}
	if len(pictures) != 2 || pictures[0].Name != filepath.Join(dir, "b.png") || pictures[1].Name != filepath.Join(dir, "day 2", "a.PNG") {
		t.Fatalf("%v", pictures)
	}
	if got := skipped.String(); got != "1 file of another type (notes.txt)" {
		t.Errorf("left out %s", got)
	}
	if a := pictures[1].aspect(); a != 0 {
		t.Errorf("aspect %g of a picture that was not read", a)
	}
	if pixels, err := pictures[1].Read(); err != nil || len(pixels) != 3*side*side || pixels[0] != 77 {
		t.Errorf("%d bytes, %v", len(pixels), err)
	}
	if a := pictures[1].aspect(); a != 1.25 {
		t.Errorf("aspect %g of a picture that was read", a)
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	if linked, _, err := Folder(link, side, side, 0); err != nil || len(linked) != 2 || linked[0].Name != filepath.Join(link, "b.png") {
		t.Errorf("through a link: %v, %v", linked, err)
	}
	limited, _, err := Folder(dir, side, side, 100*80-1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := limited[0].Read(); !errors.Is(err, inspect.ErrPicture) || !strings.Contains(err.Error(), "100x80") {
		t.Errorf("beyond the limit: %v", err)
	}
	if err := os.Truncate(pictures[0].Name, 50); err != nil {
		t.Fatal(err)
	}
	if _, err := pictures[0].Read(); !errors.Is(err, inspect.ErrPicture) || !strings.Contains(err.Error(), "b.png") {
		t.Errorf("error %v", err)
	}
}

func TestFolderErrors(t *testing.T) {
	empty, set := t.TempDir(), t.TempDir()
	save(t, filepath.Join(set, "test", "dent", "0.png"))
	for dir, says := range map[string]string{
		empty:                           "no images in",
		set:                             "whole data set",
		filepath.Join(empty, "nowhere"): "no such file",
		filepath.Join(set, "test", "dent", "0.png"): "is not a folder",
	} {
		if _, _, err := Folder(dir, side, side, 0); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: error %v does not say %q", dir, err, says)
		}
	}
}

// save writes a plain picture of 100x80.
func save(t *testing.T, path string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	m := image.NewGray(image.Rect(0, 0, 100, 80))
	for i := range m.Pix {
		m.Pix[i] = color.Gray{Y: 77}.Y
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

// Copies of a picture are one part: the rate that is proven follows the number of
// parts, and each is as bad as its worst picture.
func TestCopiesCountOnce(t *testing.T) {
	o := options()
	o.FalseReject = 0.1
	same := func(n int) []Picture {
		var names []string
		var pool defect.Pool
		for i := range n {
			pixels := noise(1, 9)
			for k := range pixels {
				pixels[k] += byte(i % 3)
			}
			names, pool = append(names, fmt.Sprintf("copy%02d", i)), append(pool, pixels)
		}
		return Pool(names, pool)
	}
	out, err := Run(t.Context(), greyModel(t), append(good(30), same(60)...), o, nil)
	if err != nil {
		t.Fatal(err)
	}
	c := out.File.Calibration
	if c.N != 31 || c.Images != 90 || len(out.Scores) != 90 || out.Report.Parts != 31 {
		t.Errorf("%d parts in %d pictures; reported %+v", c.N, c.Images, out.Report)
	}
	if got, want := Words(c), "31 different parts in 90 pictures: the false-reject rate is below 10% with 95% confidence"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if _, err := Run(t.Context(), greyModel(t), same(60), o, nil); err == nil || !strings.Contains(err.Error(), "60 pictures show only 1 different part(s)") {
		t.Errorf("60 copies: %v", err)
	}
	o.Distinct = true
	if out, err = Run(t.Context(), greyModel(t), same(60), o, nil); err != nil || out.File.Calibration.N != 60 || out.File.Calibration.Images != 0 {
		t.Errorf("60 parts that look alike: %v", err)
	}
}

func TestWorst(t *testing.T) {
	if got := worst([]float64{1, 5, 2, 3, 4}, []int{7, 8, 7, 7, 9}); !slices.Equal(got, []float64{3, 5, 4}) {
		t.Errorf("%v", got)
	}
}

// Which part a picture shows is taken from whoever knows it already.
func TestKnownParts(t *testing.T) {
	pictures := good(12)
	for i := range pictures {
		pictures[i].Part = 1 + i/2
	}
	out, err := Run(t.Context(), greyModel(t), pictures, options(), nil)
	if err != nil || out.Report != nil || out.File.Calibration.N != 6 || out.File.Calibration.Images != 12 {
		t.Errorf("%v, %+v", err, out)
	}
}
