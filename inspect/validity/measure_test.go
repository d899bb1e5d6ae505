package validity

import (
	"math"
	"testing"
	"time"

	"faird/config"
	"faird/model"
	"faird/verdict"
)

const (
	w = 64
	h = 48
)

// paint is a picture of one BGR colour at each place.
func paint(at func(x, y int) [3]byte) []byte {
	var pixels []byte
	for y := range h {
		for x := range w {
			c := at(x, y)
			pixels = append(pixels, c[0], c[1], c[2])
		}
	}
	return pixels
}

func plain(b, g, r byte) func(x, y int) [3]byte {
	return func(int, int) [3]byte { return [3]byte{b, g, r} }
}

func measure(t testing.TB, pixels ...[]byte) Stats {
	t.Helper()
	m := NewMeter(w, h)
	for _, p := range pixels {
		if err := m.Add(p); err != nil {
			t.Fatal(err)
		}
	}
	return m.Take(1)
}

func TestMeasure(t *testing.T) {
	stripes := func(x, _ int) [3]byte { // a sine of 16 pixels a period, 8 at half the size
		v := byte(math.Round(128 + 80*math.Sin(2*math.Pi*float64(x)/16)))
		return [3]byte{v, v, v}
	}
	quarter := func(x, y int) [3]byte {
		if x < w/2 && y < h/2 {
			return [3]byte{255, 100, 100}
		}
		return [3]byte{15, 3, 0}
	}
	for _, c := range []struct {
		name string
		at   func(x, y int) [3]byte
		want Stats
	}{
		{"grey", plain(77, 77, 77), Stats{Brightness: 77}},
		{"white", plain(255, 255, 255), Stats{Brightness: 255, Saturated: 1}},
		{"black", plain(15, 0, 3), Stats{Brightness: 1, Dark: 1}},
		{"blue alone is neither dark nor nothing", plain(254, 0, 0), Stats{Brightness: 28, Saturated: 1}},
		// Sobel on a sine of 8 pixels a period and amplitude a gives a x 8 sin(pi/4)/8, so rms over rms is sin(pi/4);
		// halving the size took cos(pi/16) of the amplitude.
		{"stripes", stripes, Stats{Brightness: 128, Sharpness: math.Sin(math.Pi/4) * math.Cos(math.Pi/16)}},
		{"a saturated quarter", quarter, Stats{Brightness: 0.25*117 + 0.75*3, Dark: 0.75, Saturated: 0.25}},
	} {
		got := measure(t, paint(c.at))
		if math.Abs(got.Brightness-c.want.Brightness) > 1 || got.Dark != c.want.Dark || got.Saturated != c.want.Saturated ||
			(c.want.Sharpness > 0 || c.name != "a saturated quarter") && math.Abs(got.Sharpness-c.want.Sharpness) > 0.02 {
			t.Errorf("%s: %.3f bright, %.3f dark, %.3f saturated, sharpness %.3f; want %+v", c.name,
				got.Brightness, got.Dark, got.Saturated, got.Sharpness, c.want)
		}
	}
	if err := NewMeter(w, h).Add(make([]byte, 5)); err == nil {
		t.Error("pixels of another size are measured")
	}
}

// Tiles of one picture are measured together.
func TestTilesAreOnePicture(t *testing.T) {
	a, b := paint(plain(40, 40, 40)), paint(plain(60, 60, 60))
	if s := measure(t, a, b); s.Brightness != 50 || s.Print == measure(t, b, a).Print || s.Print != measure(t, a, b).Print {
		t.Errorf("%+v", s)
	}
}

// A picture larger than what is looked at is measured by its rows.
func TestLargePicturesAreSampled(t *testing.T) {
	const side = 640
	m := NewMeter(side, side)
	pixels := make([]byte, 3*side*side)
	for i := range pixels {
		pixels[i] = byte(100 + 50*math.Sin(float64(i/3%side)/20))
	}
	if err := m.Add(pixels); err != nil {
		t.Fatal(err)
	}
	if s := m.Take(1); m.step < 2 || math.Abs(s.Brightness-100) > 3 || !(s.Sharpness > 0.05 && s.Sharpness < 0.2) {
		t.Errorf("every %d rows: brightness %.1f, sharpness %.3f", m.step, s.Brightness, s.Sharpness)
	}
}

// coloured is red on one side and blue on the other, under a light.
func coloured(red, blue float64) []byte {
	return paint(func(x, _ int) [3]byte {
		b, r := 90.0, 130.0
		if x > w/2 {
			b, r = 140.0, 80.0
		}
		return [3]byte{byte(b * blue), 100, byte(r * red)}
	})
}

func TestColourOrder(t *testing.T) {
	var good []Stats
	for i := range 20 {
		light := 0.8 + 0.02*float64(i)
		good = append(good, measure(t, coloured(light, 2-light)))
	}
	look := Learn(good, make([]float64, len(good)))
	if !look.Neutral || look.Colour.Min < 0.95 {
		t.Errorf("under a changing light: neutral %v, %+v", look.Neutral, look.Colour)
	}
	limits := LimitsOf(look, config.Validity{})
	swapped := measure(t, paint(func(x, y int) [3]byte {
		p := coloured(1, 1)[3*(y*w+x):]
		return [3]byte{p[2], p[1], p[0]}
	}))
	if f := limits.Check(&swapped); f == nil || f.Check != verdict.ColourOrder || f.Value > -0.95 {
		t.Errorf("swapped: %v", f)
	}
	grey := measure(t, paint(plain(100, 100, 100)))
	grey.Sharpness = look.Sharpness.Mean
	if f := limits.Check(&grey); f != nil {
		t.Errorf("a picture without colours: %v", f)
	}
	brown := Learn([]Stats{measure(t, paint(plain(60, 90, 120))), measure(t, paint(plain(50, 80, 110)))}, []float64{0.1, 0.1})
	if brown.Neutral || brown.Colour.Min != 1 {
		t.Errorf("one colour all over is not seen as one: neutral %v, %+v", brown.Neutral, brown.Colour)
	}
}

func at(v float64) *float64 { return &v }

func TestConfigOverrides(t *testing.T) {
	look := &model.Look{
		Brightness: model.Spread{Mean: 100, Std: 1, Min: 98, Max: 103}, Sharpness: model.Spread{Mean: 0.2, Std: 0.001, Min: 0.19, Max: 0.21},
		Colour: model.Spread{Mean: 0.9, Min: 0.8, Max: 1}, Aspect: model.Spread{Mean: 1, Min: 1, Max: 1}, RedBlue: make([]float64, grid*grid),
	}
	fine := Stats{Brightness: 100, Sharpness: 0.2, Aspect: 1}
	for _, c := range []struct {
		name   string
		look   *model.Look
		conf   config.Validity
		change func(s *Stats)
		want   verdict.Check
	}{
		{"fine", look, config.Validity{}, func(*Stats) {}, ""},
		{"dim", look, config.Validity{}, func(s *Stats) { s.Brightness = 75 }, verdict.Brightness},
		{"dim, allowed", look, config.Validity{BrightnessMin: at(70)}, func(s *Stats) { s.Brightness = 75 }, ""},
		{"bright", look, config.Validity{}, func(s *Stats) { s.Brightness = 130 }, verdict.Brightness},
		{"bright, allowed", look, config.Validity{BrightnessMax: at(255)}, func(s *Stats) { s.Brightness = 130 }, ""},
		{"blurred", look, config.Validity{}, func(s *Stats) { s.Sharpness = 0.09 }, verdict.Blurred},
		{"blurred, off", look, config.Validity{SharpnessMin: at(0)}, func(s *Stats) { s.Sharpness = 0 }, ""},
		{"dark", look, config.Validity{}, func(s *Stats) { s.Dark = 0.11 }, verdict.Black},
		{"dark, off", look, config.Validity{DarkMax: at(1)}, func(s *Stats) { s.Dark = 1 }, ""},
		{"saturated", look, config.Validity{}, func(s *Stats) { s.Saturated = 0.11 }, verdict.Saturated},
		{"saturated, off", look, config.Validity{SaturatedMax: at(1)}, func(s *Stats) { s.Saturated = 1 }, ""},
		{"wide", look, config.Validity{}, func(s *Stats) { s.Aspect = 1.2 }, verdict.Size},
		{"wide, allowed", look, config.Validity{AspectMax: at(2)}, func(s *Stats) { s.Aspect = 1.2 }, ""},
		{"of unknown size", look, config.Validity{}, func(s *Stats) { s.Aspect = 0 }, ""},
		{"nothing learnt", nil, config.Validity{}, func(s *Stats) { *s = Stats{Brightness: 3, Aspect: 7} }, ""},
		{"nothing learnt, black", nil, config.Validity{}, func(s *Stats) { s.Dark = 0.999 }, verdict.Black},
		{"nothing learnt, saturated", nil, config.Validity{}, func(s *Stats) { s.Saturated = 0.99 }, verdict.Saturated},
		{"nothing learnt, limit given", nil, config.Validity{SharpnessMin: at(0.3)}, func(*Stats) {}, verdict.Blurred},
	} {
		s := fine
		c.change(&s)
		limits := LimitsOf(c.look, c.conf)
		got := verdict.Check("")
		if f := limits.Check(&s); f != nil {
			got = f.Check
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestLearnLeavesOutWhatIsNoPicture(t *testing.T) {
	black, good := Stats{Dark: 1}, Stats{Brightness: 90}
	l := Learn([]Stats{black, good, good}, []float64{9, 0.1, 0.1})
	if l == nil || l.Brightness != (model.Spread{Mean: 90, Min: 90, Max: 90}) || math.Abs(l.LogScore.Mean-math.Log(0.1)) > 1e-12 {
		t.Errorf("%+v", l)
	}
	if l := Learn([]Stats{black}, []float64{1}); l != nil {
		t.Errorf("%+v from nothing", l)
	}
}

func TestFrozen(t *testing.T) {
	start := time.Unix(1000, 0)
	for _, c := range []struct {
		name   string
		after  time.Duration
		prints []uint64 // a second apart
		want   int      // faults
	}{
		{"moving", 2 * time.Second, []uint64{1, 2, 3, 4, 5, 6}, 0},
		{"a short stop", 2 * time.Second, []uint64{1, 1, 1, 2, 2, 2}, 0},
		{"frozen", 2 * time.Second, []uint64{1, 1, 1, 1, 1, 2}, 2},
		{"two in turn", 2 * time.Second, []uint64{1, 2, 1, 2, 1, 2, 1}, 0},
		{"off", 0, []uint64{1, 1, 1, 1}, 0},
	} {
		f := Freeze{After: c.after}
		got := 0
		for i, print := range c.prints {
			if fault := f.Check(&Stats{Print: print}, start.Add(time.Duration(i)*time.Second)); fault != nil {
				got++
				if fault.Check != verdict.Frozen || fault.Value <= fault.Limit || fault.Limit != 2 {
					t.Errorf("%s: %v", c.name, fault)
				}
			}
		}
		if got != c.want {
			t.Errorf("%s: %d faults, want %d", c.name, got, c.want)
		}
	}
}

func TestFaultSaysWhatWasMeasured(t *testing.T) {
	for _, c := range []struct {
		fault verdict.Fault
		says  string
	}{
		{verdict.NewFault(verdict.Black, 0.999, 0.2), "black: 99.9% of the picture is dark, must be at most 20.0%"},
		{verdict.NewFault(verdict.Brightness, 20, 68.5), "brightness: the mean level is 20.0 of 255, must be at least 68.5"},
		{verdict.NewFault(verdict.Blurred, 0.05, 0.19), "blurred: the sharpness is 0.0500, must be at least 0.1900"},
		{verdict.NewFault(verdict.Frozen, 12.25, 10), "frozen: not one pixel has changed for 12.2 s, may be 10.0 s"},
		{verdict.NewFault(verdict.ColourOrder, -1, -0.7), "colour_order: red and blue are swapped: the agreement of colours is -1.00, must be at least -0.70"},
		{verdict.NewFault(verdict.Size, 1.33, 1.02), "size: width over height is 1.330, must be at most 1.020"},
		{verdict.NewFault(verdict.Saturated, 0.5, 0.1), "saturated: 50.0% of the picture is saturated, must be at most 10.0%"},
	} {
		if got := (&Fault{c.fault}).Error(); got != c.says {
			t.Errorf("got  %s\nwant %s", got, c.says)
		}
	}
}

func TestCheckAllocatesNothing(t *testing.T) {
	g := NewGate(w, h, LimitsOf(Learn([]Stats{measure(t, coloured(1, 1))}, []float64{1}), config.Validity{}), time.Second)
	pixels, now := coloured(1, 1), time.Now()
	if n := testing.AllocsPerRun(100, func() {
		if err := g.Add(pixels); err != nil {
			t.Fatal(err)
		}
		if err := g.Check(1, now); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations a picture", n)
	}
}

// BenchmarkCheck is what the checks add to a picture of the usual size.
func BenchmarkCheck(b *testing.B) {
	for _, side := range []int{128, 256, 512} {
		b.Run(time.Duration(side).String()[:3], func(b *testing.B) {
			g := NewGate(side, side, LimitsOf(nil, config.Validity{}), time.Second)
			pixels := make([]byte, 3*side*side)
			for i := range pixels {
				pixels[i] = byte(i * 7 % 251)
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				pixels[0] = byte(i)
				_ = g.Add(pixels)
				if err := g.Check(1, time.Time{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
