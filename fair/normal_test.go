package fair_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"faird/fair"
)

// randomMaps is maps whose values differ from place to place and from image to image.
func randomMaps(r *rand.Rand, h, w int) fair.Maps {
	m := fair.NewMaps(h, w)
	for i := range h * w {
		place := float64(i%w) / float64(w)
		m.Gradient[i] = float32(0.02 + 0.05*place + 0.03*r.Float64())
		m.Lightness[i] = float32(10*place + 8*r.NormFloat64())
		m.Colour[i] = float32(3 + 5*r.Float64())
	}
	return m
}

func learner(t testing.TB, h, w int, s fair.Scoring) *fair.Learner {
	t.Helper()
	l, err := fair.NewLearner(h, w, s)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// TestNormalisedMap holds the map against its definition, written out in float64.
func TestNormalisedMap(t *testing.T) {
	const h, w, size = 20, 28, 7
	s := fair.Scoring{K: 3e-4, Smooth: size, Scales: 1}
	r := rand.New(rand.NewPCG(1, 1))
	m, field := randomMaps(r, h, w), fair.NewField(h, w)
	for term := range fair.Terms {
		for i := range field.Mean[term] {
			field.Mean[term][i], field.Std[term][i] = float32(r.Float64()), float32(0.5+r.Float64())
		}
	}
	ignore := make([]byte, h*w)
	for i := range 6 * w {
		ignore[i+3*w] = byte(i % 2)
	}
	for name, mask := range map[string][]byte{"no mask": nil, "mask": ignore} {
		smoother, err := fair.NewSmoother(h, w, s)
		if err != nil {
			t.Fatal(err)
		}
		smoother.Normalise(field, mask)
		score := smoother.Smooth(m, mask)
		largest := 0.0
		for y := range h {
			for x := range w {
				i := y*w + x
				want := 0.0
				if mask == nil || mask[i] == 0 {
					want = normalisedAt(m, field, mask, y, x, h, w, size)
				}
				if got := float64(smoother.Map()[i]); math.Abs(got-want) > 1e-3 {
					t.Fatalf("%s: %d,%d is %v, want %v", name, x, y, got, want)
				}
				largest = max(largest, want)
			}
		}
		if math.Abs(score-largest) > 1e-3 || !(score > 0) {
			t.Errorf("%s: score %v, want %v", name, score, largest)
		}
	}
}

func normalisedAt(m fair.Maps, f *fair.Field, mask []byte, y, x, h, w, size int) float64 {
	var share float64
	var sums [fair.Terms]float64
	for v := max(y-size/2, 0); v <= min(y+size/2, h-1); v++ {
		for u := max(x-size/2, 0); u <= min(x+size/2, w-1); u++ {
			j := v*w + u
			if mask != nil && mask[j] != 0 {
				continue
			}
			share++
			for term, values := range [][]float32{m.Gradient, m.Lightness, m.Colour} {
				sums[term] += float64(values[j])
			}
		}
	}
	var z [fair.Terms]float64
	area, i := float64(size*size), y*w+x
	share /= area
	for term := range z {
		z[term] = (sums[term]/area - share*float64(f.Mean[term][i])) / (math.Sqrt(share) * float64(f.Std[term][i]))
	}
	return max(0, z[0]) + math.Abs(z[1]) + max(0, z[2])
}

// What is ignored has no influence, however large.
func TestNormalisedScoreDoesNotSeeTheIgnored(t *testing.T) {
	const h, w = 32, 32
	s := fair.Scoring{K: 3e-4, Smooth: 11, Scales: 1}
	r := rand.New(rand.NewPCG(2, 2))
	l := learner(t, h, w, s)
	for range 8 {
		l.Add(l.Sample(randomMaps(r, h, w)))
	}
	normal, err := l.Normal()
	if err != nil {
		t.Fatal(err)
	}
	ignore := make([]byte, h*w)
	for i := range 8 * w {
		ignore[i] = 1
	}
	smoother, err := fair.NewSmoother(h, w, s)
	if err != nil {
		t.Fatal(err)
	}
	smoother.Normalise(normal.Field(h, w), ignore)
	m := randomMaps(r, h, w)
	before := smoother.Smooth(m, ignore)
	for i := range 8 * w {
		m.Gradient[i], m.Lightness[i], m.Colour[i] = 1, -100, 1e4
	}
	if after := smoother.Smooth(m, ignore); after != before {
		t.Errorf("score %v, before %v", after, before)
	}
	if score := smoother.Smooth(m, ignore); slices.ContainsFunc(smoother.Map()[:8*w], func(v float32) bool { return v != 0 }) {
		t.Errorf("the map is not zero where ignored; score %v", score)
	}
	m.Colour[20*w] = float32(math.NaN())
	if score := smoother.Smooth(m, ignore); !math.IsNaN(score) {
		t.Errorf("a map with a value that is no number scores %v", score)
	}
}

// To leave images out is to have learnt from the others alone.
func TestLearnerWithout(t *testing.T) {
	const h, w = 48, 80
	s := fair.DefaultScoring()
	r := rand.New(rand.NewPCG(3, 3))
	all, others := learner(t, h, w, s), learner(t, h, w, s)
	var samples []fair.Sample
	for i := range 9 {
		sample := all.Sample(randomMaps(r, h, w))
		samples = append(samples, sample)
		all.Add(sample)
		if i >= 2 {
			others.Add(sample)
		}
	}
	got, err := all.Without(samples[:2])
	if err != nil {
		t.Fatal(err)
	}
	want, err := others.Normal()
	if err != nil {
		t.Fatal(err)
	}
	for term := range fair.Terms {
		for i := range want.Mean[term] {
			if math.Abs(float64(got.Mean[term][i]-want.Mean[term][i])) > 1e-5 || math.Abs(float64(got.Std[term][i]-want.Std[term][i])) > 1e-5 {
				t.Fatalf("term %d, cell %d: %v ± %v, want %v ± %v", term, i, got.Mean[term][i], got.Std[term][i], want.Mean[term][i], want.Std[term][i])
			}
		}
	}
	if _, err := all.Without(samples[:8]); err == nil {
		t.Error("one image tells how good parts differ")
	}
}

// Good images that are like those learnt from have terms of mean 0 and spread 1, or
// less where the spread is raised, everywhere: at the edges, too, where the mean
// filter is over fewer pixels.
func TestGoodImagesAreNormal(t *testing.T) {
	const h, w, learnt, seen = 64, 64, 60, 60
	s := fair.Scoring{K: 3e-4, Smooth: 7, Scales: 1}
	r := rand.New(rand.NewPCG(4, 4))
	l := learner(t, h, w, s)
	for range learnt {
		l.Add(l.Sample(randomMaps(r, h, w)))
	}
	normal, err := l.Normal()
	if err != nil {
		t.Fatal(err)
	}
	smoother, err := fair.NewSmoother(h, w, s)
	if err != nil {
		t.Fatal(err)
	}
	smoother.Normalise(normal.Field(h, w), nil)
	edge, middle := 0.0, 0.0
	for range seen {
		smoother.Smooth(randomMaps(r, h, w), nil)
		structure := func(y, x int) float64 { v, _ := smoother.Share(y*w + x); return v }
		for k := range 16 {
			edge += structure(0, 4*k) / (16 * seen)
			middle += structure(32, 4*k) / (16 * seen)
		}
	}
	// The mean of max(0, z) is 0.4 spreads.
	for name, v := range map[string]float64{"edge": edge, "middle": middle} {
		if v < 0.2 || v > 0.5 {
			t.Errorf("%s: the mean of what is above 0 is %v, want 0.25 to 0.45", name, v)
		}
	}
}

func TestNormalRefuses(t *testing.T) {
	good := func() *fair.Normal {
		n := &fair.Normal{W: 2, H: 1}
		for term := range fair.Terms {
			n.Mean[term], n.Std[term] = []float32{0, 1}, []float32{1, 2}
		}
		return n
	}
	if err := good().Validate(); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(n *fair.Normal){
		"no cells":       func(n *fair.Normal) { n.W = 0 },
		"too many cells": func(n *fair.Normal) { n.W = fair.MaxCells + 1 },
		"a cell more":    func(n *fair.Normal) { n.Mean[1] = append(n.Mean[1], 1) },
		"no spread":      func(n *fair.Normal) { n.Std[2][0] = 0 },
		"no number":      func(n *fair.Normal) { n.Mean[0][1] = float32(math.NaN()) },
	} {
		n := good()
		if spoil(n); n.Validate() == nil {
			t.Errorf("%s: no error", name)
		}
	}
	l := learner(t, 16, 16, fair.DefaultScoring())
	if _, err := l.Normal(); err == nil {
		t.Error("a Normal of no image")
	}
}
