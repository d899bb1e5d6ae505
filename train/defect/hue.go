package defect

import (
	"math"
	"math/rand/v2"
)

// hue shifts hue and saturation by -50 to 50 each, of 255 for a whole turn and
// for full saturation.
func hue(r *rand.Rand, t, _ canvas) {
	turn, plus := between(r, -50, 50)/255*6, between(r, -50, 50)/255
	for i := 0; i < len(t.pix); i += 3 {
		p := t.pix[i : i+3]
		h, s, v := toHSV(p)
		if s == 0 {
			continue // grey has no hue to saturate
		}
		fromHSV(math.Mod(h+turn+6, 6), min(max(s+plus, 0), 1), v, p)
	}
}

// toHSV gives hue in 0..6, saturation and value in 0..1.
func toHSV(bgr []byte) (h, s, v float64) {
	b, g, r := float64(bgr[0])/255, float64(bgr[1])/255, float64(bgr[2])/255
	v = max(r, g, b)
	spread := v - min(r, g, b)
	if spread == 0 {
		return 0, 0, v
	}
	switch v {
	case r:
		h = math.Mod((g-b)/spread+6, 6)
	case g:
		h = (b-r)/spread + 2
	default:
		h = (r-g)/spread + 4
	}
	return h, spread / v, v
}

func fromHSV(h, s, v float64, bgr []byte) {
	channel := func(n float64) byte {
		k := math.Mod(n+h, 6)
		return clamp(255 * (v - v*s*max(0, min(k, 4-k, 1))))
	}
	bgr[0], bgr[1], bgr[2] = channel(1), channel(3), channel(5)
}
