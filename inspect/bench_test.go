package inspect_test

import (
	"context"
	"image"
	"slices"
	"testing"

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
	path := golden.Folder(b, "FAIRD_DATASETS", "datasets") + "/originals/good/000.png"
	for b.Loop() {
		picture, err := inspect.ReadPicture(path)
		if err != nil {
			b.Skip(err)
		}
		_ = picture.Close()
	}
}
