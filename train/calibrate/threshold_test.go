package calibrate

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"faird/model"
)

func TestAllowed(t *testing.T) {
	for _, c := range []struct {
		n    int
		p    float64
		want int
	}{
		{100, 0.01, -1}, // 0.99^100 = 0.37
		{298, 0.01, -1},
		{299, 0.01, 0}, // the well-known 299
		{472, 0.01, 0},
		{473, 0.01, 1},
		{59, 0.05, 0},
		{2994, 0.001, -1},
		{2995, 0.001, 0},
		{1, 0.96, 0},
	} {
		if got := Allowed(c.n, c.p, 0.95); got != c.want {
			t.Errorf("%d pictures, rate %g: %d, want %d", c.n, c.p, got, c.want)
		}
	}
}

// What is needed is what is enough, and what is proven is what is allowed.
func TestNeededAndBoundAgree(t *testing.T) {
	for _, p := range []float64{0.0005, 0.001, 0.02, 0.3} {
		n := Needed(p, 0.95)
		if Allowed(n, p, 0.95) != 0 || Allowed(n-1, p, 0.95) != -1 {
			t.Errorf("rate %v: %d are not just enough", p, n)
		}
		if Bound(n, 0.95) > p || Bound(n-1, 0.95) <= p {
			t.Errorf("rate %v: %d pictures prove %v, one less %v", p, n, Bound(n, 0.95), Bound(n-1, 0.95))
		}
	}
}

func TestWords(t *testing.T) {
	for _, c := range []struct {
		n    int
		rate float64
		want string
	}{
		{120, 0.001, "120 pictures: the false-reject rate is below 2.5% with 95% confidence; for 0.1% show it 3,000"},
		{30, 0.001, "30 pictures: the false-reject rate is below 9.6% with 95% confidence; for 0.1% show it 3,000"},
		{3000, 0.001, "3,000 pictures: the false-reject rate is below 0.1% with 95% confidence"},
		{59, 0.05, "59 pictures: the false-reject rate is below 5% with 95% confidence"},
		{209, 0.0001, "209 pictures: the false-reject rate is below 1.5% with 95% confidence; for 0.01% show it 30,000"},
		{5, 0.3, "5 pictures: the false-reject rate is below 46% with 95% confidence; for 30% show it 9"},
	} {
		if got := Words(&model.Calibration{N: c.n, FalseReject: c.rate, Confidence: 0.95}); got != c.want {
			t.Errorf("%q\nwant %q", got, c.want)
		}
	}
}

// steps are scores 0.001, 0.002 ... of n pictures, in no order.
func steps(n int) []float64 {
	s := make([]float64, n)
	for i := range s {
		s[i] = float64(i*37%n+1) / 1000
	}
	return s
}

func TestSetByOrder(t *testing.T) {
	c, err := Set(steps(500), 0.01, 0.95, 0.05)
	if err != nil {
		t.Fatal(err)
	}
	if c.Threshold <= 0.499 || c.Threshold > 0.4991 {
		t.Errorf("threshold %v, want just above the second largest score", c.Threshold)
	}
	// 500 pictures, 5%: 16 may lie above (binomial: 16 has 2.9%, 17 has 5.0%).
	if above := 500 - int(*c.Review*1000); above != Allowed(500, 0.05, 0.95) || !(*c.Review < c.Threshold) {
		t.Errorf("review from %v, %d above, allowed %d", *c.Review, above, Allowed(500, 0.05, 0.95))
	}
	if c.N != 500 || math.Abs(c.Mean-0.2505) > 1e-9 || math.Abs(c.Std-0.144482) > 1e-5 {
		t.Errorf("%+v", c)
	}
	for q, want := range map[string]float64{"0.5": 0.25, "0.9": 0.45, "0.99": 0.495, "0.999": 0.5, "1": 0.5} {
		if c.Quantiles[q] != want {
			t.Errorf("quantile %s is %v, want %v", q, c.Quantiles[q], want)
		}
	}
	if len(c.Quantiles) != 5 || c.FalseReject != 0.01 || c.Confidence != 0.95 {
		t.Errorf("%+v", c)
	}
}

func TestSetByTail(t *testing.T) {
	scores := steps(40) // the tail is 0.031 ... 0.040 over 0.030, so the sum of excesses is 0.055
	c, err := Set(scores, 0.001, 0.95, 0)
	if err != nil {
		t.Fatal(err)
	}
	if want := 0.030 + 0.055*(math.Pow(250, 0.1)-1); math.Abs(c.Threshold-want) > 1e-12 || c.Review != nil {
		t.Errorf("threshold %v, want %v; review %v", c.Threshold, want, c.Review)
	}
	c, err = Set(scores, 0.05, 0.95, 0)
	if err != nil || !(c.Threshold > 0.04 && c.Threshold < 0.0401) {
		t.Errorf("threshold %v, never below the largest score: %v", c.Threshold, err)
	}
}

func TestSetErrors(t *testing.T) {
	for name, c := range map[string]struct {
		scores []float64
		says   string
	}{
		"none":          {nil, "at least 5"},
		"too few":       {steps(4), "3,000"},
		"zero":          {[]float64{0.1, 0, 0.1, 0.1, 0.1}, "above zero"},
		"not a number":  {[]float64{0.1, math.NaN(), 0.1, 0.1, 0.1}, "numbers"},
		"infinite":      {[]float64{0.1, math.Inf(1), 0.1, 0.1, 0.1}, "numbers"},
		"below nothing": {[]float64{0.1, -1, 0.1, 0.1, 0.1}, "above zero"},
	} {
		if _, err := Set(c.scores, 0.001, 0.95, 0); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: error %v does not say %q", name, err, c.says)
		}
	}
}

func TestSetOfEqualScores(t *testing.T) {
	c, err := Set(slices.Repeat([]float64{0.1}, 10), 0.001, 0.95, 0.1)
	if err != nil {
		t.Fatal(err)
	}
	if !(c.Threshold > 0.1 && c.Threshold < 0.1001) || c.Std != 0 || c.Review != nil {
		t.Errorf("%+v", c)
	}
}

// A prediction means: over many calibrations on few pictures each, the share of
// good parts rejected is the rate aimed at, if the tail is what the model takes
// it for. Lighter tails stay below it. The heavy one shows what the evidence in
// docs/acceptance.md shows: more than aimed at, but nowhere near the 3.2% of
// taking the largest of thirty scores.
func TestTailPredicts(t *testing.T) {
	const n, rate, rounds = 30, 0.01, 4000
	for _, c := range []struct {
		name      string
		draw      func(*rand.Rand) float64
		above     func(float64) float64 // the true share above a score
		low, high float64
	}{
		{
			"exponential", func(r *rand.Rand) float64 { return r.ExpFloat64() },
			func(v float64) float64 { return math.Exp(-v) }, 0.0085, 0.0105,
		},
		{
			"normal", func(r *rand.Rand) float64 { return 10 + r.NormFloat64() },
			func(v float64) float64 { return math.Erfc((v-10)/math.Sqrt2) / 2 }, 0.001, 0.0075,
		},
		{
			"log-normal", func(r *rand.Rand) float64 { return math.Exp(r.NormFloat64()) },
			func(v float64) float64 { return math.Erfc(math.Log(v)/math.Sqrt2) / 2 }, 0.0105, 0.018,
		},
	} {
		r := rand.New(rand.NewPCG(1, 2))
		sum := 0.0
		for range rounds {
			scores := make([]float64, n)
			for i := range scores {
				scores[i] = c.draw(r)
			}
			k, err := Set(scores, rate, 0.95, 0)
			if err != nil {
				t.Fatal(err)
			}
			sum += c.above(k.Threshold)
		}
		mean := sum / rounds
		t.Logf("%s: %.4f", c.name, mean)
		if mean < c.low || mean > c.high {
			t.Errorf("%s: the false-reject rate is %.4f on average, want %v to %v", c.name, mean, c.low, c.high)
		}
	}
}

func TestOdd(t *testing.T) {
	scored := func(scores ...float64) (out []Scored) {
		for i, v := range scores {
			out = append(out, Scored{string(rune('a' + i)), v})
		}
		return out
	}
	for _, c := range []struct {
		name   string
		scores []Scored
		want   string
	}{
		{"none", nil, ""},
		{"alike", scored(1, 1.1, 1.2, 1.3, 1.4, 1.5), ""},
		{"two far off, the further first", scored(1, 1.1, 4, 1.2, 1.3, 9, 1.4, 1.5), "fc"},
		{"far below is no defect", scored(1, 1.1, 1.2, 1.3, 1.4, 0.01), ""},
		{"all but equal", scored(1, 1, 1, 1, 1.05), ""},
		{"equal but one", scored(1, 1, 1, 1, 1.2), "e"},
	} {
		got := ""
		for _, p := range Odd(c.scores) {
			got += p.Name
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
