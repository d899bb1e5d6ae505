package eval

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// Confidence of the intervals of Rate.
const Confidence = 0.95

// Rate is a share of pictures that were judged wrongly, with the exact
// two-sided interval (Clopper and Pearson 1934) that the true rate lies in with
// 95% confidence.
type Rate struct {
	Rate  float64 `json:"rate"` // 0..1
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
	Count int     `json:"-"` // so many
	Of    int     `json:"-"` // of so many
}

// NewRate is the rate of count of n, of which there must be at least one.
func NewRate(count, n int) Rate {
	r := Rate{Rate: float64(count) / float64(n), Low: 0, High: 1, Count: count, Of: n}
	const tail = (1 - Confidence) / 2
	if count > 0 {
		r.Low = distuv.Beta{Alpha: float64(count), Beta: float64(n - count + 1)}.Quantile(tail)
	}
	if count < n {
		r.High = distuv.Beta{Alpha: float64(count + 1), Beta: float64(n - count)}.Quantile(1 - tail)
	}
	return r
}

// Words says the rate and what it proves: "3 of 120 (2.5%); with 95% confidence
// the true rate lies between 0.5% and 7.1%".
func (r Rate) Words() string {
	return fmt.Sprintf("%d of %d (%s); %s", r.Count, r.Of, Percent(r.Rate), r.Proof())
}

// Proof is the interval in words. Its ends are rounded outwards, so that the
// words never promise more than the pictures do.
func (r Rate) Proof() string {
	switch {
	case r.Count == 0:
		return fmt.Sprintf("with %s confidence the true rate is below %s", Percent(Confidence), outwards(r.High, math.Ceil))
	case r.Count == r.Of:
		return fmt.Sprintf("with %s confidence the true rate is above %s", Percent(Confidence), outwards(r.Low, math.Floor))
	}
	return fmt.Sprintf("with %s confidence the true rate lies between %s and %s",
		Percent(Confidence), outwards(r.Low, math.Floor), outwards(r.High, math.Ceil))
}

func outwards(share float64, round func(float64) float64) string {
	return Percent(round(1000*share) / 1000)
}

// Percent prints a share with at most one decimal.
func Percent(share float64) string {
	return fmt.Sprintf("%g%%", math.Round(1000*share)/10)
}
