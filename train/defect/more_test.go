package defect

import (
	"math"
	"math/rand/v2"
	"testing"
)

// holes is a calm grey picture with dark square holes, noise of one step over it.
func holes(seed uint64, h, w int) []byte {
	r := rand.New(rand.NewPCG(seed, 9))
	pix := make([]byte, 3*h*w)
	for i := range h * w {
		v := byte(150 + r.IntN(2))
		if y, x := i/w, i%w; y%64 >= 12 && y%64 < 18 && x%64 >= 12 && x%64 < 18 {
			v = 20
		}
		pix[3*i], pix[3*i+1], pix[3*i+2] = v, v, v
	}
	return pix
}

func makerOf(t *testing.T, mix Mix, h, w int) *Maker {
	t.Helper()
	m, err := New(h, w, mix, Pool{holes(1, h, w), holes(2, h, w), holes(3, h, w)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// Strokes are thin, of both tones, inside the picture, and of the lengths and
// widths that are promised.
func TestScars(t *testing.T) {
	const side = 128
	m := makerOf(t, Mix{Scar: 1}, side, side)
	r := rand.New(rand.NewPCG(4, 4))
	var s Sample
	brighter, darker := 0, 0
	for range 200 {
		m.Make(r, 0, &s)
		if s.Kind != Scar {
			t.Fatalf("kind %q", s.Kind)
		}
		covered := 0
		for i := range s.Mask {
			if s.Mask[i] == 0 {
				continue
			}
			covered++
			if s.Input[3*i+1] > s.Target[3*i+1] {
				brighter++
			} else {
				darker++
			}
		}
		// Three of the longest and widest, their soft edges counted in.
		if most := 3 * (0.6*side + 4) * (0.016*side + 3); float64(covered) > most {
			t.Errorf("%d pixels covered, at most %.0f can be", covered, most)
		}
	}
	if brighter < 1000 || darker < 1000 {
		t.Errorf("%d pixels brighter and %d darker", brighter, darker)
	}
}

func TestStrokeIsAsLongAndWideAsDrawn(t *testing.T) {
	m := makerOf(t, Mix{Scar: 1}, 128, 128)
	clear(m.noise)
	m.touch(64, 64, 2, 1)
	var area float64
	for _, v := range m.noise {
		area += float64(v)
	}
	if want := math.Pi * 4; math.Abs(area-want) > 1 {
		t.Errorf("a disc of radius 2 covers %.2f pixels, want %.2f", area, want)
	}
	if m.noise[64*128+64] != 1 || m.noise[64*128+67] != 0 {
		t.Errorf("cover %v inside and %v outside", m.noise[64*128+64], m.noise[64*128+67])
	}
	m.touch(0, 0, 2, 0.5) // clipped at the corner
	m.touch(500, -500, 2, 1)
}

// What erase does to pictures with holes: holes go away, hardly any come.
func TestEraseTakesFeaturesAway(t *testing.T) {
	const side = 128
	m := makerOf(t, Mix{Erase: 1}, side, side)
	r := rand.New(rand.NewPCG(5, 5))
	var s Sample
	gone, come := 0, 0
	for range 200 {
		m.Make(r, 1, &s)
		for i := range s.Mask {
			was, is := s.Target[3*i] < 80, s.Input[3*i] < 80
			if was && !is {
				gone++
			}
			if is && !was {
				come++
			}
		}
	}
	if gone < 20*36 || come*5 > gone {
		t.Errorf("%d pixels of holes gone and %d come in 200 samples", gone, come)
	}
}

func TestFeatureStandsAlone(t *testing.T) {
	const side = 64
	c := canvas{side, side, holes(1, side, side)}
	whole, cut, beside := spot{8, 8, 14, 14}, spot{14, 8, 14, 14}, spot{20, 20, 14, 14}
	if busy, calm := c.activity(whole), c.activity(beside); busy < 5*calm {
		t.Errorf("activity %d at a hole and %d beside", busy, calm)
	}
	m := makerOf(t, Mix{Erase: 1}, side, side)
	m.sums.of(c)
	if got := m.sums.contrast(whole); got < 50 {
		t.Errorf("a hole stands out %.1f times its edge's deviation", got)
	}
	if across, calm := m.sums.contrast(cut), m.sums.contrast(beside); across > isolated || calm > isolated {
		t.Errorf("half a hole stands out %.1f times, calm surface %.1f times", across, calm)
	}
	r := rand.New(rand.NewPCG(7, 7))
	alone := 0
	for range 200 {
		at := m.feature(r)
		if at.x < 0 || at.y < 0 || at.x+at.w > side || at.y+at.h > side {
			t.Fatalf("%+v lies outside", at)
		}
		if m.sums.contrast(at) >= isolated {
			alone++
		}
	}
	if alone < 50 { // two of three are too small to hold the hole
		t.Errorf("%d of 200 features stand alone", alone)
	}
}

// The sums over a rectangle are those of its pixels.
func TestSumsOverARectangle(t *testing.T) {
	c := canvas{24, 40, holes(2, 24, 40)}
	var s sums
	s.of(c)
	p := spot{7, 9, 11, 8}
	var plain, power float64
	for y := p.y; y < p.y+p.h; y++ {
		for x := p.x; x < p.x+p.w; x++ {
			v := float64(c.at(x, y)[1])
			plain, power = plain+v, power+v*v
		}
	}
	if n, a, b := s.over(p); n != 88 || a != plain || b != power {
		t.Errorf("%v pixels, %v and %v, want 88, %v and %v", n, a, b, plain, power)
	}
}

// The kinds come as often as the mix says, and the older mixes draw as before.
func TestDrawShares(t *testing.T) {
	mix := Mix{Clean: 0.2, Texture: 0.1, CutPaste: 0.1, Patch: 0.2, Scar: 0.3, Erase: 0.3, Form: FormPaper}
	r := rand.New(rand.NewPCG(6, 6))
	count := map[string]int{}
	const n = 20000
	for range n {
		count[mix.draw(r)]++
	}
	for kind, want := range map[string]float64{Clean: 0.2, Texture: 0.08, CutPaste: 0.08, Patch: 0.16, Scar: 0.24, Erase: 0.24} {
		if got := float64(count[kind]) / n; math.Abs(got-want) > 0.01 {
			t.Errorf("%s: %.3f of the samples, want %.3f", kind, got, want)
		}
	}
}
