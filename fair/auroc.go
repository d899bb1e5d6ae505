package fair

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// AUROC is the area under the ROC curve: the chance that a defective example
// scores higher than a good one, equal scores counting half (mid-rank). It is
// an error where the lengths differ, a score is not a number, or one of the
// two kinds is missing.
func AUROC(scores []float64, defective []bool) (float64, error) {
	if len(scores) != len(defective) {
		return 0, fmt.Errorf("auroc: %d scores for %d labels", len(scores), len(defective))
	}
	var good, bad []float64
	for i, score := range scores {
		switch {
		case math.IsNaN(score):
			return 0, fmt.Errorf("auroc: score %d is not a number", i)
		case defective[i]:
			bad = append(bad, score)
		default:
			good = append(good, score)
		}
	}
	if len(good) == 0 || len(bad) == 0 {
		return 0, errors.New("auroc: needs good and defective examples, one kind is missing")
	}
	slices.Sort(good)
	slices.Sort(bad)
	return wins(good, bad) / (float64(len(good)) * float64(len(bad))), nil
}

// wins counts the pairs in which bad is larger, ties half; both are sorted.
func wins(good, bad []float64) (total float64) {
	below, upTo := 0, 0 // good scores less than, and not more than, the bad one
	for _, score := range bad {
		for below < len(good) && good[below] < score {
			below++
		}
		for upTo < len(good) && good[upTo] <= score {
			upTo++
		}
		total += float64(below) + float64(upTo-below)/2
	}
	return total
}
