package calibrate

import (
	"cmp"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat"
)

// Scored is a good picture with its score.
type Scored struct {
	Name  string  `json:"file"`
	Score float64 `json:"score"`
}

// oddBeyond is how many robust standard deviations above the median a good
// picture stands out.
const oddBeyond = 6

// Odd are the pictures that score far above the others, highest first: beyond
// the median + 6 x 1.4826 x the median absolute deviation. Either they are
// defective, or they show something that the training has not.
func Odd(scored []Scored) []Scored {
	if len(scored) == 0 {
		return nil
	}
	scores := make([]float64, len(scored))
	for i, p := range scored {
		scores[i] = p.Score
	}
	middle := median(scores)
	for i, v := range scores {
		scores[i] = math.Abs(v - middle)
	}
	const ofNormal = 1.4826                           // standard deviations in a median absolute deviation
	spread := max(ofNormal*median(scores), middle/50) // pictures that are all but equal do not accuse one another
	var odd []Scored
	for _, p := range scored {
		if p.Score > middle+oddBeyond*spread {
			odd = append(odd, p)
		}
	}
	slices.SortStableFunc(odd, func(a, b Scored) int { return cmp.Compare(b.Score, a.Score) })
	return odd
}

func median(v []float64) float64 {
	return stat.Quantile(0.5, stat.Empirical, slices.Sorted(slices.Values(v)), nil)
}
