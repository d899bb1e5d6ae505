package calibrate

import (
	"fmt"
	"math"
	"sort"
	"strconv"

	"gonum.org/v1/gonum/stat/distuv"

	"faird/model"
)

// Allowed is the largest number of n good scores that may lie at or above the
// threshold so that the false-reject rate is below rate with the confidence
// (exact binomial); -1 where n is too small even for none.
func Allowed(n int, rate, confidence float64) int {
	b := distuv.Binomial{N: float64(n), P: rate}
	return sort.Search(n, func(r int) bool { return b.CDF(float64(r)) > 1-confidence }) - 1
}

// Bound is the false-reject rate that n good scores, none at or above the
// threshold, prove with the confidence: 1 - (1-confidence)^(1/n).
func Bound(n int, confidence float64) float64 {
	return 1 - math.Pow(1-confidence, 1/float64(n))
}

// Needed is how many good scores, none at or above the threshold, prove a
// false-reject rate with the confidence.
func Needed(rate, confidence float64) int {
	return int(math.Ceil(math.Log(1-confidence) / math.Log1p(-rate)))
}

// Proven is the false-reject rate that the calibration's pictures prove: the
// stated one where they are enough, else the smallest they can.
func Proven(c *model.Calibration) float64 {
	if Allowed(c.N, c.FalseReject, c.Confidence) >= 0 {
		return c.FalseReject
	}
	return Bound(c.N, c.Confidence)
}

// Words say what a calibration proves: "120 pictures: the false-reject rate is
// below 2.5% with 95% confidence; for 0.1% show it 3,000".
func Words(c *model.Calibration) string {
	shown := thousands(c.N) + " pictures"
	if c.Images > c.N {
		shown = fmt.Sprintf("%s different parts in %s pictures", thousands(c.N), thousands(c.Images))
	}
	s := fmt.Sprintf("%s: the false-reject rate is below %s with %s confidence", shown, percent(Proven(c)), percent(c.Confidence))
	if Allowed(c.N, c.FalseReject, c.Confidence) < 0 {
		s += fmt.Sprintf("; for %s show it %s", percent(c.FalseReject), thousands(roundUp(Needed(c.FalseReject, c.Confidence))))
	}
	return s
}

// percent rounds up to two digits, so that the words never promise too much.
func percent(share float64) string {
	unit := math.Pow(10, math.Floor(math.Log10(100*share))-1)
	return strconv.FormatFloat(math.Ceil(100*share/unit-1e-6)*unit, 'g', 3, 64) + "%"
}

// roundUp keeps two digits of a number above 100: nobody counts 2,995 parts.
func roundUp(n int) int {
	unit := 1
	for n/unit >= 100 {
		unit *= 10
	}
	return (n + unit - 1) / unit * unit
}

// thousands sets commas.
func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
