package defect

import (
	"bytes"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestPerlinNoise(t *testing.T) {
	for _, size := range [][2]int{{48, 80}, {17, 31}, {128, 128}, {16, 160}} {
		h, w := size[0], size[1]
		noise := make([]float32, h*w)
		above, empty := 0, 0
		const n = 200
		for i := range uint64(n) {
			perlin(random(2, i), h, w, noise)
			set := 0
			for _, v := range noise {
				if math.Abs(float64(v)) > 1.001 || v != v {
					t.Fatalf("%v: noise of %v", size, v)
				}
				if v > maskAbove {
					set++
				}
			}
			above += set
			if set == 0 {
				empty++
			}
		}
		if share := float64(above) / float64(n*h*w); share < 0.01 || share > 0.2 {
			t.Errorf("%v: masks cover %.3f", size, share)
		}
		if empty > n/4 {
			t.Errorf("%v: %d of %d masks are empty", size, empty, n)
		}
	}
}

func TestLatticeIsZeroAtItsCornersAndSmoothBetween(t *testing.T) {
	l := newLattice(random(1, 1), 3, 4)
	for y := range 3 {
		for x := range 4 {
			if v := l.at(float64(x), float64(y)); v != 0 {
				t.Errorf("noise at corner %d, %d is %v", x, y, v)
			}
		}
	}
	for i := range 3990 {
		u := float64(i) / 1000
		if d := math.Abs(float64(l.at(u+0.001, 1.3) - l.at(u, 1.3))); d > 0.01 {
			t.Fatalf("a jump of %v at %v", d, u)
		}
	}
	if l.at(-0.1, 1) != 0 || l.at(4, 1) != 0 || l.at(1, 3) != 0 {
		t.Error("there is noise outside")
	}
}

func TestCurves(t *testing.T) {
	bounds := func(f func(r *rand.Rand) curve, v int) (low, high byte) {
		low = 255
		for i := range uint64(2000) {
			c := f(random(3, i))
			low, high = min(low, c[v]), max(high, c[v])
		}
		return low, high
	}
	for _, c := range []struct {
		name      string
		f         func(r *rand.Rand) curve
		v         int
		low, high byte // what the extremes must come within 6 of, and never pass
	}{
		{"gamma", func(r *rand.Rand) curve { return gamma(r)[1] }, 64, 16, 128},
		{"brightness", brightness, 100, 50, 150},
		{"brightness of white", brightness, 255, 174, 255},
		{"posterize", posterize, 255, 128, 255},
		{"solarize below", solarize, 31, 31, 31},
		{"solarize above", solarize, 129, 126, 126},
		{"invert", func(*rand.Rand) curve { return invert() }, 10, 245, 245},
	} {
		low, high := bounds(c.f, c.v)
		if low < c.low || low > c.low+6 || high > c.high || high < c.high-6 {
			t.Errorf("%s of %d goes from %d to %d, want %d to %d", c.name, c.v, low, high, c.low, c.high)
		}
	}
}

func TestHistogramCurves(t *testing.T) {
	c := canvas{10, 10, make([]byte, 300)}
	for i := range 100 {
		c.pix[3*i], c.pix[3*i+1], c.pix[3*i+2] = byte(50+i), 77, byte(i/50)*200
	}
	e := equalize(c)
	if e[0][50] != 0 || e[0][149] != 255 || e[0][100] < 126 || e[0][100] > 131 {
		t.Errorf("a ramp is equalised to %d, %d, %d", e[0][50], e[0][100], e[0][149])
	}
	if e[1][77] != 77 {
		t.Errorf("a flat channel becomes %d", e[1][77])
	}
	a := autocontrast(random(1, 1), c)
	if a[0][0] != 0 || a[0][255] != 255 || a[0][60] >= a[0][140] || a[1][77] != 77 || a[2][0] != 0 || a[2][200] != 255 {
		t.Errorf("autocontrast %v", a[0])
	}
	h := c.histograms()
	if low, high := h[0].ends(0); low != 50 || high != 149 {
		t.Errorf("ends %d, %d", low, high)
	}
	if low, high := h[0].ends(10); low != 60 || high != 139 {
		t.Errorf("ends without ten %d, %d", low, high)
	}
}

func TestColoursGoThereAndBack(t *testing.T) {
	for i := range 5000 {
		r := random(4, uint64(i))
		want := []byte{byte(r.IntN(256)), byte(r.IntN(256)), byte(r.IntN(256))}
		got := make([]byte, 3)
		h, s, v := toHSV(want)
		fromHSV(h, s, v, got)
		if !bytes.Equal(got, want) {
			t.Fatalf("%v came back as %v", want, got)
		}
	}
}

func TestTurning(t *testing.T) {
	src := canvas{5, 5, coded(5, 5, 7)}
	dst := canvas{5, 5, make([]byte, 75)}
	if dst.turn(src, 0); !bytes.Equal(dst.pix, src.pix) {
		t.Error("a turn of 0 degrees changed the picture")
	}
	dst.turn(src, 90)
	for y := range 5 {
		for x := range 5 {
			if got, want := dst.at(x, y), src.at(4-y, x); *got != *want {
				t.Fatalf("turned by 90 degrees, %d, %d is %v, want %v", x, y, *got, *want)
			}
		}
	}
	white := canvas{32, 32, bytes.Repeat([]byte{255}, 3*32*32)}
	turned := canvas{32, 32, make([]byte, 3*32*32)}
	turned.turn(white, 45)
	if *turned.at(0, 0) != black || *turned.at(16, 16) != [3]byte{255, 255, 255} {
		t.Error("corners of a turned picture are not black, or its middle is not white")
	}
}

// Every augmenter changes a picture, keeps a copy of its scratch apart, and
// follows the generator alone.
func TestAugmenters(t *testing.T) {
	picture := make([]byte, 3*24*40)
	r := random(9, 9)
	for i := range picture {
		picture[i] = byte(40 + r.IntN(150))
	}
	if len(augmenters) != 10 {
		t.Fatalf("%d augmenters", len(augmenters))
	}
	for k, augment := range augmenters {
		changed := 0
		for i := range uint64(8) {
			a := canvas{24, 40, slices.Clone(picture)}
			b := canvas{24, 40, slices.Clone(picture)}
			augment(random(i, 1), a, canvas{24, 40, make([]byte, len(picture))})
			augment(random(i, 1), b, canvas{24, 40, bytes.Repeat([]byte{9}, len(picture))})
			if !bytes.Equal(a.pix, b.pix) {
				t.Errorf("augmenter %d depends on what was in scratch", k)
			}
			if !bytes.Equal(a.pix, picture) {
				changed++
			}
		}
		if changed < 6 {
			t.Errorf("augmenter %d changed %d of 8 pictures", k, changed)
		}
	}
}

func BenchmarkTexture(b *testing.B) { benchmark(b, Mix{Texture: 1}) }
func BenchmarkCutPaste(b *testing.B) {
	benchmark(b, Mix{CutPaste: 1, Form: FormAuthors})
}
func BenchmarkPatch(b *testing.B) { benchmark(b, Mix{Patch: 1}) }
func BenchmarkPaper(b *testing.B) { benchmark(b, PaperMix(FormPaper)) }

func benchmark(b *testing.B, mix Mix) {
	m, err := New(256, 256, mix, Pool{coded(256, 256, 9)}, nil)
	if err != nil {
		b.Fatal(err)
	}
	var s Sample
	for i := uint64(0); b.Loop(); i++ {
		m.Make(random(1, i), 0, &s)
	}
}
