package quantize

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestPercentileLeavesOutTheLargest(t *testing.T) {
	var h Histogram
	values := make([]float32, 10000)
	for i := range values {
		values[i] = float32(i+1) / 100 // 0.01 to 100
	}
	for i := 0; i < len(values); i += 1000 { // in parts, from small to large: the reach grows
		h.Add(values[i : i+1000])
	}
	h.Add([]float32{float32(math.NaN()), float32(math.Inf(1))})
	for share, want := range map[float64]float64{0: 100, 0.01: 99, 0.5: 50} {
		if r := h.Percentile(share); math.Abs(r.High-want) > 0.07 || r.Signed {
			t.Errorf("without %v: %+v, want to %v", share, r, want)
		}
	}
	h.Add([]float32{-3})
	if r := h.Percentile(0); !r.Signed {
		t.Errorf("%+v is not signed after a negative value", r)
	}
}

func TestLeastErrorClipsOnlyWhatIsRare(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	uniform, tailed := make([]float32, 100000), make([]float32, 100000)
	for i := range uniform {
		uniform[i] = r.Float32()
		tailed[i] = r.Float32()
	}
	tailed[17] = 200
	var even, heavy Histogram
	even.Add(uniform)
	heavy.Add(tailed)
	if got := even.LeastError(); got.High < 0.99 {
		t.Errorf("even values are clipped at %v", got.High)
	}
	// n values rounded to steps of h/255 and one of 200 clipped at h cost
	// n h^2/(12 255^2) + (200 - h)^2, which is least at this h.
	best := 200 / (1 + 100000/(12.0*255*255))
	got := heavy.LeastError()
	if math.Abs(got.High-best) > 2 {
		t.Errorf("one value of 200 among 100,000 of at most 1: clipped at %v, want %v", got.High, best)
	}
	if measured, all := rounding(tailed, got), rounding(tailed, Range{High: 200}); measured >= all {
		t.Errorf("mean square error %v with the range chosen, %v with the whole range", measured, all)
	}
}

// rounding is the mean square error of 8 bits.
func rounding(values []float32, r Range) float64 {
	var sum float64
	step := r.High / r.levels()
	for _, v := range values {
		q := min(math.Round(float64(v)/step), r.levels()) * step
		sum += (float64(v) - q) * (float64(v) - q)
	}
	return sum / float64(len(values))
}

func TestAnActivationThatIsAlwaysZero(t *testing.T) {
	var h Histogram
	h.Add(make([]float32, 100))
	for _, r := range []Range{h.Percentile(1e-4), h.LeastError()} {
		if r.High != 0 || math.IsNaN(r.High) {
			t.Errorf("%+v, want nothing", r)
		}
	}
}
