package inspect_test

import (
	"context"
	"image"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/rs/zerolog"
	"gocv.io/x/gocv"

	"faird/inspect"
	"faird/model"
)

// sample makes a golden sample of the small network's size.
func sample(t *testing.T) model.GoldenSample {
	t.Helper()
	picture := canvas(t, side, side, gocv.MatTypeCV8UC3)
	draw(t, &picture, image.Rect(20, 20, 30, 30), white)
	buffer, err := gocv.IMEncode(gocv.PNGFileExt, picture)
	if err != nil {
		t.Fatal(err)
	}
	defer buffer.Close()
	score := judge(t, inspector(t, greyModel(t), inspect.Options{}), picture, nil).Score
	return model.GoldenSample{
		PNG: append([]byte(nil), buffer.GetBytes()...), Defective: true, Score: score,
		Tolerance: map[string]float64{model.Float32: 1e-5},
	}
}

func TestCheckGolden(t *testing.T) {
	good := sample(t)
	wrong, other := good, good
	wrong.Score += 1e-3
	other.Tolerance = map[string]float64{model.Float16: 1}
	for _, c := range []struct {
		name    string
		samples []model.GoldenSample
		says    string
	}{
		{"right", []model.GoldenSample{good, good}, ""},
		{"none", nil, ""},
		{"wrong", []model.GoldenSample{good, wrong}, "golden sample 1 scores"},
		{"precision", []model.GoldenSample{other}, "no tolerance for float32, only for float16"},
	} {
		spec := greyModel(t).File().Spec
		spec.Golden = c.samples
		m := open(t, constant(t, filled(grey128, 3*side*side), side, side), spec)
		err := m.CheckGolden(context.Background())
		if c.says == "" && err != nil || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%s: %v, want %q", c.name, err, c.says)
		}
	}
}

func TestLoadNamesTheFile(t *testing.T) {
	_, err := inspect.Load(filepath.Join(t.TempDir(), "none.onnx"), oneCore, zerolog.Nop())
	if err == nil || !strings.Contains(err.Error(), "none.onnx") {
		t.Errorf("got %v", err)
	}
}

// Inspectors of one model work side by side and agree.
func TestInspectorsShareAModel(t *testing.T) {
	m := greyModel(t)
	picture := noisy(t, 120, 110)
	want := judge(t, inspector(t, m, inspect.Options{}), picture, nil).Score
	var wg sync.WaitGroup
	for range 4 {
		i := inspector(t, m, inspect.Options{})
		wg.Go(func() {
			for range 20 {
				var r inspect.Result
				if err := i.Inspect(context.Background(), picture, at(0.01), &r); err != nil || r.Score != want {
					t.Errorf("score %v, alone %v (%v)", r.Score, want, err)
				}
			}
		})
	}
	wg.Wait()
}

// Once warm, a picture costs far less than a picture's bytes of Go memory,
// with regions, a mask and grey or deep pictures too.
func TestNothingPictureSizedIsAllocated(t *testing.T) {
	i := inspector(t, greyModel(t), inspect.Options{IgnoreMask: maskFile(t, 300, 200, image.Rect(0, 0, 9, 9))})
	pictures := []gocv.Mat{noisy(t, 300, 200), canvas(t, 300, 200, gocv.MatTypeCV8UC1), canvas(t, 300, 200, gocv.MatTypeCV16UC3)}
	var r inspect.Result
	round := func() {
		for _, picture := range pictures {
			if err := i.Inspect(context.Background(), picture, at(0.01), &r); err != nil {
				t.Fatal(err)
			}
		}
	}
	round()
	const rounds = 20
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range rounds {
		round()
	}
	runtime.ReadMemStats(&after)
	bytes := (after.TotalAlloc - before.TotalAlloc) / uint64(rounds*len(pictures))
	if t.Logf("%d bytes a picture", bytes); bytes > 2048 {
		t.Errorf("%d bytes a picture; a map at the model's size has %d", bytes, 4*side*side)
	}
}

func TestStages(t *testing.T) {
	r := judge(t, inspector(t, greyModel(t), inspect.Options{}), noisy(t, 900, 900), nil)
	if r.Stages.Prepare <= 0 || r.Stages.Restore <= 0 || r.Stages.Score <= 0 || r.Stages.Wait < 0 {
		t.Errorf("stages %+v", r.Stages)
	}
}

func TestMapPicture(t *testing.T) {
	i := inspector(t, greyModel(t), inspect.Options{})
	picture := canvas(t, 2*side, 2*side, gocv.MatTypeCV8UC3)
	draw(t, &picture, image.Rect(80, 20, 100, 40), white)
	judge(t, i, picture, nil)
	for _, level := range []*float64{nil, at(0.1)} {
		png, err := i.MapPicture(level)
		if err != nil {
			t.Fatal(err)
		}
		drawn, err := gocv.IMDecode(png, gocv.IMReadColor)
		if err != nil || drawn.Cols() != side || drawn.Rows() != side {
			t.Fatalf("%dx%d (%v)", drawn.Cols(), drawn.Rows(), err)
		}
		hot, cold := drawn.GetVecbAt(15, 40), drawn.GetVecbAt(50, 10) // blue, green, red
		if hot[2] <= hot[0] || cold[0] <= cold[2] || hot[2] <= cold[2] {
			t.Errorf("the defect is drawn %v, the rest %v", hot, cold)
		}
		_ = drawn.Close()
	}
}
