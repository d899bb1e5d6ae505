package main

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"faird/camera/line"
	"faird/fair"
)

// candidate is one choice of scoring constants with the scores it gave.
type candidate struct {
	scoring fair.Scoring
	scorer  *fair.Scorer
	scores  map[string][]float64 // by kind, "" is good
}

// candidates are all choices for pictures of h x w pixels; whoever asks closes
// their scorers.
func candidates(h, w int) ([]*candidate, error) {
	var all []*candidate
	for _, k := range []float64{1e-6, 1e-4, 3e-4, 6e-4, 1e-3} {
		for _, smooth := range []int{5, 7, 9, 11, 15, 21} {
			s := fair.Scoring{K: k, Smooth: smooth, Scales: 2}
			scorer, err := fair.NewScorer(h, w, s)
			if err != nil {
				return nil, err
			}
			all = append(all, &candidate{s, scorer, map[string][]float64{}})
		}
	}
	return all, nil
}

// line says how many defects of each kind the candidate finds where the given
// share of the good frames stays below the threshold.
func (c *candidate) line(spared float64) string {
	good := slices.Sorted(slices.Values(c.scores[""]))
	if len(good) == 0 {
		return "no good frames"
	}
	threshold := good[int(math.Ceil(spared*float64(len(good))))-1]
	var b strings.Builder
	fmt.Fprintf(&b, "k %.0e smooth %2d threshold %.4f (median good %.4f)", c.scoring.K, c.scoring.Smooth, threshold, good[len(good)/2])
	found, total := 0, 0
	for _, kind := range line.Kinds {
		n := 0
		for _, s := range c.scores[kind] {
			if s > threshold {
				n++
			}
		}
		found, total = found+n, total+len(c.scores[kind])
		fmt.Fprintf(&b, "  %s %d/%d", kind, n, len(c.scores[kind]))
	}
	fmt.Fprintf(&b, "  all %.1f%%", 100*float64(found)/float64(total))
	return b.String()
}
