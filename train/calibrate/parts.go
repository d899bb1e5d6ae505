package calibrate

import (
	"fmt"
	"slices"
)

// known says whether it is known of all pictures which parts they show.
func known(good []Picture) bool {
	return !slices.ContainsFunc(good, func(p Picture) bool { return p.Part == 0 })
}

// parts is the part that each kept picture shows, near-duplicates one.
func (r *run) parts() []int {
	if r.set != nil {
		r.outcome.Report = r.set.Report()
		return r.outcome.Report.Part
	}
	parts := make([]int, len(r.kept))
	for i, p := range r.kept {
		parts[i] = p.Part
	}
	return parts
}

// worst is the highest score of each part. A threshold is drawn from these: near
// the same score again and again, copies of a picture prove no more than one.
func worst(scores []float64, part []int) []float64 {
	at := map[int]int{}
	var out []float64
	for i, score := range scores {
		if k, seen := at[part[i]]; seen {
			out[k] = max(out[k], score)
			continue
		}
		at[part[i]] = len(out)
		out = append(out, score)
	}
	return out
}

func fewParts(pictures, parts int) error {
	return fmt.Errorf("%d pictures show only %d different part(s) (near-duplicates count once): at least %d are needed, thirty are a good start; if each picture does show another part, say so with --distinct",
		pictures, parts, Fewest)
}
