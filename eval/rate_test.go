package eval

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"
)

// Published values of the interval, and R's binom.test.
func TestNewRate(t *testing.T) {
	for _, c := range []struct {
		count, n        int
		rate, low, high float64
	}{
		{0, 20, 0, 0, 0.1684335},
		{1, 10, 0.1, 0.0025286, 0.4450161},
		{5, 10, 0.5, 0.1870860, 0.8129140},
		{10, 10, 1, 0.6915029, 1},
		{0, 1, 0, 0, 0.975},
		{81, 263, 0.3079848, 0.2527248, 0.3676625},
	} {
		r := NewRate(c.count, c.n)
		for _, v := range [][2]float64{{r.Rate, c.rate}, {r.Low, c.low}, {r.High, c.high}} {
			if math.Abs(v[0]-v[1]) > 1e-3*(1-c.rate)*c.rate+2e-7 {
				t.Errorf("%d of %d: %+v, want %+v", c.count, c.n, r, c)
			}
		}
	}
}

// The ends are where what was seen, or worse, has a chance of 2.5%.
func TestRateIsExact(t *testing.T) {
	for _, n := range []int{1, 7, 63, 400, 20000} {
		for _, count := range []int{0, 1, n / 3, n - 1, n} {
			r := NewRate(count, n)
			if !(r.Low <= r.Rate && r.Rate <= r.High) {
				t.Errorf("%d of %d: %+v", count, n, r)
			}
			if count < n {
				if tail := (distuv.Binomial{N: float64(n), P: r.High}).CDF(float64(count)); math.Abs(tail-0.025) > 1e-6 {
					t.Errorf("%d of %d: at most so many at %v has a chance of %v", count, n, r.High, tail)
				}
			}
			if count > 0 {
				if tail := 1 - (distuv.Binomial{N: float64(n), P: r.Low}).CDF(float64(count-1)); math.Abs(tail-0.025) > 1e-6 {
					t.Errorf("%d of %d: at least so many at %v has a chance of %v", count, n, r.Low, tail)
				}
			}
		}
	}
}

func TestWords(t *testing.T) {
	for _, c := range []struct {
		count, n int
		want     string
	}{
		{0, 20, "0 of 20 (0%); with 95% confidence the true rate is below 16.9%"},
		{3, 120, "3 of 120 (2.5%); with 95% confidence the true rate lies between 0.5% and 7.2%"},
		{10, 10, "10 of 10 (100%); with 95% confidence the true rate is above 69.1%"},
	} {
		if got := NewRate(c.count, c.n).Words(); got != c.want {
			t.Errorf("%q\nwant %q", got, c.want)
		}
	}
}
