package eval

import (
	"encoding/json"
	"math"
	"testing"

	"faird/fair/golden"
)

func judged(good, bad []float64) []Picture {
	var p []Picture
	for _, v := range good {
		p = append(p, Picture{Score: v})
	}
	for _, v := range bad {
		p = append(p, Picture{Score: v, Item: Item{Defective: true}})
	}
	return p
}

func ptr[T any](v T) *T { return &v }

func TestMeasure(t *testing.T) {
	for name, c := range map[string]struct {
		good, bad []float64
		threshold *float64
		want      string
	}{
		"all there": {
			[]float64{0.1, 0.2, 0.4},
			[]float64{0.3, 0.5},
			ptr(0.35),
			`{"image_auroc":0.8333333333333334,"pixel_auroc":null,"aupro_30":null,"images":5,"good":3,"defective":2,"threshold":0.35,"false_reject":1,"slip_through":1}`,
		},
		"at the threshold is rejected": {
			[]float64{0.35},
			[]float64{0.35},
			ptr(0.35),
			`{"image_auroc":0.5,"pixel_auroc":null,"aupro_30":null,"images":2,"good":1,"defective":1,"threshold":0.35,"false_reject":1,"slip_through":0}`,
		},
		"not calibrated": {
			[]float64{0.1},
			[]float64{0.3},
			nil,
			`{"image_auroc":1,"pixel_auroc":null,"aupro_30":null,"images":2,"good":1,"defective":1,"threshold":null,"false_reject":null,"slip_through":null}`,
		},
		"only good": {
			[]float64{0.1, 0.2},
			nil, ptr(0.15),
			`{"image_auroc":null,"pixel_auroc":null,"aupro_30":null,"images":2,"good":2,"defective":0,"threshold":0.15,"false_reject":1,"slip_through":null}`,
		},
		"only defective": {
			nil,
			[]float64{0.1, 0.2},
			ptr(0.15),
			`{"image_auroc":null,"pixel_auroc":null,"aupro_30":null,"images":2,"good":0,"defective":2,"threshold":0.15,"false_reject":null,"slip_through":1}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := Measure(judged(c.good, c.bad), c.threshold)
			if err != nil {
				t.Fatal(err)
			}
			if got := compact(t, f); got != c.want {
				t.Errorf("%s\nwant\n%s", got, c.want)
			}
		})
	}
}

// compact is the JSON of figures with each rate by its count, without the model.
func compact(t *testing.T, f Figures) string {
	t.Helper()
	type bare Figures
	out, err := json.Marshal(struct {
		bare
		FalseReject *int   `json:"false_reject"`
		SlipThrough *int   `json:"slip_through"`
		Model       string `json:"model,omitempty"`
	}{bare(f), count(f.FalseReject), count(f.SlipThrough), f.Model})
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func count(r *Rate) *int {
	if r == nil {
		return nil
	}
	return &r.Count
}

// The JSON's names are a contract.
func TestFiguresJSON(t *testing.T) {
	f, err := Measure(judged([]float64{0.1}, []float64{0.3}), ptr(0.2))
	if err != nil {
		t.Fatal(err)
	}
	f.Model = "sha256:00"
	got, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"image_auroc":1,"pixel_auroc":null,"aupro_30":null,"images":2,"good":1,"defective":1,"threshold":0.2,` +
		`"false_reject":{"rate":0,"low":0,"high":0.975},"slip_through":{"rate":0,"low":0,"high":0.975},"model":"sha256:00"}`
	if string(got) != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}

func TestGoldenMetrics(t *testing.T) {
	golden.Each(t, func(t *testing.T, s *golden.Set) {
		m := s.Expected.Metrics
		pictures := make([]Picture, len(m.Labels))
		for i, label := range m.Labels {
			pictures[i] = Picture{Score: m.ImageScores[i], Item: Item{Defective: label != 0}}
		}
		f, err := Measure(pictures, nil)
		if err != nil {
			t.Fatal(err)
		}
		maps, masks := s.Array(t, "metric_maps"), s.Array(t, "metric_masks")
		const side = 64
		known := truth{w: side, h: side}
		for i := range pictures {
			mask := make([]byte, side*side)
			for k, v := range masks[i*side*side : (i+1)*side*side] {
				if v != 0 {
					mask[k] = 1
				}
			}
			known.add(maps[i*side*side:(i+1)*side*side], mask)
		}
		if err := known.measure(&f); err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			name      string
			got       *float64
			want, tol float64
		}{
			{"image AUROC", f.ImageAUROC, m.ImageAUROC, 1e-6},
			{"pixel AUROC", f.PixelAUROC, m.PixelAUROC, 1e-6},
			{"AUPRO", f.AUPRO30, m.AUPRO30, 1e-4},
		} {
			if c.got == nil || math.Abs(*c.got-c.want) > c.tol {
				t.Errorf("%s: %v, want %v", c.name, c.got, c.want)
			}
		}
	})
}
