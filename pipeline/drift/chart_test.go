package drift

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mat"
)

// Default of config drift: what the run lengths below are for.
var usual = Settings{Weight: 0.05, Width: 5}

// runLength is the mean number of values until an alarm, from a chart whose
// values are normal and off by shift standard deviations: the Markov chain of
// Brook and Evans (1972), as Lucas and Saccucci (1990) use it for the EWMA. The
// reference is exact.
func runLength(s Settings, shift float64) float64 {
	const states = 151
	limit := s.Width * math.Sqrt(s.Weight/(2-s.Weight))
	width := 2 * limit / states
	phi := func(x float64) float64 { return 0.5 * math.Erfc(-x/math.Sqrt2) }
	stay := mat.NewDense(states, states, nil) // I - Q
	for i := range states {
		from := -limit + width*(float64(i)+0.5)
		for k := range states {
			low, high := -limit+width*float64(k), -limit+width*float64(k+1)
			reach := func(to float64) float64 { return phi((to-(1-s.Weight)*from)/s.Weight - shift) }
			q := reach(high) - reach(low)
			if i == k {
				q -= 1
			}
			stay.Set(i, k, -q)
		}
	}
	ones := make([]float64, states)
	for i := range ones {
		ones[i] = 1
	}
	var lengths mat.VecDense
	if err := lengths.SolveVec(stay, mat.NewVecDense(states, ones)); err != nil {
		panic(err)
	}
	return lengths.AtVec(states / 2)
}

// The figures of Lucas and Saccucci (1990), table 3, show that the chain is
// computed as they did; then those of the default.
func TestRunLength(t *testing.T) {
	for _, c := range []struct {
		Settings
		shift     float64
		low, high float64
	}{
		{Settings{0.1, 2.814}, 0, 490, 510},
		{Settings{0.1, 2.814}, 1, 9.5, 10.5},
		{Settings{0.05, 2.615}, 0, 490, 510},
		{usual, 0, 1e6, math.Inf(1)},
		{usual, 1, 0, 45},
		{usual, 2, 0, 15},
	} {
		got := runLength(c.Settings, c.shift)
		t.Logf("weight %g, width %g, off by %g: %.4g values", c.Weight, c.Width, c.shift, got)
		if got < c.low || got > c.high {
			t.Errorf("weight %g, width %g, off by %g: %.4g values, want %g to %g", c.Weight, c.Width, c.shift, got, c.low, c.high)
		}
	}
}

func TestChart(t *testing.T) {
	r := Reference{Mean: 100, Std: 2}
	for _, c := range []struct {
		name  string
		value func(i int) float64
		first int // the first value with an alarm; -1: none of 1000
		last  bool
	}{
		{"steady", func(int) float64 { return 100 }, -1, false},
		{"a step of one", func(int) float64 { return 102 }, 31, true},
		{"down", func(int) float64 { return 98 }, 31, true},
		{"within the limits", func(int) float64 { return 101.5 }, -1, false},
		{"one that is odd", func(i int) float64 { return 100 + 1000*float64((i/50)%2*(1-min(1, i%50))) }, -1, false},
		{"comes back", func(i int) float64 { return 100 + 4*float64(1-min(1, i/40)) }, 9, false},
		{"not a number", func(int) float64 { return math.NaN() }, -1, false},
	} {
		chart, first, changes := New(usual, r), -1, 0
		for i := range 1000 {
			if chart.Add(c.value(i)) {
				changes++
			}
			if chart.Alarm() && first < 0 {
				first = i
			}
		}
		if first != c.first || chart.Alarm() != c.last {
			t.Errorf("%s: first alarm %d, at the end %v; want %d, %v", c.name, first, chart.Alarm(), c.first, c.last)
		}
		if want := map[bool]int{true: 1, false: 2}[c.last]; first >= 0 && changes != want {
			t.Errorf("%s: told %d times, want %d", c.name, changes, want)
		}
	}
}

// An average that hovers at the limit does not make the alarm come and go.
func TestHysteresis(t *testing.T) {
	chart := New(usual, Reference{Mean: 0, Std: 1})
	_, limit := chart.Limits()
	r := rand.New(rand.NewPCG(1, 1))
	changes := 0
	for range 5000 {
		if chart.Add(limit + 0.15*r.NormFloat64()) {
			changes++
		}
	}
	if changes != 1 {
		t.Errorf("%d changes", changes)
	}
}

// A mean that was taken from few values is uncertain itself.
func TestFewValuesWidenTheLimits(t *testing.T) {
	_, exact := New(usual, Reference{Std: 1}).Limits()
	_, few := New(usual, Reference{Std: 1, N: 30}).Limits()
	_, many := New(usual, Reference{Std: 1, N: 3000}).Limits()
	if math.Abs(exact-5*math.Sqrt(0.05/1.95)) > 1e-12 || !(few > 1.4*exact) || !(many < 1.01*exact) {
		t.Errorf("limits %g exactly, %g of 30, %g of 3000", exact, few, many)
	}
}
