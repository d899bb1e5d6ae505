package examine

import (
	"image"
	"math"
)

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

// compare compares two fine images [h,w]. Where a quarter of the pixels show
// already that far more detail differs than hopeless, no more are looked at.
func compare(a, b []byte, w, h int, hopeless float64) difference {
	var f *fitted
	dx, dy := 0, 0
	for range mostShift + 1 {
		f = fit(a, b, w, h, dx, dy)
		// b is a moved by p: whole pixels of it are taken out exactly.
		nx, ny := dx+int(math.Round(f.p[0])), dy+int(math.Round(f.p[1]))
		nx, ny = min(max(nx, -mostShift), mostShift), min(max(ny, -mostShift), mostShift)
		if nx == dx && ny == dy {
			break
		}
		dx, dy = nx, ny
	}
	if d := f.residual(sparse); d.detail > hopeless {
		return d
	}
	return f.residual(1)
}

// sparse is the step between the pixels that a fit looks at.
const sparse = 2

// fitted is the least squares fit of b - a by the derivatives of their mean m, m
// itself and a constant: to first order, what a shift, contrast and brightness
// change (tangent distance, Simard et al. 1993).
type fitted struct {
	a, b   []byte
	w      int
	at     int // of b's pixel less a's
	inside image.Rectangle
	p      [4]float64
}

func fit(a, b []byte, w, h, dx, dy int) *fitted {
	f := &fitted{a: a, b: b, w: w, at: dy*w + dx, inside: image.Rect(border, border, w-border, h-border)}
	var n [4][5]float64
	for y := f.inside.Min.Y; y < f.inside.Max.Y; y += sparse {
		for i := y*w + f.inside.Min.X; i < y*w+f.inside.Max.X; i += sparse {
			gx, gy, m, d, ok := f.pixel(i)
			if !ok {
				continue
			}
			n[0][0] += gx * gx
			n[0][1] += gx * gy
			n[0][2] -= gx * m
			n[0][3] -= gx
			n[0][4] -= gx * d
			n[1][1] += gy * gy
			n[1][2] -= gy * m
			n[1][3] -= gy
			n[1][4] -= gy * d
			n[2][2] += m * m
			n[2][3] += m
			n[2][4] += m * d
			n[3][3]++
			n[3][4] += d
		}
	}
	for i := range 4 {
		for j := range i {
			n[i][j] = n[j][i]
		}
	}
	f.p = solve(n)
	return f
}

// pixel is the mean's derivatives, the mean less 128, and b - a; not where either
// is clipped.
func (f *fitted) pixel(i int) (gx, gy, m, d float64, ok bool) {
	a, b := f.a, f.b[f.at+i-f.w:]
	b = b[:2*f.w+1]
	v, u := a[i], b[f.w]
	if min(v, u) <= clipLow || max(v, u) >= clipHigh {
		return 0, 0, 0, 0, false
	}
	return float64(int(a[i+1])+int(b[f.w+1])-int(a[i-1])-int(b[f.w-1])) / 4,
		float64(int(a[i+f.w])+int(b[2*f.w])-int(a[i-f.w])-int(b[0])) / 4,
		float64(int(v)+int(u))/2 - 128, float64(int(u) - int(v)), true
}

// rest is what the fit leaves of a pixel; not a number where it is clipped.
func (f *fitted) rest(i int) (rest, slope float64) {
	gx, gy, m, d, ok := f.pixel(i)
	if !ok {
		return math.NaN(), math.NaN()
	}
	return d + f.p[0]*gx + f.p[1]*gy - f.p[2]*m - f.p[3], gx*gx + gy*gy
}

// residual measures what the fit leaves, at every so many pixels each way.
func (f *fitted) residual(step int) difference {
	in := f.inside
	rests := make([]float64, len(f.a))
	var detail, slope, far mean
	for y := in.Min.Y; y < in.Max.Y; y += step {
		for i := y*f.w + in.Min.X; i < y*f.w+in.Max.X; i += step {
			var steep float64
			rests[i], steep = f.rest(i)
			detail.add(steep)
		}
	}
	for y := in.Min.Y; y < in.Max.Y-lag; y += step {
		for i := y*f.w + in.Min.X; i < y*f.w+in.Max.X-lag; i += step {
			r := rests[i]
			gx, gy := (rests[i+2]-r)/2, (rests[i+2*f.w]-r)/2
			slope.add(gx*gx + gy*gy)
			far.add(r * rests[i+lag])
			far.add(r * rests[i+lag*f.w])
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
