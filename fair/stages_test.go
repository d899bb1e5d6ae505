package fair

import (
	"math/rand/v2"
	"testing"
)

// noise makes a picture and a restoration near it, [3,h,w].
func noise(h, w int) (original, restored []float32) {
	r := rand.New(rand.NewPCG(1, 2))
	original, restored = make([]float32, 3*h*w), make([]float32, 3*h*w)
	for i := range original {
		original[i] = r.Float32()
		restored[i] = original[i] + 0.2*(r.Float32()-0.5)
	}
	return original, restored
}

// BenchmarkStages times the parts of a score at 256x256.
func BenchmarkStages(b *testing.B) {
	s, err := NewScorer(256, 256, DefaultScoring())
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	original, restored := noise(256, 256)
	mask := make([]byte, 256*256)
	mask[0] = 1
	bgr, planes, grey := make([]byte, 3*256*256), make([]float32, 3*256*256), make([]float32, 256*256)
	normal := NewField(256, 256)
	for t := range Terms {
		for i := range normal.Std[t] {
			normal.Std[t][i] = 1
		}
	}
	normalised, masked := smootherOf(b, normal, nil), smootherOf(b, normal, mask)
	for _, stage := range []struct {
		name string
		run  func()
	}{
		{"planes", func() { Planes(bgr, planes, grey) }},
		{"gradient", func() { s.gradientMap(original, restored) }},
		{"colour", func() { s.colourMaps(original, restored) }},
		{"smooth", func() { s.smoother.Smooth(s.maps, nil) }},
		{"smooth+mask", func() { s.smoother.Smooth(s.maps, mask) }},
		{"normalised", func() { normalised.Smooth(s.maps, nil) }},
		{"normalised+mask", func() { masked.Smooth(s.maps, mask) }},
		{"score", func() { s.Score(original, restored, nil) }},
	} {
		b.Run(stage.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				stage.run()
			}
		})
	}
}

func smootherOf(b *testing.B, f *Field, ignore []byte) *Smoother {
	s, err := NewSmoother(256, 256, DefaultScoring())
	if err != nil {
		b.Fatal(err)
	}
	s.Normalise(f, ignore)
	return s
}
