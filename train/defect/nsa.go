package defect

import (
	"math"
	"math/rand/v2"
)

// patches puts one to three patches of other good pictures into the picture,
// blended so that no edge shows (natural synthetic anomalies, after Schlueter
// et al. 2022, with Perez's Poisson blending).
func (m *Maker) patches(r *rand.Rand, input canvas) {
	for range 1 + r.IntN(3) {
		source := canvas{m.h, m.w, m.good.draw(r)}
		h, w := max(part(r, m.h, 0.06, 0.4), 3), max(part(r, m.w, 0.06, 0.4), 3)
		patch := m.cut(source, r.IntN(m.w-w+1), r.IntN(m.h-h+1), w, h)
		input.blend(patch, r.IntN(m.w-w+1), r.IntN(m.h-h+1))
	}
}

// blend pastes a patch with its own gradients and the picture's values at its
// border: patch + membrane, where the membrane is what the two differ by at the
// border, harmonic inside.
func (c canvas) blend(patch canvas, x0, y0 int) {
	membrane := make([]float64, patch.h*patch.w)
	under := func(i int) int { return 3 * ((y0+i/patch.w)*c.w + x0 + i%patch.w) }
	for k := range 3 {
		for i := range membrane {
			membrane[i] = float64(c.pix[under(i)+k]) - float64(patch.pix[3*i+k])
		}
		harmonic(membrane, patch.h, patch.w)
		for i, v := range membrane {
			c.pix[under(i)+k] = clamp(float64(patch.pix[3*i+k]) + v)
		}
	}
}

// harmonic fills the inside of f [h, w] so that every point is the mean of its
// four neighbours, leaving the border. Successive over-relaxation with the best
// factor for the size leaves 0.2% of the error after as many rounds as the longer
// side has points.
func harmonic(f []float64, h, w int) {
	jacobi := (math.Cos(math.Pi/float64(h-1)) + math.Cos(math.Pi/float64(w-1))) / 2
	factor := 2 / (1 + math.Sqrt(1-jacobi*jacobi))
	var sum float64
	for i, v := range f {
		if x, y := i%w, i/w; x == 0 || y == 0 || x == w-1 || y == h-1 {
			sum += v
		}
	}
	mean := sum / float64(2*(h+w)-4)
	for y := 1; y < h-1; y++ {
		for x := 1; x < w-1; x++ {
			f[y*w+x] = mean
		}
	}
	for range max(h, w) {
		for y := 1; y < h-1; y++ {
			for i := y*w + 1; i < (y+1)*w-1; i++ {
				f[i] += factor * ((f[i-1]+f[i+1]+f[i-w]+f[i+w])/4 - f[i])
			}
		}
	}
}
