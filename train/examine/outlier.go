package examine

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/stat"
)

// beyond is how many robust standard deviations from the median a value stands
// out.
const beyond = 6

// ofNormal is how many standard deviations of a normal distribution its median
// absolute deviation is.
const ofNormal = 1.4826

// Upper is the limit above which one of the values stands out: the median + 6 x
// 1.4826 x the median absolute deviation. The deviation is taken to be at least
// least, so that values that are all but equal do not accuse one another.
func Upper(values []float64, least float64) float64 {
	middle := Median(values)
	off := make([]float64, len(values))
	for i, v := range values {
		off[i] = math.Abs(v - middle)
	}
	return middle + beyond*max(ofNormal*Median(off), least)
}

// Median of the values, of which there must be one.
func Median(values []float64) float64 {
	return stat.Quantile(0.5, stat.Empirical, slices.Sorted(slices.Values(values)), nil)
}

// Why an image is unlike the others.
const (
	black   = "black"
	blown   = "overexposed"
	dark    = "much darker"
	bright  = "much brighter"
	blurred = "blurred"
	unlike  = "shows something else"
)

const (
	fewestToJudge = 8    // images of different parts, for one to be unlike the others
	almostAll     = 0.9  // of the pixels
	blurSteps     = 0.05 // least deviation of the logarithm of blur
	levelSteps    = 4    // least deviation of brightness, in levels
	strangeSteps  = 0.15 // the same of the logarithm of strangeness
	neighbours    = 3
	vouching      = 2000 // images that each one is compared with, where there are more
)

// outliers says for each view why it is unlike the others, "" if it is not. Those
// of one part, which part says, do not vouch for one another.
func outliers(views []*view, part []int) []string {
	why := make([]string, len(views))
	if len(views) == 0 || slices.Max(part)+1 < fewestToJudge {
		return why
	}
	level, soft := make([]float64, len(views)), make([]float64, len(views))
	var inked, blownShare []float64
	for i, v := range views {
		level[i], soft[i] = v.stats.Brightness, v.blur
		inked, blownShare = append(inked, v.stats.Dark), append(blownShare, v.stats.Saturated)
	}
	usual, usuallyDark, usuallyBlown := Median(level), Median(inked), Median(blownShare)
	high, low := Upper(level, levelSteps), 2*usual-Upper(level, levelSteps)
	softest := Upper(soft, blurSteps)
	strange := strangeness(views, part)
	far := Upper(strange, strangeSteps)
	for i, v := range views {
		switch {
		case v.stats.Dark > almostAll && usuallyDark < almostAll/2:
			why[i] = black
		case v.stats.Saturated > almostAll && usuallyBlown < almostAll/2:
			why[i] = blown
		case level[i] < low:
			why[i] = dark
		case level[i] > high:
			why[i] = bright
		case soft[i] > softest:
			why[i] = blurred
		case strange[i] > far:
			why[i] = unlike
		}
	}
	return why
}

// strangeness is how far each view's cells are from those of its third nearest
// view of another part: the logarithm of levels.
func strangeness(views []*view, part []int) []float64 {
	out := make([]float64, len(views))
	step := (len(views) + vouching - 1) / vouching
	parallel(len(views), func(i int) {
		var near [neighbours]float64
		for k := range near {
			near[k] = math.Inf(1)
		}
		for j := 0; j < len(views); j += step {
			if part[j] == part[i] {
				continue
			}
			v := views[j]
			d := float64(views[i].coarse.distance2(&v.coarse, math.MaxFloat32)) + 4*float64(views[i].coarse.hue2(&v.coarse))
			for k := range near {
				if d < near[k] {
					d, near[k] = near[k], d
				}
			}
		}
		out[i] = math.Log(math.Sqrt(near[neighbours-1]) + 1)
	})
	return out
}
