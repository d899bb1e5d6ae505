package defect

import (
	"math"
	"math/rand/v2"
)

// curve is a new value for each of the 256; curves has one a channel.
type (
	curve  [256]byte
	curves [3]curve
)

func (c canvas) tone(t curves) {
	for i := 0; i < len(c.pix); i += 3 {
		c.pix[i], c.pix[i+1], c.pix[i+2] = t[0][c.pix[i]], t[1][c.pix[i+1]], t[2][c.pix[i+2]]
	}
}

func same(c curve) curves { return curves{c, c, c} }

func draw(f func(v float64) float64) (c curve) {
	for i := range c {
		c[i] = clamp(f(float64(i)))
	}
	return c
}

// gamma is contrast by a power of 0.5 to 2, another for each channel.
func gamma(r *rand.Rand) (c curves) {
	for k := range c {
		power := between(r, 0.5, 2)
		c[k] = draw(func(v float64) float64 { return 255 * math.Pow(v/255, power) })
	}
	return c
}

func brightness(r *rand.Rand) curve {
	factor, plus := between(r, 0.8, 1.2), between(r, -30, 30)
	return draw(func(v float64) float64 { return factor*v + plus })
}

// solarize inverts what is at or above a threshold of 32 to 128.
func solarize(r *rand.Rand) curve {
	threshold := float64(32 + r.IntN(97))
	return draw(func(v float64) float64 {
		if v >= threshold {
			return 255 - v
		}
		return v
	})
}

// posterize keeps the upper 1 to 8 bits.
func posterize(r *rand.Rand) curve {
	lost := byte(0xff >> (1 + r.IntN(8)))
	return draw(func(v float64) float64 { return float64(byte(v) &^ lost) })
}

func invert() curve { return draw(func(v float64) float64 { return 255 - v }) }

// autocontrast stretches each channel to 0..255 after leaving out up to 20% of
// the pixels at either end.
func autocontrast(r *rand.Rand, c canvas) (t curves) {
	cut := between(r, 0, 0.2)
	for k, h := range c.histograms() {
		low, high := h.ends(int(cut * float64(c.h*c.w)))
		t[k] = draw(func(v float64) float64 {
			if high <= low {
				return v
			}
			return (v - float64(low)) * 255 / float64(high-low)
		})
	}
	return t
}

// equalize makes all values of each channel about equally common.
func equalize(c canvas) (t curves) {
	for k, h := range c.histograms() {
		low, _ := h.ends(0)
		rest, below := c.h*c.w-h[low], -h[low]
		for v := range t[k] {
			t[k][v] = byte(v)
			if below += h[v]; rest > 0 && v >= low {
				t[k][v] = clamp(float64(below) * 255 / float64(rest))
			}
		}
	}
	return t
}

type histogram [256]int

func (c canvas) histograms() (h [3]histogram) {
	for i := 0; i < len(c.pix); i += 3 {
		h[0][c.pix[i]]++
		h[1][c.pix[i+1]]++
		h[2][c.pix[i+2]]++
	}
	return h
}

// ends are the lowest and the highest value after leaving out n pixels at
// either end.
func (h *histogram) ends(n int) (low, high int) {
	for left := n; low < 255 && left >= h[low]; low++ {
		left -= h[low]
	}
	high = 255
	for left := n; high > 0 && left >= h[high]; high-- {
		left -= h[high]
	}
	return low, high
}
