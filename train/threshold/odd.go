package threshold

import (
	"math"
	"slices"
)

// What makes a score odd: so many robust deviations above the median of the
// logarithms, and a good deal larger than the median itself.
const (
	oddDeviations = 6
	oddFactor     = 1.25
)

// Odd lists the scores far above the others, largest first: pictures that may
// not be good ones. It needs no model of the scores, only that most are good.
func Odd(scores []float64) []int {
	if len(scores) < Fewest {
		return nil
	}
	logs := make([]float64, len(scores))
	for i, v := range scores {
		logs[i] = math.Log(v)
	}
	middle := median(logs)
	away := make([]float64, len(logs))
	for i, v := range logs {
		away[i] = math.Abs(v - middle)
	}
	spread := 1.4826 * median(away) // the standard deviation, were they normal
	limit := max(oddDeviations*spread, math.Log(oddFactor))
	var odd []int
	for i, v := range logs {
		if v-middle > limit {
			odd = append(odd, i)
		}
	}
	slices.SortFunc(odd, func(a, b int) int {
		if scores[a] > scores[b] {
			return -1
		}
		return 1
	})
	return odd
}

func median(v []float64) float64 {
	s := slices.Sorted(slices.Values(v))
	return (s[(len(s)-1)/2] + s[len(s)/2]) / 2
}
