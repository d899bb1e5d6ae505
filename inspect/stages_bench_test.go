package inspect

import (
	"context"
	"image"
	"image/color"
	"testing"

	"github.com/rs/zerolog"
	"gocv.io/x/gocv"

	"faird/camera/line"
	"faird/config"
	"faird/fair"
	"faird/inspect/geometry"
	"faird/model"
	"faird/model/demo/small"
	"faird/model/unet"
	"faird/verdict"
)

// What make bench runs: the stages of a judgement, each alone and together, on
// one picture of 1 megapixel and the paper's 256x256.
const (
	benchSide = 1000
	modelSide = 256
)

func benchPicture(b *testing.B) gocv.Mat {
	b.Helper()
	l := line.New(line.Options{Seed: 1, Size: benchSide})
	m := gocv.NewMat()
	l.Render(1, &m)
	b.Cleanup(func() {
		_ = m.Close()
		l.Close()
	})
	return m
}

// BenchmarkPrepare is the resize, the planes and the high-pass.
func BenchmarkPrepare(b *testing.B) {
	l, err := newLens(modelSide, modelSide, fair.DefaultFilter(), nil)
	if err != nil {
		b.Fatal(err)
	}
	defer l.close()
	planes, input := make([]float32, 3*modelSide*modelSide), make([]float32, modelSide*modelSide)
	picture := benchPicture(b)
	b.ReportAllocs()
	for b.Loop() {
		if err := l.take(picture, planes, input); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkScore is MSGMS, the colour difference, the mean filter and the
// maximum.
func BenchmarkScore(b *testing.B) {
	s, planes, restored := scored(b)
	b.ReportAllocs()
	for b.Loop() {
		s.Score(planes, restored, nil)
	}
}

// scored is a scorer and what it has compared: a picture with three defects.
func scored(b *testing.B) (s *fair.Scorer, planes, restored []float32) {
	b.Helper()
	s, err := fair.NewScorer(modelSide, modelSide, fair.DefaultScoring())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(s.Close)
	take := func(m gocv.Mat) []float32 {
		bgr, err := AtSize(m, modelSide, modelSide)
		if err != nil {
			b.Fatal(err)
		}
		p := make([]float32, len(bgr))
		fair.Planes(bgr, p, make([]float32, len(bgr)/3))
		return p
	}
	picture := benchPicture(b)
	restored = take(picture)
	for n := range 3 {
		at := image.Pt(200+250*n, 300+100*n)
		if err := gocv.Rectangle(&picture, image.Rectangle{Min: at, Max: at.Add(image.Pt(90, 60))}, color.RGBA{R: 255}, -1); err != nil {
			b.Fatal(err)
		}
	}
	planes = take(picture)
	s.Score(planes, restored, nil)
	return s, planes, restored
}

// BenchmarkRegions is finding the parts of a map above the threshold.
func BenchmarkRegions(b *testing.B) {
	s, planes, restored := scored(b)
	s.Score(planes, restored, nil)
	m := &mapSet{w: modelSide, h: modelSide, smoothed: s.Map(), share: s.Share}
	var f finder
	var found []verdict.Region
	b.ReportAllocs()
	for b.Loop() {
		found = f.find(m, 0.05, geometry.Scale(4, 4), image.Rect(0, 0, benchSide, benchSide), found[:0])
	}
	if len(found) == 0 {
		b.Fatal("no regions")
	}
}

// BenchmarkJudgement is the whole way from a picture in memory to score and
// regions, BenchmarkNetwork the network of it alone.
func BenchmarkJudgement(b *testing.B) {
	eachNetwork(b, func(b *testing.B, i *Inspector) error {
		var r Result
		level := 0.05
		picture := benchPicture(b)
		for b.Loop() {
			if err := i.Inspect(context.Background(), picture, &level, &r); err != nil {
				return err
			}
		}
		return nil
	})
}

// BenchmarkNetwork is the bare network.
func BenchmarkNetwork(b *testing.B) {
	eachNetwork(b, func(b *testing.B, i *Inspector) error {
		for b.Loop() {
			if err := i.Restore(context.Background()); err != nil {
				return err
			}
		}
		return nil
	})
}

// eachNetwork measures with a small trained network and with the paper's, c=32 at
// 256x256, untrained: what it says is of no use, and takes as long.
func eachNetwork(b *testing.B, measure func(*testing.B, *Inspector) error) {
	n := unet.Network{Width: 32, Channels: 1}
	onnx, err := n.Inference(n.Initial(1), modelSide, modelSide)
	if err != nil {
		b.Fatal(err)
	}
	paper, err := model.New(onnx, model.Spec{Width: modelSide, Height: modelSide, Channels: 1, Filter: fair.DefaultFilter(), Scoring: fair.DefaultScoring()})
	if err != nil {
		b.Fatal(err)
	}
	trained, err := model.Parse(small.Model())
	if err != nil {
		b.Fatal(err)
	}
	for _, c := range []struct {
		name string
		file *model.File
	}{{"small", trained}, {"c32", paper}} {
		m, err := Open(c.file, config.Infer{Provider: "cpu"}, zerolog.Nop())
		if err != nil {
			b.Fatal(err)
		}
		i, err := m.NewInspector(Options{})
		if err != nil {
			b.Fatal(err)
		}
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			if err := measure(b, i); err != nil {
				b.Fatal(err)
			}
		})
		_ = i.Close()
		_ = m.Close()
	}
}
