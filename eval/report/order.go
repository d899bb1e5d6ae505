package report

import (
	"cmp"
	"math"
	"slices"

	"faird/eval"
	"faird/verdict"
)

// Ways in which a picture was judged.
const (
	slipThrough = "slip-through"
	falseReject = "false reject"
	toReview    = "to review"
	right       = "right"
	unjudged    = "not judged"
)

// outcome is how the judgement of a picture compares with what is known of it.
func outcome(p eval.Picture) string {
	switch {
	case p.Verdict == "":
		return unjudged
	case p.Verdict == verdict.Review:
		return toReview
	case p.Defective && p.Verdict == verdict.Pass:
		return slipThrough
	case !p.Defective && p.Verdict == verdict.Fail:
		return falseReject
	}
	return right
}

// severity sorts the worst first.
var severity = map[string]int{slipThrough: 0, falseReject: 1, toReview: 2, right: 3, unjudged: 3}

// worstFirst is the pictures with slip-throughs first, then false rejects, then
// those sent to review, each the furthest from the threshold first; then the
// right ones, the closest first. Without a threshold the order is by how many
// pictures of the other kind lie on the wrong side of each.
func worstFirst(pictures []eval.Picture, threshold *float64) []eval.Picture {
	wrongness := crossings(pictures)
	if threshold != nil {
		wrongness = func(p eval.Picture) float64 {
			d := math.Abs(p.Score - *threshold)
			if severity[outcome(p)] < severity[toReview] {
				return d
			}
			return -d
		}
	}
	out := slices.Clone(pictures)
	slices.SortStableFunc(out, func(a, b eval.Picture) int {
		return cmp.Or(
			cmp.Compare(severity[outcome(a)], severity[outcome(b)]),
			cmp.Compare(wrongness(b), wrongness(a)),
			cmp.Compare(a.Name, b.Name))
	})
	return out
}

// crossings returns the share of the pictures of the other kind that a picture
// scores on the wrong side of.
func crossings(pictures []eval.Picture) func(eval.Picture) float64 {
	good, bad := split(pictures)
	return func(p eval.Picture) float64 {
		if p.Defective {
			return share(good, func(v float64) bool { return v >= p.Score })
		}
		return share(bad, func(v float64) bool { return v <= p.Score })
	}
}

// split is the scores of the good and of the defective pictures, sorted.
func split(pictures []eval.Picture) (good, bad []float64) {
	for _, p := range pictures {
		if p.Defective {
			bad = append(bad, p.Score)
		} else {
			good = append(good, p.Score)
		}
	}
	slices.Sort(good)
	slices.Sort(bad)
	return good, bad
}

func share(values []float64, is func(float64) bool) float64 {
	n := 0
	for _, v := range values {
		if is(v) {
			n++
		}
	}
	return float64(n) / float64(max(len(values), 1))
}
