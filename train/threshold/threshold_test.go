package threshold_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"faird/train/threshold"
)

func TestAllowed(t *testing.T) {
	for _, c := range []struct {
		n    int
		p    float64
		want int
	}{
		{100, 0.01, -1}, // 0.99^100 = 0.37
		{298, 0.01, -1},
		{299, 0.01, 0},
		{473, 0.01, 1},
		{58, 0.05, -1},
		{59, 0.05, 0},
		{2995, 0.001, 0},
	} {
		if got := threshold.Allowed(c.n, c.p, 0.95); got != c.want {
			t.Errorf("%d pictures, rate %g: %d, want %d", c.n, c.p, got, c.want)
		}
		if needed := threshold.Needed(c.p, 0.95); (c.n >= needed) != (c.want >= 0) {
			t.Errorf("%d pictures are needed for %g, but %d of %d may lie above", needed, c.p, c.want, c.n)
		}
	}
}

func TestManyScoresNeedNoModel(t *testing.T) {
	scores := make([]float64, 500)
	for i := range scores {
		scores[i] = float64((i*37)%500+1) / 1000
	}
	c, err := threshold.Set(scores, 0.01, 0.95)
	if err != nil {
		t.Fatal(err)
	}
	if c.Threshold <= 0.499 || c.Threshold > 0.4991 {
		t.Errorf("threshold %v, want just above the second largest score", c.Threshold)
	}
	if math.Abs(c.Mean-0.2505) > 1e-9 || c.Quantiles["0.5"] != 0.25 || c.Quantiles["1"] != 0.5 || c.N != 500 {
		t.Errorf("calibration %+v", c)
	}
}

// Of thresholds drawn from a few log-normal scores, at least 95% must reject
// less than was asked for, and still be of use.
func TestFewScoresAreSafe(t *testing.T) {
	const mean, spread, p, trials = -2.0, 0.25, 0.001, 2000
	normal := func(q float64) float64 { return math.Sqrt2 * math.Erfinv(2*q-1) }
	limit := math.Exp(mean + spread*normal(1-p)) // the true quantile
	r := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{5, 10, 30, 100} {
		safe, sum := 0, 0.0
		for range trials {
			scores := make([]float64, n)
			for i := range scores {
				scores[i] = math.Exp(mean + spread*r.NormFloat64())
			}
			c, err := threshold.Set(scores, p, 0.95)
			if err != nil {
				t.Fatal(err)
			}
			if c.Threshold >= limit {
				safe++
			}
			sum += math.Log(c.Threshold / limit)
		}
		if share := float64(safe) / trials; share < 0.93 {
			t.Errorf("%d scores: %.3f of the thresholds are safe, want 0.95", n, share)
		}
		if over := math.Exp(sum / trials); n >= 30 && over > 1.5 {
			t.Errorf("%d scores: thresholds are %.2f times what is needed", n, over)
		}
	}
}

func TestScoresThatCannotBe(t *testing.T) {
	for _, s := range [][]float64{nil, {0.1, 0.2}, {0, 0.1, 0.2}, {0.1, 0.2, math.Inf(1)}, {math.NaN(), 0.1, 0.2}} {
		if c, err := threshold.Set(s, 0.001, 0.95); err == nil {
			t.Errorf("%v gave %+v", s, c)
		}
	}
	c, err := threshold.Set([]float64{0.1, 0.1, 0.1}, 0.001, 0.95)
	if err != nil || c.Threshold <= 0.1 || c.Threshold > 0.1001 {
		t.Errorf("equal scores gave %+v, %v", c, err)
	}
}

func TestOdd(t *testing.T) {
	for _, c := range []struct {
		name   string
		scores []float64
		want   []int
	}{
		{"too few", []float64{1, 9}, nil},
		{"alike", []float64{0.1, 0.11, 0.12, 0.1, 0.115, 0.105}, nil},
		{"equal but for a hair", []float64{0.1, 0.1, 0.1, 0.1, 0.11}, nil},
		{"two defective ones", []float64{0.1, 0.5, 0.11, 0.12, 0.1, 0.115, 0.9, 0.105}, []int{6, 1}},
		{"a low one is no concern", []float64{0.1, 0.11, 0.12, 0.001, 0.115, 0.105}, nil},
	} {
		if got := threshold.Odd(c.scores); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
	r := rand.New(rand.NewPCG(3, 4))
	alarms := 0
	for range 300 {
		scores := make([]float64, 40)
		for i := range scores {
			scores[i] = math.Exp(-2 + 0.3*r.NormFloat64())
		}
		alarms += min(len(threshold.Odd(scores)), 1)
	}
	if alarms > 3 {
		t.Errorf("%d of 300 sets of good scores were called odd", alarms)
	}
}

func TestWords(t *testing.T) {
	scores := make([]float64, 120)
	for i := range scores {
		scores[i] = 0.1 + float64(i)/1e4
	}
	c, err := threshold.Set(scores, 0.001, 0.95)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := threshold.Words(c), "120 pictures: the false-reject rate is below 2.5% with 95% confidence; for 0.1% show it 2995"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	c.FalseReject = 0.05
	if got := threshold.Words(c); strings.Contains(got, "show it") || !strings.Contains(got, "below 5%") {
		t.Errorf("got %s", got)
	}
}
