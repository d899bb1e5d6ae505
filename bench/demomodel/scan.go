package main

import (
	"context"
	"faird/camera/line"
	"faird/fair"
	"faird/inspect"
	"faird/model"
	"fmt"
	"math"
	"slices"
	"strings"
)

// candidate is one choice of scoring constants with the scores it gave.
type candidate struct {
	scoring fair.Scoring
	scorer  *fair.Scorer
	scores  map[string][]float64 // by kind, "" is good
}

// scan runs the network once a frame and scores its output in many ways. It
// prints, for each, how many defects of each kind lie above all but 0.5% of
// the good frames.
func scan(ctx context.Context, inspector *inspect.Inspector, file *model.File, frames int) error {
	var all []*candidate
	for _, k := range []float64{1e-6, 1e-4, 3e-4, 6e-4} {
		for _, smooth := range []int{5, 7, 9, 11, 15, 21} {
			s := fair.Scoring{K: k, Smooth: smooth, Scales: 2}
			scorer, err := fair.NewScorer(file.Height, file.Width, s)
			if err != nil {
				return err
			}
			defer scorer.Close()
			all = append(all, &candidate{s, scorer, map[string][]float64{}})
		}
	}
	err := judge(ctx, inspector, line.Options{Seed: scanSeed, Defects: 0.5}, frames, func(_ float64, truth line.Truth) error {
		for _, c := range all {
			c.scores[truth.Kind] = append(c.scores[truth.Kind], c.scorer.Score(inspector.Resized(), inspector.Restored(), nil))
		}
		return nil
	})
	for _, c := range all {
		fmt.Println(c)
	}
	return err
}

func (c *candidate) String() string {
	good := slices.Sorted(slices.Values(c.scores[""]))
	if len(good) == 0 {
		return "no good frames"
	}
	threshold := good[int(math.Ceil(0.995*float64(len(good))))-1]
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
