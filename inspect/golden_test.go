package inspect_test

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/rs/zerolog"

	"faird/fair/golden"
	"faird/inspect"
	"faird/model"
)

// The whole way from a picture file to its score, with a network that answers
// with the golden restoration.
func TestGoldenScore(t *testing.T) {
	golden.Each(t, func(t *testing.T, s *golden.Set) {
		for _, picture := range s.Expected.Images {
			restored, h, w := s.Planar(t, picture.Stem()+"_restored_bgr")
			i := inspector(t, open(t, constant(t, restored, h, w), model.Spec{}), inspect.Options{})
			mat, err := inspect.ReadPicture(s.Path(picture.File), 0)
			if err != nil {
				t.Fatal(err)
			}
			defer mat.Close()
			r := judge(t, i, mat, nil)
			t.Logf("%s: score %.7f, expected %.7f", picture.File, r.Score, picture.Score)
			if !(math.Abs(r.Score-picture.Score) <= 1e-5) {
				t.Errorf("%s: score %v, want %v", picture.File, r.Score, picture.Score)
			}
			compare(t, picture.File+" map", i.Map(), s.Array(t, picture.Stem()+"_score_map"), 1e-4)
		}
	})
}

// A real network from the picture file to its restoration.
func TestGoldenNetwork(t *testing.T) {
	s := golden.Full(t)
	m, err := inspect.Load(s.Path("unet_c8.onnx"), oneCore, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	i := inspector(t, m, inspect.Options{})
	mat, err := inspect.ReadPicture(s.Path("image0.png"), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer mat.Close()
	judge(t, i, mat, nil)
	compare(t, "restored", i.Restored(), s.Array(t, "unet_c8_infer_out"), 1e-4)
}

func compare(t *testing.T, name string, got, want []float32, tolerance float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d values, want %d", name, len(got), len(want))
	}
	worst := 0.0
	for i := range want {
		if d := math.Abs(float64(got[i]) - float64(want[i])); !(d <= worst) {
			worst = d
		}
	}
	t.Logf("%s: largest deviation %.2g", name, worst)
	if !(worst <= tolerance) {
		t.Errorf("%s: off by %g", name, worst)
	}
}

// Camera-sized pictures with a network trained on such, against scores that an
// independent program computed.
func TestGoldenBottle(t *testing.T) {
	originals := filepath.Join(golden.Shared(t, "FAIRD_DATASETS", "datasets"), "originals")
	models := golden.Shared(t, "FAIRD_MODELS", "models")
	data, err := os.ReadFile(filepath.Join(models, "bottle_originals_scores.json"))
	if err != nil {
		t.Fatal(err)
	}
	var want map[string]float64
	if err := json.Unmarshal(data, &want); err != nil {
		t.Fatal(err)
	}
	m, err := inspect.Load(filepath.Join(models, "bottle_c16_128.onnx"), oneCore, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	i := inspector(t, m, inspect.Options{})
	worst := 0.0
	for name, score := range want {
		mat, err := inspect.ReadPicture(filepath.Join(originals, name), 0)
		if err != nil {
			t.Fatal(err)
		}
		r := judge(t, i, mat, nil)
		_ = mat.Close()
		d := math.Abs(r.Score - score)
		if worst = max(worst, d); !(d <= 1.5e-3) {
			t.Errorf("%s: score %v, want %v", name, r.Score, score)
		}
		if good := filepath.Dir(name) == "good"; good != (r.Score < 0.14) {
			t.Errorf("%s: score %v is on the wrong side of 0.14", name, r.Score)
		}
	}
	t.Logf("%d pictures, largest deviation %.2g", len(want), worst)
	if len(want) != 17 {
		t.Errorf("%d pictures", len(want))
	}
}
