// Package threshold sets a threshold from the scores of good pictures alone, and
// says in words what so many pictures can promise. It knows numbers only.
package threshold

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"

	"faird/model"
)

// Fewest scores that a spread can be seen in.
const Fewest = 3

// quantiles of the scores that a calibration lists.
var quantiles = []float64{0.5, 0.9, 0.99, 0.999, 1}

// Set draws a threshold for a false-reject rate with a confidence, both between
// 0 and 1. Where the scores are many enough, it is an order statistic and
// assumes nothing (exact binomial). Where they are too few, it is a tolerance
// bound of a log-normal tail, never below the largest score.
func Set(scores []float64, falseReject, confidence float64) (*model.Calibration, error) {
	n := len(scores)
	if n < Fewest {
		return nil, fmt.Errorf("%d good pictures are too few to set a threshold, at least %d are needed", n, Fewest)
	}
	s := slices.Sorted(slices.Values(scores))
	if !(s[0] > 0) || math.IsInf(s[n-1], 0) {
		return nil, errors.New("scores of good pictures must be numbers above zero: is the network trained?")
	}
	c := &model.Calibration{N: n, Quantiles: map[string]float64{}, FalseReject: falseReject, Confidence: confidence}
	for _, q := range quantiles {
		c.Quantiles[strconv.FormatFloat(q, 'g', -1, 64)] = s[max(int(math.Ceil(q*float64(n))), 1)-1]
	}
	c.Mean, c.Std = moments(s)
	if allowed := Allowed(n, falseReject, confidence); allowed >= 0 {
		c.Threshold = math.Nextafter(s[n-1-allowed], math.Inf(1))
	} else {
		c.Threshold = max(tail(s, falseReject, confidence), math.Nextafter(s[n-1], math.Inf(1)))
	}
	return c, nil
}

// Allowed is the largest number of n good scores that may lie at or above the
// threshold so that the false-reject rate is below p with the confidence; -1
// where n is too small even for none.
func Allowed(n int, p, confidence float64) int {
	term, sum := math.Pow(1-p, float64(n)), 0.0
	for r := range n {
		if sum += term; sum > 1-confidence {
			return r - 1
		}
		term *= float64(n-r) / float64(r+1) * p / (1 - p)
	}
	return n - 1
}

// Bound is the false-reject rate that n good scores, none at or above the
// threshold, show with the confidence: 1 - (1-confidence)^(1/n).
func Bound(n int, confidence float64) float64 {
	return 1 - math.Pow(1-confidence, 1/float64(n))
}

// Needed is the number of good scores, none at or above the threshold, that
// show a false-reject rate with the confidence.
func Needed(p, confidence float64) int {
	return int(math.Ceil(math.Log(1-confidence) / math.Log1p(-p)))
}

// tail is the one-sided tolerance bound of normal logarithms: with the
// confidence, no more than p of the population lies above it (the usual
// approximation of the noncentral t quantile, Natrella 1963).
func tail(s []float64, p, confidence float64) float64 {
	logs := make([]float64, len(s))
	for i, v := range s {
		logs[i] = math.Log(v)
	}
	mean, std := moments(logs)
	n, zp, zc := float64(len(s)), normal(1-p), normal(confidence)
	a := 1 - zc*zc/(2*(n-1))
	b := zp*zp - zc*zc/n
	if a <= 0.1 { // two or three pictures: the approximation ends
		a = 0.1
	}
	k := (zp + math.Sqrt(max(zp*zp-a*b, 0))) / a
	return math.Exp(mean + k*std)
}

// normal is the quantile of the standard normal distribution.
func normal(p float64) float64 { return math.Sqrt2 * math.Erfinv(2*p-1) }

// moments are the mean and the standard deviation (of a sample).
func moments(v []float64) (mean, std float64) {
	for _, x := range v {
		mean += x / float64(len(v))
	}
	for _, x := range v {
		std += (x - mean) * (x - mean)
	}
	return mean, math.Sqrt(std / float64(max(len(v)-1, 1)))
}
