package calibrate

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"

	"gonum.org/v1/gonum/stat"

	"faird/model"
)

// Fewest good pictures that a threshold can be drawn from at all.
const Fewest = 5

// quantiles of the scores that a calibration lists.
var quantiles = []float64{0.5, 0.9, 0.99, 0.999, 1}

// Set draws a threshold for a false-reject rate with a confidence, both between
// 0 and 1, from the scores of good pictures. Where they are many enough, it is
// an order statistic and assumes nothing. Where they are too few, it is the
// quantile of a tail model, and above the largest score. reviewRate above 0 sets
// the review threshold too, for that larger rate.
func Set(scores []float64, falseReject, confidence, reviewRate float64) (*model.Calibration, error) {
	s, err := sorted(scores)
	if err != nil {
		return nil, err
	}
	if len(s) < Fewest {
		return nil, tooFew(len(s), falseReject, confidence)
	}
	c := &model.Calibration{N: len(s), Quantiles: map[string]float64{}, FalseReject: falseReject, Confidence: confidence}
	for _, q := range quantiles {
		c.Quantiles[strconv.FormatFloat(q, 'g', -1, 64)] = stat.Quantile(q, stat.Empirical, s, nil)
	}
	c.Mean, c.Std = stat.MeanStdDev(s, nil)
	c.Threshold = level(s, falseReject, confidence)
	if reviewRate > 0 {
		if review := level(s, reviewRate, confidence); review < c.Threshold {
			c.Review = &review
		}
	}
	return c, nil
}

func sorted(scores []float64) ([]float64, error) {
	for _, v := range scores {
		if !(v > 0) || math.IsInf(v, 0) {
			return nil, errors.New("the scores of good pictures must be numbers above zero: is the network trained?")
		}
	}
	return slices.Sorted(slices.Values(scores)), nil
}

func tooFew(n int, falseReject, confidence float64) error {
	return fmt.Errorf("%d good pictures are too few to set a threshold: at least %d are needed, thirty are a good start, and %s prove a false-reject rate of %s",
		n, Fewest, thousands(roundUp(Needed(falseReject, confidence))), percent(falseReject))
}

// level is the score that no more than rate of the good pictures reach.
func level(s []float64, rate, confidence float64) float64 {
	most := math.Nextafter(s[len(s)-1], math.Inf(1))
	if allowed := Allowed(len(s), rate, confidence); allowed >= 0 {
		return math.Nextafter(s[len(s)-1-allowed], math.Inf(1))
	}
	return max(most, tail(s, rate))
}

// Scores that the tail model looks at: the upper quarter, at least eight.
const (
	tailShare  = 0.25
	tailFewest = 8
)

// tail is the quantile of an exponential tail (a generalised Pareto one of shape
// zero) over a high quantile u, as a prediction: with k excesses of mean m and the
// share k/n above u, the next score lies above
//
//	u + k m ((k/n / rate)^(1/k) - 1)
//
// with probability rate, the uncertainty of m included. With many excesses it
// becomes u + m ln(k/n / rate). docs/acceptance.md says how it did on held-out
// pictures beside a log-normal tail and others.
func tail(s []float64, rate float64) float64 {
	n := len(s)
	k := min(max(int(tailShare*float64(n)), tailFewest), n-1)
	u, sum := s[n-1-k], 0.0
	for _, v := range s[n-k:] {
		sum += v - u
	}
	above := float64(k) / float64(n)
	if above <= rate {
		return u
	}
	return u + sum*(math.Pow(above/rate, 1/float64(k))-1)
}
