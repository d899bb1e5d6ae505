package defect

import "math/rand/v2"

// cutPaste moves a large part of the picture to another place in it.
func (m *Maker) cutPaste(r *rand.Rand, input canvas) {
	if m.mix.Form == FormAuthors {
		m.cutAuthors(r, input)
		return
	}
	// More than half of the picture: 0.72 squared is 0.52.
	h, w := part(r, m.h, 0.72, 0.95), part(r, m.w, 0.72, 0.95)
	patch := m.cut(input, r.IntN(m.w-w+1), r.IntN(m.h-h+1), w, h)
	input.paste(patch, r.IntN(m.w-w+1), r.IntN(m.h-h+1))
}

// cutAuthors is what the authors' code does: the corner is anywhere, so that
// the border clips the patch, and the patch is turned about its corner by a
// whole number of radians.
func (m *Maker) cutAuthors(r *rand.Rand, input canvas) {
	x, y := r.IntN(m.w), r.IntN(m.h)
	h, w := min(part(r, m.h, 0.8, 0.9), m.h-y), min(part(r, m.w, 0.8, 0.9), m.w-x)
	patch := m.cut(input, x, y, w, h)
	turned := canvas{h, w, m.scratch[1].pix[:3*h*w]}
	turned.turnAbout(patch, 0, 0, float64(r.IntN(12)-6))
	input.paste(turned, r.IntN(m.w-w+1), r.IntN(m.h-h+1))
}

// part is a random share of a side, at least one pixel.
func part(r *rand.Rand, side int, low, high float64) int {
	return max(int(float64(side)*between(r, low, high)), 1)
}

// cut copies a rectangle into scratch.
func (m *Maker) cut(from canvas, x, y, w, h int) canvas {
	patch := canvas{h, w, m.scratch[0].pix[:3*h*w]}
	for i := range h {
		at := 3 * ((y+i)*from.w + x)
		copy(patch.pix[3*i*w:], from.pix[at:at+3*w])
	}
	return patch
}

func (c canvas) paste(patch canvas, x, y int) {
	for i := range patch.h {
		copy(c.pix[3*((y+i)*c.w+x):], patch.pix[3*i*patch.w:3*(i+1)*patch.w])
	}
}
