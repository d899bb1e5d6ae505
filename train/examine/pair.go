package examine

import "math"

func sqrt(v float32) float32 { return float32(math.Sqrt(float64(v))) }

// Bounds of what two images of one part may differ by, beside what is measured.
const (
	mostShift = 2    // fine pixels, each way
	mostGain  = 0.25 // of contrast
	clipLow   = 3    // at and below: nothing is known of the light
	clipHigh  = 252
	lag       = 4 // fine pixels: beyond the reach of the smoothing
)

// difference is what remains between two images once brightness, contrast and
// a small shift are taken out.
type difference struct {
	// Detail is the share of the fine detail that the two do not have in common:
	// the energy of the gradient of what remains over that of their mean. 0 for
	// copies, 4 for images that have nothing in common.
	detail float64
	// Structure is what remains that is no noise, in levels of 0..255: the root
	// of the covariance of what remains with itself four pixels on. The noise of
	// a sensor and of an encoder is not correlated so far; a part's own
	// look is.
	structure float64
	gain      float64 // of contrast, 0 is none
}

// compare compares two fine images [h,w].
func compare(a, b []byte, w, h int) difference {
	dx, dy := 0, 0
	for range mostShift + 1 {
		f := fit(a, b, w, h, dx, dy)
		// b is a moved by p: whole pixels of it are taken out exactly.
		nx, ny := dx+int(math.Round(f.p[0])), dy+int(math.Round(f.p[1]))
		nx, ny = min(max(nx, -mostShift), mostShift), min(max(ny, -mostShift), mostShift)
		if nx == dx && ny == dy {
			return f.residual()
		}
		dx, dy = nx, ny
	}
	return fit(a, b, w, h, dx, dy).residual()
}

// fitted is the least squares fit of b - a by the derivatives of their mean m, m
// itself and a constant: to first order, what a shift, contrast and brightness
// change (tangent distance, Simard et al. 1993).
type fitted struct {
	a, b       []byte
	w, h       int
	at         int // of b's pixel less a's
	x0, x1     int
	y0, y1     int
	p          [4]float64
	determined bool
}

func fit(a, b []byte, w, h, dx, dy int) *fitted {
	f := &fitted{
		a: a, b: b, w: w, h: h, at: dy*w + dx,
		x0: border, x1: w - border, y0: border, y1: h - border,
	}
	var n [4][5]float64
	f.each(func(gx, gy, m, d float64) {
		v := [4]float64{-gx, -gy, m, 1}
		for i := range v {
			for j := i; j < len(v); j++ {
				n[i][j] += v[i] * v[j]
			}
			n[i][4] += v[i] * d
		}
	})
	for i := range 4 {
		for j := range i {
			n[i][j] = n[j][i]
		}
	}
	f.p = solve(n)
	return f
}

// each calls with the mean's derivatives, the mean less 128, and b - a of each
// pixel that is clipped in neither.
func (f *fitted) each(use func(gx, gy, m, d float64)) {
	for y := f.y0; y < f.y1; y++ {
		for x := f.x0; x < f.x1; x++ {
			if gx, gy, m, d, ok := f.pixel(y*f.w + x); ok {
				use(gx, gy, m, d)
			}
		}
	}
}

func (f *fitted) pixel(i int) (gx, gy, m, d float64, ok bool) {
	j := i + f.at
	a, b := f.a[i], f.b[j]
	if min(a, b) <= clipLow || max(a, b) >= clipHigh {
		return 0, 0, 0, 0, false
	}
	sum := func(di int) int { return int(f.a[i+di]) + int(f.b[j+di]) }
	return float64(sum(1)-sum(-1)) / 4, float64(sum(f.w)-sum(-f.w)) / 4,
		float64(int(a)+int(b))/2 - 128, float64(int(b) - int(a)), true
}

// residual measures what the fit leaves.
func (f *fitted) residual() difference {
	rest := make([]float64, f.w*f.h) // not a number where nothing is known
	for i := range rest {
		rest[i] = math.NaN()
	}
	var detail, slope, far mean
	for y := f.y0; y < f.y1; y++ {
		for x := f.x0; x < f.x1; x++ {
			i := y*f.w + x
			if gx, gy, m, d, ok := f.pixel(i); ok {
				rest[i] = d + f.p[0]*gx + f.p[1]*gy - f.p[2]*m - f.p[3]
				detail.add(gx*gx + gy*gy)
			}
		}
	}
	for y := f.y0; y < f.y1-lag; y++ {
		for x := f.x0; x < f.x1-lag; x++ {
			i := y*f.w + x
			gx, gy := (rest[i+2]-rest[i])/2, (rest[i+2*f.w]-rest[i])/2
			slope.add(gx*gx + gy*gy)
			far.add(rest[i] * rest[i+lag])
			far.add(rest[i] * rest[i+lag*f.w])
		}
	}
	return difference{
		detail:    slope.value() / max(detail.value(), 1e-3),
		structure: math.Sqrt(max(far.value(), 0)),
		gain:      f.p[2],
	}
}

// mean of numbers; others are left out.
type mean struct{ sum, n float64 }

func (m *mean) add(v float64) {
	if v == v {
		m.sum, m.n = m.sum+v, m.n+1
	}
}

func (m *mean) value() float64 { return m.sum / max(m.n, 1) }

// solve solves four normal equations by elimination; what is not determined is 0.
func solve(n [4][5]float64) (p [4]float64) {
	order := [4]int{3, 2, 0, 1} // brightness is always determined, a shift of a blank image is not
	var scale [4]float64
	for i := range n {
		scale[i] = n[i][i]
	}
	done := [4]bool{}
	for _, i := range order {
		if n[i][i] <= 1e-9*max(scale[i], 1) {
			continue
		}
		done[i] = true
		for j := range n {
			if j == i {
				continue
			}
			share := n[j][i] / n[i][i]
			for k := range n[j] {
				n[j][k] -= share * n[i][k]
			}
		}
	}
	for i := range p {
		if done[i] {
			p[i] = n[i][4] / n[i][i]
		}
	}
	return p
}
