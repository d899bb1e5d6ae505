package line

import (
	"math"
	"testing"
)

// look is what an eye notices first about a frame.
type look struct{ x, y, light, warmth, side float64 }

// lookOf finds the bore, the one large black thing, and measures the belt.
func lookOf(frame []byte, size int) look {
	var l look
	var dark float64
	var sum [3]float64
	for i := range size * size {
		x, y := float64(i%size), float64(i/size)
		b, g, r := float64(frame[3*i]), float64(frame[3*i+1]), float64(frame[3*i+2])
		if math.Hypot(x-float64(size)/2, y-float64(size)/2) < float64(size)/9 && g < 40 {
			l.x, l.y, dark = l.x+x, l.y+y, dark+1
		}
		sum[0], sum[1], sum[2] = sum[0]+b, sum[1]+g, sum[2]+r
		if x < 40 {
			l.side -= g
		} else if x >= float64(size)-40 {
			l.side += g
		}
	}
	l.x, l.y = l.x/dark, l.y/dark
	l.light, l.warmth = sum[1]/float64(size*size), sum[2]/sum[0]
	l.side /= 40 * float64(size)
	return l
}

func TestGoodFramesVary(t *testing.T) {
	const frames, size = 60, 320
	l := New(Options{Seed: 21, Size: size})
	defer l.Close()
	var looks []look
	for n := range uint64(frames) {
		frame, _ := render(t, l, n)
		looks = append(looks, lookOf(frame, size))
	}
	for _, c := range []struct {
		name  string
		of    func(look) float64
		least float64 // standard deviation
	}{
		{"place across (pixels)", func(l look) float64 { return l.x }, 3},
		{"place down (pixels)", func(l look) float64 { return l.y }, 3},
		{"brightness (levels)", func(l look) float64 { return l.light }, 4},
		{"red against blue", func(l look) float64 { return l.warmth }, 0.02},
		{"light from one side to the other (levels)", func(l look) float64 { return l.side }, 2},
	} {
		if got := deviation(looks, c.of); got < c.least || math.IsNaN(got) {
			t.Errorf("%s: standard deviation %.3f, want at least %.3f", c.name, got, c.least)
		} else {
			t.Logf("%s: standard deviation %.3f", c.name, got)
		}
	}
}

func deviation(looks []look, of func(look) float64) float64 {
	var sum, square float64
	for _, l := range looks {
		v := of(l)
		sum, square = sum+v, square+v*v
	}
	n := float64(len(looks))
	return math.Sqrt(square/n - sum/n*sum/n)
}

func TestPoseCoversItsRange(t *testing.T) {
	l := New(Options{Seed: 2, Size: 128})
	defer l.Close()
	var rotations, scales []float64
	for n := range uint64(400) {
		l.reseed(n, streamScene)
		s := drawScene(l.random, 1)
		rotations, scales = append(rotations, s.rotation*180/math.Pi), append(scales, s.scale)
	}
	for _, c := range []struct {
		name      string
		values    []float64
		low, high float64
	}{{"rotation", rotations, -10, 10}, {"scale", scales, 0.975, 1.025}} {
		low, high := math.Inf(1), math.Inf(-1)
		for _, v := range c.values {
			low, high = min(low, v), max(high, v)
		}
		slack := 0.05 * (c.high - c.low)
		if low < c.low || low > c.low+slack || high > c.high || high < c.high-slack {
			t.Errorf("%s reaches from %.3f to %.3f, want %.3f to %.3f", c.name, low, high, c.low, c.high)
		}
	}
}

// TestTextureDiffersFromPartToPart compares a patch of the turned face, in the
// part's own frame, between parts.
func TestTextureDiffersFromPartToPart(t *testing.T) {
	l := New(Options{Seed: 8, Size: 320})
	defer l.Close()
	patch := func(n uint64) []float64 {
		render(t, l, n)
		canvas := pixels(l.canvas)
		var v []float64
		at := func(x, y int) float64 { // above the boss, inside the O-ring
			i := (l.cover.side/2-64+y)*l.cover.side + l.cover.side/2 - 12 + x
			return float64(canvas[4*i+1])
		}
		for y := 1; y < 13; y++ {
			for x := range 24 {
				v = append(v, at(x, y-1)-2*at(x, y)+at(x, y+1)) // the light falls out
			}
		}
		return v
	}
	first := patch(0)
	for n := uint64(1); n < 12; n++ {
		if c := correlation(first, patch(n)); math.Abs(c) > 0.9 {
			t.Errorf("parts 0 and %d share their texture: correlation %.2f", n, c)
		}
	}
}

func correlation(a, b []float64) float64 {
	var ab, aa, bb float64
	for i := range a {
		ab, aa, bb = ab+a[i]*b[i], aa+a[i]*a[i], bb+b[i]*b[i]
	}
	return ab / math.Sqrt(aa*bb)
}
