package quantize

import "math"

// bins of a histogram; a clip is found to a bin's width.
const bins = 4096

// Histogram counts the magnitudes of one activation over many pictures.
type Histogram struct {
	count  [bins]uint64
	total  uint64
	zeros  uint64  // exactly zero: the half that ReLUs cut off
	top    float64 // magnitude at the end of the last bin; 0: nothing seen
	signed bool    // a value below zero was seen
	most   float64 // largest magnitude
}

// Add counts values; ones that are not finite numbers are left out.
func (h *Histogram) Add(values []float32) {
	for _, v := range values {
		m := math.Abs(float64(v))
		if math.IsNaN(m) || math.IsInf(m, 0) {
			continue
		}
		h.total++
		if m == 0 {
			h.zeros++
			continue
		}
		h.signed = h.signed || v < 0
		h.most = max(h.most, m)
		if m >= h.top {
			h.widen(m)
		}
		h.count[int(m/h.top*bins)]++
	}
}

// widen doubles the histogram's reach until m is inside, pairs of bins falling
// together.
func (h *Histogram) widen(m float64) {
	if h.top == 0 {
		h.top = 1e-6
	}
	for m >= h.top {
		for i := range bins / 2 {
			h.count[i] = h.count[2*i] + h.count[2*i+1]
		}
		clear(h.count[bins/2:])
		h.top *= 2
	}
}

// Range that 8 bits are spread over: zero to High, or -High to High.
type Range struct {
	High   float64
	Signed bool
}

// Percentile is the range that leaves out the given share of the largest
// magnitudes, such as 0.0001.
func (h *Histogram) Percentile(leaveOut float64) Range {
	left := leaveOut * float64(h.total)
	for i := bins - 1; i >= 0; i-- {
		if left -= float64(h.count[i]); left < 0 {
			return h.at(i + 1)
		}
	}
	return h.at(bins)
}

// LeastError is the range with the least mean square error of 8 bits: rounding
// inside it, and clipping beyond.
func (h *Histogram) LeastError() Range {
	best, least := bins, math.Inf(1)
	for clip := bins; clip > bins/64; clip -= max(clip/256, 1) {
		if e := h.squareError(clip); e < least {
			best, least = clip, e
		}
	}
	return h.at(best)
}

// squareError of clipping after so many bins. Rounding to steps of s costs
// s^2/12, and nothing where the value is zero.
func (h *Histogram) squareError(clip int) float64 {
	width := h.top / bins
	end := width * float64(clip)
	step := end / h.at(clip).levels()
	sum := step * step / 12 * float64(h.total-h.zeros)
	for i := clip; i < bins; i++ {
		beyond := (float64(i)+0.5)*width - end
		sum += float64(h.count[i]) * (beyond*beyond - step*step/12)
	}
	return sum
}

func (h *Histogram) at(bin int) Range {
	return Range{High: min(h.top/bins*float64(bin), h.most), Signed: h.signed}
}

func (r Range) levels() float64 {
	if r.Signed {
		return 127
	}
	return 255
}
