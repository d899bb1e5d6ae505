package main

import (
	"faird/model"
	"fmt"
	"math"
	"slices"
)

const confidence = 0.95

// calibrate sets the threshold above so many of the good scores that, with the
// stated confidence, no more than falseReject of all good parts reach it.
func calibrate(scores []float64, falseReject float64) (*model.Calibration, error) {
	n := len(scores)
	allowed := exceedances(n, falseReject)
	if allowed < 0 {
		return nil, fmt.Errorf("%d good frames cannot show a false-reject rate below %g: use more frames", n, falseReject)
	}
	s := slices.Sorted(slices.Values(scores))
	c := &model.Calibration{N: n, Quantiles: map[string]float64{}, FalseReject: falseReject, Confidence: confidence}
	for _, q := range []float64{0.5, 0.9, 0.99, 0.999, 1} {
		c.Quantiles[fmt.Sprint(q)] = s[int(math.Ceil(q*float64(n)))-1]
	}
	var sum, square float64
	for _, v := range s {
		sum, square = sum+v, square+v*v
	}
	c.Mean = sum / float64(n)
	c.Std = math.Sqrt(max(square/float64(n)-c.Mean*c.Mean, 0))
	c.Threshold = math.Nextafter(s[n-1-allowed], math.Inf(1))
	return c, nil
}

// exceedances is the largest number of n good scores that may lie at or above
// the threshold; -1 if n is too few even for none (exact binomial).
func exceedances(n int, p float64) int {
	term, sum := math.Pow(1-p, float64(n)), 0.0
	for r := range n {
		if sum += term; sum > 1-confidence {
			return r - 1
		}
		term *= float64(n-r) / float64(r+1) * p / (1 - p)
	}
	return n - 1
}
