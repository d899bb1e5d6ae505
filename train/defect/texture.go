package defect

import "math/rand/v2"

// texture lays a changed texture over the picture where a Perlin mask is, and
// lets the picture shine through by beta, uniform in 0 to 0.8.
func (m *Maker) texture(r *rand.Rand, input canvas) {
	t := m.scratch[0]
	copy(t.pix, m.textures.draw(r))
	m.augment(r, t)
	perlin(r, m.h, m.w, m.noise)
	beta := between(r, 0, 0.8)
	for i, n := range m.noise {
		if n <= maskAbove {
			continue
		}
		for k := 3 * i; k < 3*i+3; k++ {
			input.pix[k] = byte(beta*float64(input.pix[k]) + (1-beta)*float64(t.pix[k]) + 0.5)
		}
	}
}

// augment applies three different ones of the ten augmenters, in random order.
func (m *Maker) augment(r *rand.Rand, t canvas) {
	for _, k := range r.Perm(len(augmenters))[:3] {
		augmenters[k](r, t, m.scratch[1])
	}
}

// augmenters change a picture in place; scratch is of the same size. Their
// ranges are the paper's, their meaning that of the library imgaug, which the
// authors used.
var augmenters = []func(r *rand.Rand, t, scratch canvas){
	func(r *rand.Rand, t, _ canvas) { t.tone(gamma(r)) },
	func(r *rand.Rand, t, _ canvas) { t.tone(same(brightness(r))) },
	sharpen,
	hue,
	func(r *rand.Rand, t, _ canvas) { t.tone(same(solarize(r))) },
	func(r *rand.Rand, t, _ canvas) { t.tone(same(posterize(r))) },
	func(_ *rand.Rand, t, _ canvas) { t.tone(same(invert())) },
	func(r *rand.Rand, t, _ canvas) { t.tone(autocontrast(r, t)) },
	func(_ *rand.Rand, t, _ canvas) { t.tone(equalize(t)) },
	func(r *rand.Rand, t, scratch canvas) {
		copy(scratch.pix, t.pix)
		t.turn(scratch, between(r, -45, 45))
	},
}

// sharpen goes from a smoothed picture (0) through the picture itself (1) to
// twice its difference from the smoothed one (2); the border stays.
func sharpen(r *rand.Rand, t, scratch canvas) {
	factor := between(r, 0, 2)
	copy(scratch.pix, t.pix)
	row := 3 * t.w
	for y := 1; y < t.h-1; y++ {
		for i := y*row + 3; i < (y+1)*row-3; i++ {
			p := scratch.pix
			sum := int(p[i-row-3]) + int(p[i-row]) + int(p[i-row+3]) + int(p[i-3]) + 5*int(p[i]) +
				int(p[i+3]) + int(p[i+row-3]) + int(p[i+row]) + int(p[i+row+3])
			smooth := float64(sum) / 13
			t.pix[i] = clamp(smooth + factor*(float64(p[i])-smooth))
		}
	}
}
