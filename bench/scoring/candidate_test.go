package main

import (
	"strings"
	"testing"

	"faird/camera/line"
	"faird/fair"
)

func TestCandidateCountsWhatItFinds(t *testing.T) {
	c := &candidate{scoring: fair.Scoring{K: 3e-4, Smooth: 9}, scores: map[string][]float64{}}
	if got := c.line(0.995); got != "no good frames" {
		t.Error(got)
	}
	for i := range 200 {
		c.scores[""] = append(c.scores[""], float64(200-i)) // 199 is the 99.5% quantile
	}
	c.scores[line.Kinds[0]] = []float64{198, 199, 199.5, 300}
	c.scores[line.Kinds[1]] = []float64{500}
	got := c.line(0.995)
	for _, want := range []string{"threshold 199.0000", "median good 101", line.Kinds[0] + " 2/4", line.Kinds[1] + " 1/1", "all 60.0%"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q does not say %q", got, want)
		}
	}
}

func TestCandidatesDiffer(t *testing.T) {
	all, err := candidates(16, 32)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[fair.Scoring]bool{}
	for _, c := range all {
		if seen[c.scoring] {
			t.Errorf("%+v twice", c.scoring)
		}
		seen[c.scoring] = true
		c.scorer.Close()
	}
	if !seen[fair.DefaultScoring()] {
		t.Error("the default is not among them")
	}
}
