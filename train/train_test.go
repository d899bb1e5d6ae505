package train

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rs/zerolog"
	"go.uber.org/goleak"
	"gocv.io/x/gocv"

	"faird/config"
	"faird/fair"
	"faird/infer"
	"faird/inspect"
	"faird/model"
	"faird/train/calibrate"
	"faird/train/defect"
	"faird/train/fit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// write writes n good pictures: rings on a shaded ground, a little different
// each.
func write(t *testing.T, dir string, n, w, h int) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		r := rand.New(rand.NewPCG(uint64(i), 5))
		pixels := make([]byte, 3*w*h)
		cx, cy := float64(w)/2+r.NormFloat64(), float64(h)/2+r.NormFloat64()
		width, phase := 2+0.1*r.NormFloat64(), r.Float64() // no two are near-duplicates
		for k := range w * h {
			d := math.Hypot(float64(k%w)-cx, float64(k/w)-cy)
			v := 120 + 60*math.Sin(d/width+phase) + 4*r.NormFloat64()
			pixels[3*k], pixels[3*k+1], pixels[3*k+2] = byte(v), byte(v*0.9), byte(v*0.8+float64(k%w)/4)
		}
		picture, err := gocv.NewMatFromBytes(h, w, gocv.MatTypeCV8UC3, pixels)
		if err != nil {
			t.Fatal(err)
		}
		if !gocv.IMWrite(filepath.Join(dir, fmt.Sprintf("%03d.png", i)), picture) {
			t.Fatal("a test picture cannot be written")
		}
		_ = picture.Close()
	}
}

func options(t *testing.T) Options {
	t.Helper()
	if _, err := infer.Load(""); err != nil {
		t.Fatalf("%v (make deps gets the library)", err)
	}
	o := Default()
	o.Good = filepath.Join(t.TempDir(), "good")
	o.Base, o.Width, o.Height, o.Batch, o.Steps, o.Rate, o.Seed = 8, 48, 32, 2, 6, 1e-3, 7
	o.Infer = config.Infer{Provider: "cpu"}
	write(t, o.Good, 16, 60, 40)
	return o
}

func run(t *testing.T, o Options) *Result {
	t.Helper()
	r, err := Run(context.Background(), o, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestTrainedModel(t *testing.T) {
	o := options(t)
	o.Steps = 60
	o.Filter = fair.Filter{Type: fair.SobelXY, KSize: 3}
	var stages []string
	var first, last fit.Progress
	r, err := Run(context.Background(), o, func(p Progress) {
		if !slices.Contains(stages, p.Stage) {
			stages = append(stages, p.Stage)
		}
		if p.Stage == Training {
			if first.Step == 0 {
				first = p.Progress
			}
			last = p.Progress
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(stages, []string{Reading, Training, Calibrating, Quantising}) || last.Step != 60 || last.Loss > 0.95*first.Loss {
		t.Errorf("stages %v, loss from %v to %v", stages, first.Loss, last.Loss)
	}
	if r.Pictures != 11 || r.Steps != 60 || r.Spent <= 0 || len(r.Scores) != 5 || len(r.Broken) != 0 {
		t.Errorf("result %+v", r)
	}
	path := filepath.Join(t.TempDir(), "m.onnx")
	if err := model.Write(path, r.File); err != nil {
		t.Fatal(err)
	}
	m, err := inspect.Load(path, o.Infer, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	s := m.File().Spec
	if s.Width != 48 || s.Height != 32 || s.Channels != 2 || s.Calibration == nil || s.Calibration.N != 5 || m.File().Plain {
		t.Errorf("spec %+v", s)
	}
	if len(s.Golden) != 4 || s.Golden[0].Defective || s.Golden[1].Defective || !s.Golden[2].Defective || !s.Golden[3].Defective {
		t.Errorf("%d golden samples", len(s.Golden))
	}
	if err := m.CheckGolden(context.Background()); err != nil {
		t.Error(err)
	}
	if text := string(s.Training); !strings.Contains(text, `"steps":60`) || !strings.Contains(text, `"pictures":11`) || strings.Contains(text, o.Good) {
		t.Errorf("provenance %s", text)
	}
}

// On the CPU the model is an 8-bit one, with its float32 form, unless that one
// is asked for alone or 8 bits change a verdict.
func TestPrecision(t *testing.T) {
	o := options(t)
	o.Steps = 60
	r := run(t, o)
	if r.Quantised == nil || len(r.Quantised.Loss.Changed) > 0 || r.Float32 == nil {
		t.Fatalf("8 bits were not tried, or not taken: %+v", r.Quantised)
	}
	if r.File.Precision() != model.Int8 || r.File.Calibration == nil || len(r.File.Golden) != 4 || !bytes.Equal(r.File.Training, r.Float32.Training) {
		t.Errorf("%s of %+v", r.File.Precision(), r.File.Spec)
	}
	o.Precision = model.Float32
	alone := run(t, o)
	if alone.Quantised != nil || alone.Float32 != nil || alone.File.Precision() != model.Float32 || !bytes.Equal(alone.File.Bytes(), r.Float32.Bytes()) {
		t.Errorf("asked for float32: %s, or another network", alone.File.Precision())
	}

	all, _, err := calibrate.Folder(o.Good, o.Width, o.Height, 0)
	if err != nil {
		t.Fatal(err)
	}
	alone.File.Calibration.Threshold = math.SmallestNonzeroFloat64 // at which its golden samples are defective, good or not
	c := calibrate.Default()
	c.Infer = o.Infer
	was := alone.File
	if err := alone.quantise(t.Context(), all, c, func(Progress) {}); err != nil {
		t.Fatal(err)
	}
	if len(alone.Quantised.Loss.Changed) == 0 || alone.File != was || alone.Float32 != nil {
		t.Errorf("verdicts changed, and the model is %s: %+v", alone.File.Precision(), alone.Quantised.Loss)
	}
}

// The same seed and pictures give the same file, whatever the number of
// workers, and broken off and resumed or not.
func TestSameTrainingSameFile(t *testing.T) {
	o := options(t)
	o.Workers = 1
	want := run(t, o).File.Bytes()
	o.Workers = 4
	if !bytes.Equal(run(t, o).File.Bytes(), want) {
		t.Error("the number of workers changed the model")
	}

	o.Checkpoint = filepath.Join(t.TempDir(), "m.ckpt")
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	_, err := Run(ctx, o, func(p Progress) {
		if p.Stage == Training && p.Done == 2 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("a training broken off returned %v", err)
	}
	o.Resume = o.Checkpoint
	if !bytes.Equal(run(t, o).File.Bytes(), want) {
		t.Error("broken off and resumed, the training made another model")
	}

	o.Seed++
	if _, err := Run(context.Background(), o, nil); err == nil || !strings.Contains(err.Error(), `seed is "7" there and "8" here`) {
		t.Errorf("a checkpoint of another seed: %v", err)
	}
	o.Seed--
	write(t, o.Good, 17, 60, 40)
	if _, err := Run(context.Background(), o, nil); err == nil || !strings.Contains(err.Error(), "good pictures is") {
		t.Errorf("a checkpoint of other pictures: %v", err)
	}
}

// A training that diverged goes on with a lower rate, and one that was too short
// for longer; the model says so.
func TestResumedWithAnotherRateForLonger(t *testing.T) {
	o := options(t)
	o.Checkpoint = filepath.Join(t.TempDir(), "m.ckpt")
	var r *Result
	for _, c := range []struct {
		rate  float64
		steps int
		stop  int // after this step
	}{{1e-3, 6, 2}, {1e-4, 6, 4}, {1e-4, 8, 0}} {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		o.Rate, o.Steps = c.rate, c.steps
		var err error
		r, err = Run(ctx, o, func(p Progress) {
			if p.Stage == Training && p.Step == c.stop {
				cancel()
			}
		})
		if c.stop > 0 && !errors.Is(err, context.Canceled) || c.stop == 0 && err != nil {
			t.Fatal(err)
		}
		o.Resume = o.Checkpoint
	}
	for _, want := range []string{`"learning rate":"0.001 until step 2, then 0.0001"`, `"steps":"6 until step 4, then 8"`, `"steps":8`} {
		if !strings.Contains(string(r.File.Training), want) {
			t.Errorf("%s is not in %s", want, r.File.Training)
		}
	}
	if got := history("0.1 until step 2, then 0.01", "0.001", 5); got != "0.1 until step 2, then 0.01 until step 5, then 0.001" {
		t.Error(got)
	}
}

// A disk that fails at the end costs the checkpoint, not the model.
func TestModelWithoutItsCheckpoint(t *testing.T) {
	o := options(t)
	want := run(t, o).File.Bytes()
	dir := filepath.Join(t.TempDir(), "d")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	o.Checkpoint, o.Log = filepath.Join(dir, "m.ckpt"), zerolog.New(&log)
	r, err := Run(context.Background(), o, func(p Progress) {
		if p.Step == 2 {
			_ = os.RemoveAll(dir) // as a disk that went away
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(r.File.Bytes(), want) || !strings.Contains(log.String(), "the training is not saved") {
		t.Errorf("another model, or nothing said: %s", log.String())
	}
}

func TestBadFolders(t *testing.T) {
	base := options(t)
	broken := func(n int) func(t *testing.T, o *Options) {
		return func(t *testing.T, o *Options) {
			write(t, o.Good, 40, 30, 30)
			for i := range n {
				if err := os.WriteFile(filepath.Join(o.Good, fmt.Sprintf("%03d.png", i)), []byte("\x89PNG no picture"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	for _, c := range []struct {
		name string
		make func(t *testing.T, o *Options)
		want string // part of the error; "" is none
	}{
		{"a missing folder", func(_ *testing.T, o *Options) { o.Good += "none" }, "no such file"},
		{"an empty folder", func(t *testing.T, o *Options) { write(t, o.Good, 0, 1, 1) }, "no images"},
		{"six pictures", func(t *testing.T, o *Options) { write(t, o.Good, 6, 30, 30) }, "6 in "},
		{"a whole data set", func(t *testing.T, o *Options) { write(t, filepath.Join(o.Good, "test", "dent"), 9, 30, 30) }, "whole data set"},
		{"two of forty broken", broken(2), ""},
		{"three of forty broken", broken(3), "3 of 40 pictures cannot be read, more than 5%"},
		{"pictures of different sizes", func(t *testing.T, o *Options) {
			write(t, o.Good, 5, 30, 50)
			write(t, filepath.Join(o.Good, "more"), 5, 70, 20)
		}, ""},
		{"no textures", func(t *testing.T, o *Options) {
			write(t, o.Good, 8, 30, 30)
			o.Textures = filepath.Join(o.Good, "textures")
			write(t, o.Textures, 0, 1, 1)
		}, "textures: no images"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := base
			o.Good, o.Steps = filepath.Join(t.TempDir(), "good"), 1
			c.make(t, &o)
			r, err := Run(context.Background(), o, nil)
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v, want %q", err, c.want)
			}
			if c.name == "two of forty broken" && (len(r.Broken) != 2 || !strings.Contains(r.Broken[1].Error(), "001.png")) {
				t.Errorf("left out: %v", r.Broken)
			}
		})
	}
}

func TestReadingEndsWithItsContext(t *testing.T) {
	o := options(t)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	seen := 0
	_, err := Run(ctx, o, func(p Progress) {
		if seen++; p.Stage != Reading || p.Total != 16 || p.Done != seen {
			t.Errorf("report %d is %+v", seen, p)
		}
		if seen == 4 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// A picture that is not like the others, among those held back.
func TestOddPictureIsNamed(t *testing.T) {
	o := options(t)
	o.Steps = 120
	files, _, err := calibrate.Folder(o.Good, o.Width, o.Height, 0)
	if err != nil {
		t.Fatal(err)
	}
	all := &pictures{}
	for _, f := range files {
		all.names, all.pool, all.sizes = append(all.names, f.Name), append(all.pool, nil), append(all.sizes, image.Point{})
	}
	_, held := split(all, o.HoldBack, o.Seed)
	black := gocv.NewMatWithSize(40, 60, gocv.MatTypeCV8UC3)
	defer black.Close()
	noise := rand.New(rand.NewPCG(1, 1))
	for i := range 40 * 20 {
		black.SetUCharAt(i/20, i%20, byte(noise.IntN(256)))
	}
	if !gocv.IMWrite(held.names[2], black) {
		t.Fatal("a test picture cannot be written")
	}
	if r := run(t, o); len(r.Odd) != 1 || r.Odd[0].Name != held.names[2] {
		t.Errorf("odd are %v, want %s", r.Odd, held.names[2])
	}
}

func TestOptionsThatCannotBe(t *testing.T) {
	good := Default()
	good.Good, good.Steps = "folder", 10
	if err := good.Check(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		change func(o *Options)
		want   string
	}{
		{func(o *Options) { o.Good = "" }, "no folder"},
		{func(o *Options) { o.Precision = "int4" }, "int4"},
		{func(o *Options) { o.Schedule = "linear" }, `schedule "linear"`},
		{func(o *Options) { o.Steps = 0 }, "how long"},
		{func(o *Options) { o.Epochs = 3 }, "how long"},
		{func(o *Options) { o.Steps = -3 }, "how long"},
		{func(o *Options) { o.Base = 4 }, "network width 4"},
		{func(o *Options) { o.Width = 250 }, "250x256"},
		{func(o *Options) { o.Batch = 0 }, "batch of 0"},
		{func(o *Options) { o.Rate = math.NaN() }, "learning rate"},
		{func(o *Options) { o.HoldBack = 1 }, "held back"},
		{func(o *Options) { o.FalseReject = 1 }, "false-reject"},
		{func(o *Options) { o.Workers = -1 }, "workers"},
		{func(o *Options) { o.Infer.Provider = "tensorrt" }, "tensorrt"},
		{func(o *Options) { o.Filter.Type = "laplace" }, "laplace"},
		{func(o *Options) { o.Mix.Form = "torn" }, "torn"},
	} {
		o := good
		c.change(&o)
		if err := o.Check(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want something with %q", err, c.want)
		}
	}
	good.Steps, good.Epochs = 0, 3
	if b := good.budget(21); b.Steps != 8 {
		t.Errorf("3 epochs of 21 pictures are %d steps of 8", b.Steps)
	}
}

func TestPreview(t *testing.T) {
	o := options(t)
	o.Textures, o.Steps = o.Good, 0
	dir := t.TempDir()
	path, err := Preview(context.Background(), o, dir)
	if err != nil {
		t.Fatal(err)
	}
	sheet, err := inspect.ReadPicture(path, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer sheet.Close()
	if sheet.Cols() != 4*48 || sheet.Rows() != heading+previewRows*32 {
		t.Errorf("the sheet has %dx%d pixels", sheet.Cols(), sheet.Rows())
	}
	if _, err := Preview(context.Background(), o, filepath.Join(dir, "none")); err == nil {
		t.Error("a sheet was written into a missing folder")
	}
	alone, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	o.Preview, o.Steps = t.TempDir(), 1
	run(t, o)
	if with, err := os.ReadFile(filepath.Join(o.Preview, PreviewName)); err != nil || !bytes.Equal(with, alone) {
		t.Errorf("the sheet of a training is another one: %v", err)
	}
}

func someSource(filter fair.Filter, n int) source {
	s := source{w: 32, h: 16, filter: filter, mix: defect.PaperMix(defect.FormAuthors), seed: 3}
	for i := range n {
		pixels := make([]byte, 3*32*16)
		r := rand.New(rand.NewPCG(uint64(i), 1))
		for k := range pixels {
			pixels[k] = byte(r.IntN(256))
		}
		s.good = append(s.good, pixels)
	}
	return s
}
