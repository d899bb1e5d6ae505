package main

import (
	"math"
	"testing"
)

func TestExceedances(t *testing.T) {
	for _, c := range []struct {
		n    int
		p    float64
		want int
	}{
		{100, 0.01, -1}, // 0.99^100 = 0.37
		{298, 0.01, -1},
		{299, 0.01, 0}, // the well-known 299
		{473, 0.01, 1},
		{500, 0.01, 1},
		{59, 0.05, 0},
		{2995, 0.001, 0},
	} {
		if got := exceedances(c.n, c.p); got != c.want {
			t.Errorf("%d frames, rate %g: %d, want %d", c.n, c.p, got, c.want)
		}
	}
}

func TestCalibrate(t *testing.T) {
	scores := make([]float64, 500)
	for i := range scores {
		scores[i] = float64((i*37)%500+1) / 1000
	}
	c, err := calibrate(scores, 0.01)
	if err != nil {
		t.Fatal(err)
	}
	if c.Threshold <= 0.499 || c.Threshold > 0.4991 {
		t.Errorf("threshold %v, want just above the second largest score", c.Threshold)
	}
	if math.Abs(c.Mean-0.2505) > 1e-9 || math.Abs(c.Std-0.144337) > 1e-5 || c.Quantiles["0.5"] != 0.25 || c.Quantiles["1"] != 0.5 {
		t.Errorf("calibration %+v", c)
	}
	if _, err := calibrate(scores[:50], 0.01); err == nil {
		t.Error("50 frames cannot show 1%")
	}
}
