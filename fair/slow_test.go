package fair_test

import (
	"fmt"
	"math"
	"testing"

	"faird/fair"
)

// The equations as they are written, in float64, for any size and number of
// scales: what the kernels must compute.

type plane struct {
	h, w int
	v    []float64
}

func newPlane(h, w int) plane { return plane{h, w, make([]float64, h*w)} }

// at is zero outside.
func (p plane) at(y, x int) float64 {
	if y < 0 || x < 0 || y >= p.h || x >= p.w {
		return 0
	}
	return p.v[y*p.w+x]
}

func planesOf(v []float32, h, w int) (p [3]plane) {
	for c := range p {
		p[c] = newPlane(h, w)
		for i := range p[c].v {
			p[c].v[i] = float64(v[c*h*w+i])
		}
	}
	return p
}

func (p plane) magnitude(y, x int) float64 {
	var gx, gy float64
	for k := -1; k <= 1; k++ {
		gx += p.at(y+k, x-1) - p.at(y+k, x+1)
		gy += p.at(y-1, x+k) - p.at(y+1, x+k)
	}
	return math.Sqrt(gx*gx/9 + gy*gy/9 + 1e-12)
}

func (p plane) pooled() plane {
	out := newPlane(p.h/2, p.w/2)
	for i := range out.v {
		y, x := 2*(i/out.w), 2*(i%out.w)
		out.v[i] = (p.at(y, x) + p.at(y, x+1) + p.at(y+1, x) + p.at(y+1, x+1)) / 4
	}
	return out
}

// sampled is the bilinear value for pixel y, x of a picture of h x w, align_corners=False.
func (p plane) sampled(y, x, h, w int) float64 {
	split := func(i, from, to int) (int, int, float64) {
		at := math.Max((float64(i)+0.5)*float64(from)/float64(to)-0.5, 0)
		i0 := min(int(at), from-1)
		return i0, min(i0+1, from-1), at - float64(i0)
	}
	y0, y1, wy := split(y, p.h, h)
	x0, x1, wx := split(x, p.w, w)
	return (1-wy)*((1-wx)*p.at(y0, x0)+wx*p.at(y0, x1)) + wy*((1-wx)*p.at(y1, x0)+wx*p.at(y1, x1))
}

func slowGradient(original, restored [3]plane, scales int) plane {
	h, w := original[0].h, original[0].w
	out := newPlane(h, w)
	for i := range out.v {
		out.v[i] = 1
	}
	for range scales {
		similarity := newPlane(original[0].h, original[0].w)
		for c := range original {
			for i := range similarity.v {
				a, b := original[c].magnitude(i/similarity.w, i%similarity.w), restored[c].magnitude(i/similarity.w, i%similarity.w)
				similarity.v[i] += (2*a*b + 0.0026) / (a*a + b*b + 0.0026) / 3
			}
			original[c], restored[c] = original[c].pooled(), restored[c].pooled()
		}
		for i := range out.v {
			out.v[i] -= similarity.sampled(i/w, i%w, h, w) / float64(scales)
		}
	}
	return out
}

// slowAB is a and b of CIELAB for one pixel: sRGB, D65.
func slowAB(p [3]plane, i int) (a, b float64) {
	var rgb [3]float64
	for c := range rgb {
		v := math.Min(math.Max(p[2-c].v[i], 0), 1)
		if rgb[c] = v / 12.92; v > 0.04045 {
			rgb[c] = math.Pow((v+0.055)/1.055, 2.4)
		}
	}
	f := func(weights [3]float64, white float64) float64 {
		t := (weights[0]*rgb[0] + weights[1]*rgb[1] + weights[2]*rgb[2]) / white
		if t > 216.0/24389 {
			return math.Cbrt(t)
		}
		return t*841/108 + 4.0/29
	}
	fx := f([3]float64{0.412453, 0.357580, 0.180423}, 0.950456)
	fy := f([3]float64{0.212671, 0.715160, 0.072169}, 1)
	fz := f([3]float64{0.019334, 0.119193, 0.950227}, 1.088754)
	return 500 * (fx - fy), 200 * (fy - fz)
}

func slowColour(original, restored [3]plane) plane {
	out := newPlane(original[0].h, original[0].w)
	for i := range out.v {
		a0, b0 := slowAB(original, i)
		a1, b1 := slowAB(restored, i)
		out.v[i] = (a0-a1)*(a0-a1) + (b0-b1)*(b0-b1)
	}
	return out
}

func slowMap(gradient, colour plane, s fair.Scoring, ignore []byte) (smoothed plane, score float64) {
	raw := newPlane(gradient.h, gradient.w)
	for i := range raw.v {
		if ignore == nil || ignore[i] == 0 {
			raw.v[i] = gradient.v[i] + s.K*colour.v[i]
		}
	}
	smoothed = newPlane(gradient.h, gradient.w)
	for i := range smoothed.v {
		if ignore != nil && ignore[i] != 0 {
			continue
		}
		for dy := -s.Smooth / 2; dy <= s.Smooth/2; dy++ {
			for dx := -s.Smooth / 2; dx <= s.Smooth/2; dx++ {
				smoothed.v[i] += raw.at(i/raw.w+dy, i%raw.w+dx) / float64(s.Smooth*s.Smooth)
			}
		}
		score = max(score, smoothed.v[i])
	}
	return smoothed, score
}

func TestScorerIsTheEquations(t *testing.T) {
	for _, c := range []struct {
		h, w int
		s    fair.Scoring
		mask bool
	}{
		{32, 48, fair.DefaultScoring(), false},
		{32, 48, fair.DefaultScoring(), true},
		{33, 47, fair.Scoring{K: 1e-3, Smooth: 5, Scales: 3}, false},
		{16, 16, fair.Scoring{K: 0, Smooth: 21, Scales: 1}, true},
		{5, 3, fair.Scoring{K: 3e-4, Smooth: 1, Scales: 2}, false},
		{2, 2, fair.Scoring{K: 3e-4, Smooth: 51, Scales: 2}, false},
		{1, 70, fair.Scoring{K: 3e-4, Smooth: 3, Scales: 1}, false},
		{50, 40, fair.Scoring{K: 3e-4, Smooth: 9, Scales: 4}, true},
	} {
		t.Run(fmt.Sprintf("%dx%d scales %d", c.w, c.h, c.s.Scales), func(t *testing.T) {
			original, restored := pair(c.h, c.w)
			var ignore []byte
			if c.mask {
				ignore = make([]byte, c.h*c.w)
				for i := range ignore {
					if i/c.w > c.h/2 && i%c.w > c.w/2 {
						ignore[i] = byte(1 + i%255)
					}
				}
			}
			s, err := fair.NewScorer(c.h, c.w, c.s)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			score := s.Score(original, restored, ignore)
			if again := s.Score(original, restored, ignore); again != score {
				t.Errorf("the second time %v, the first %v", again, score)
			}
			o, r := planesOf(original, c.h, c.w), planesOf(restored, c.h, c.w)
			gradient, colour := slowGradient(o, r, c.s.Scales), slowColour(o, r)
			smoothed, want := slowMap(gradient, colour, c.s, ignore)
			near(t, "gradient", s.Maps().Gradient, gradient.v, 2e-6)
			near(t, "colour", s.Maps().Colour, colour.v, 1e-4)
			near(t, "map", s.Map(), smoothed.v, 2e-6)
			if math.Abs(score-want) > 2e-6*max(1, want) {
				t.Errorf("score %v, want %v", score, want)
			}
		})
	}
}

func near(t *testing.T, name string, got []float32, want []float64, tolerance float64) {
	t.Helper()
	maximum := 1.0
	for _, v := range want {
		maximum = max(maximum, math.Abs(v))
	}
	for i := range want {
		if d := math.Abs(float64(got[i]) - want[i]); !(d <= tolerance*maximum) {
			t.Errorf("%s: value %d is %v, want %v", name, i, got[i], want[i])
			return
		}
	}
}
