package calibrate

import (
	"cmp"
	"slices"

	"faird/train/examine"
)

// Scored is a good picture with its score.
type Scored struct {
	Name  string  `json:"file"`
	Score float64 `json:"score"`
}

// Odd are the pictures that score far above the others ([examine.Upper]), highest
// first. Either they are defective, or they show something that the training has
// not.
func Odd(scored []Scored) []Scored {
	if len(scored) == 0 {
		return nil
	}
	scores := make([]float64, len(scored))
	for i, p := range scored {
		scores[i] = p.Score
	}
	limit := examine.Upper(scores, examine.Median(scores)/50)
	var odd []Scored
	for _, p := range scored {
		if p.Score > limit {
			odd = append(odd, p)
		}
	}
	slices.SortStableFunc(odd, func(a, b Scored) int { return cmp.Compare(b.Score, a.Score) })
	return odd
}
