package inspect_test

import (
	"context"
	"image"
	"path/filepath"
	"slices"
	"testing"

	"faird/config"
	"faird/fair/golden"
	"faird/inspect"
	"faird/model"
)

// BenchmarkInspect times everything but the network, from a 900x900 picture to
// its regions at 256x256; the network here only adds two arrays. Metrics are
// medians: prepare_ms is the resize and the high-pass, score_ms the maps, the
// mean and the regions, everything_ms their sum.
func BenchmarkInspect(b *testing.B) {
	for _, c := range []struct {
		name  string
		level *float64
	}{{"pass", nil}, {"fail", at(0.1)}} {
		b.Run(c.name, func(b *testing.B) { benchmarkInspect(b, c.level) })
	}
}

func benchmarkInspect(b *testing.B, level *float64) {
	const size = 256
	i := inspector(b, open(b, constant(b, filled(grey128, 3*size*size), size, size), model.Spec{}), inspect.Options{})
	picture := noisy(b, 900, 900)
	if level != nil {
		picture = canvas(b, 900, 900, picture.Type())
		draw(b, &picture, image.Rect(300, 300, 400, 350), white)
	}
	var r inspect.Result
	prepare, score := []float64{}, []float64{}
	b.ReportAllocs()
	for b.Loop() {
		if err := i.Inspect(context.Background(), picture, level, &r); err != nil {
			b.Fatal(err)
		}
		prepare, score = append(prepare, r.Stages.Prepare), append(score, r.Stages.Score)
	}
	if level != nil && len(r.Regions) == 0 {
		b.Fatal("no regions")
	}
	slices.Sort(prepare)
	slices.Sort(score)
	p, s := prepare[len(prepare)/2], score[len(score)/2]
	b.ReportMetric(p, "prepare_ms")
	b.ReportMetric(s, "score_ms")
	b.ReportMetric(p+s, "everything_ms")
}

// BenchmarkReadPicture is what score and eval spend on a picture file besides.
func BenchmarkReadPicture(b *testing.B) {
	path := golden.Shared(b, "FAIRD_DATASETS", "datasets") + "/originals/good/000.png"
	for b.Loop() {
		picture, err := inspect.ReadPicture(path, 0)
		if err != nil {
			b.Fatal(err)
		}
		_ = picture.Close()
	}
}

// BenchmarkGeometry is what holding a region of 800x800 pixels costs besides:
// everything but the network, whose answer here is a constant.
func BenchmarkGeometry(b *testing.B) {
	m := open(b, constant(b, filled(grey128, 3*256*256), 256, 256), model.Spec{})
	picture := noisy(b, 900, 900)
	draw(b, &picture, image.Rect(100, 100, 180, 180), white)
	align := config.Align{Reference: save(b, picture, filepath.Join(b.TempDir(), "a.png")), Mark: config.Rect{X: 90, Y: 90, W: 100, H: 100}, Search: 20, MinMatch: 0.6}
	roi := &config.Rect{X: 50, Y: 50, W: 800, H: 800}
	for _, c := range []struct {
		name string
		o    inspect.Options
	}{
		{"roi", inspect.Options{ROI: roi}},
		{"quarter", inspect.Options{ROI: roi, Rotate: 90, Flip: "horizontal"}},
		{"angle", inspect.Options{ROI: &config.Rect{X: 90, Y: 90, W: 720, H: 720}, Rotate: 3}},
		{"align", inspect.Options{ROI: roi, Align: &align}},
		{"16 tiles", inspect.Options{ROI: roi, Tiles: &config.Tiles{}}},
	} {
		b.Run(c.name, func(b *testing.B) {
			i := inspector(b, m, c.o)
			var r inspect.Result
			prepare := []float64{}
			b.ReportAllocs()
			for b.Loop() {
				if err := i.Inspect(context.Background(), picture, nil, &r); err != nil {
					b.Fatal(err)
				}
				prepare = append(prepare, r.Stages.Prepare)
			}
			slices.Sort(prepare)
			b.ReportMetric(prepare[len(prepare)/2], "prepare_ms")
			b.ReportMetric(prepare[0], "least_prepare_ms")
		})
	}
}
