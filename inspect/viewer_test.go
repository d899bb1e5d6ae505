package inspect_test

import (
	"fmt"
	"image"
	"math"
	"testing"

	"gocv.io/x/gocv"

	"faird/config"
	"faird/inspect"
	"faird/inspect/geometry"
)

func viewer(t testing.TB, o inspect.Options) *inspect.Viewer {
	t.Helper()
	v, err := inspect.NewViewer(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := v.Close(); err != nil {
			t.Error(err)
		}
	})
	return v
}

// Quarter turns and mirrors change no pixel: each is the camera's at the place
// that the way back names.
func TestQuarterTurnsAreExact(t *testing.T) {
	picture := noisy(t, 120, 90)
	roi := &config.Rect{X: 20, Y: 10, W: 70, H: 40}
	for _, degrees := range []float64{0, 90, 180, 270, -90} {
		for _, flip := range []string{"none", "horizontal", "vertical", "both"} {
			for _, o := range []inspect.Options{{Rotate: degrees, Flip: flip}, {ROI: roi, Rotate: degrees, Flip: flip}} {
				s, err := viewer(t, o).See(picture)
				if err != nil {
					t.Fatal(err)
				}
				back := s.From.Inverse()
				for _, at := range []image.Point{{}, {X: 3, Y: 11}, {X: s.Part.Cols() - 1, Y: s.Part.Rows() - 1}} {
					from := back.At(geometry.Point{X: float64(at.X) + 0.5, Y: float64(at.Y) + 0.5})
					got, want := s.Part.GetVecbAt(at.Y, at.X), picture.GetVecbAt(int(math.Floor(from.Y)), int(math.Floor(from.X)))
					if fmt.Sprint(got) != fmt.Sprint(want) {
						t.Errorf("%g %s: at %v %v, in the camera's picture at %v %v", degrees, flip, at, got, from, want)
					}
				}
				_ = s.Part.Close()
			}
		}
	}
}

// A turn by any angle shows what the way back says, too.
func TestAnyAngle(t *testing.T) {
	picture := canvas(t, 200, 160, gocv.MatTypeCV8UC3)
	draw(t, &picture, image.Rect(120, 60, 132, 72), white)
	for _, degrees := range []float64{7, -12.5, 100, 181.5} {
		s, err := viewer(t, inspect.Options{ROI: &config.Rect{X: 60, Y: 40, W: 90, H: 70}, Rotate: degrees, Flip: "vertical"}).See(picture)
		if err != nil {
			t.Fatal(err)
		}
		for at, bright := range map[geometry.Point]bool{{X: 126, Y: 66}: true, {X: 122, Y: 62}: true, {X: 130, Y: 70}: true, {X: 115, Y: 66}: false, {X: 137, Y: 66}: false, {X: 126, Y: 78}: false} {
			in := s.From.At(at)
			v := s.Part.GetVecbAt(int(math.Floor(in.Y)), int(math.Floor(in.X)))[0]
			if bright != (v > 200) {
				t.Errorf("%g: the camera's %v is at %v, where there is %d", degrees, at, in, v)
			}
		}
		_ = s.Part.Close()
	}
}

func TestViewerRefused(t *testing.T) {
	roi := &config.Rect{X: 3, Y: 30, W: 60, H: 60}
	for name, o := range map[string]inspect.Options{
		"angle without a region": {Rotate: 2},
		"turned out":             {ROI: roi, Rotate: 20},
		"flip":                   {ROI: roi, Flip: "sideways"},
		"angle":                  {ROI: roi, Rotate: 720},
		"aligned without region": {Align: &config.Align{}},
	} {
		if v, err := inspect.NewViewer(o); err == nil {
			_ = v.Close()
			t.Errorf("%s: no error", name)
		}
	}
}

// Boxes come back to camera pixels however the region is held.
func TestRegionsThroughEveryView(t *testing.T) {
	m := greyModel(t)
	defect := image.Rect(180, 130, 200, 142)
	picture := canvas(t, 400, 360, gocv.MatTypeCV8UC3)
	draw(t, &picture, defect, white)
	for _, degrees := range []float64{0, 90, 180, 5, 94} {
		for _, flip := range []string{"none", "horizontal", "both"} {
			for _, tiles := range []*config.Tiles{nil, {W: 128, H: 128, Overlap: 48}} {
				o := inspect.Options{ROI: &config.Rect{X: 90, Y: 80, W: 192, H: 160}, Rotate: degrees, Flip: flip, Tiles: tiles}
				r := judge(t, inspector(t, m, o), picture, at(0.1))
				if len(r.Regions) != 1 {
					t.Errorf("%g %s %v: %d regions", degrees, flip, tiles, len(r.Regions))
					continue
				}
				const reach = 24
				if got := box(r.Regions[0]); !defect.In(got) || !got.In(defect.Inset(-reach)) {
					t.Errorf("%g %s %v: region %v, the defect %v", degrees, flip, tiles, got, defect)
				}
			}
		}
	}
}

// What is ignored stays on the same camera pixels.
func TestMaskThroughEveryView(t *testing.T) {
	m := greyModel(t)
	picture := canvas(t, 300, 240, gocv.MatTypeCV8UC3)
	draw(t, &picture, image.Rect(100, 100, 120, 120), white)
	roi := &config.Rect{X: 50, Y: 60, W: 200, H: 150}
	whole := maskFile(t, 300, 240, image.Rect(85, 85, 135, 135))
	part := maskFile(t, 200, 150, image.Rect(35, 25, 85, 75))
	elsewhere := maskFile(t, 300, 240, image.Rect(150, 85, 200, 135))
	for _, degrees := range []float64{0, 90, 8, -98} {
		for _, flip := range []string{"none", "vertical"} {
			for _, tiles := range []*config.Tiles{nil, {}} {
				o := inspect.Options{ROI: roi, Rotate: degrees, Flip: flip, Tiles: tiles}
				for mask, hidden := range map[string]bool{"": false, elsewhere: false, whole: true, part: true} {
					o.IgnoreMask = mask
					if r := judge(t, inspector(t, m, o), picture, at(0.1)); hidden != (len(r.Regions) == 0) {
						t.Errorf("%g %s %v mask %q: %d regions", degrees, flip, tiles, mask, len(r.Regions))
					}
				}
			}
		}
	}
}

// People are shown the map upright in the camera's picture.
func TestLookIsUpright(t *testing.T) {
	m := greyModel(t)
	picture := canvas(t, 300, 240, gocv.MatTypeCV8UC3)
	draw(t, &picture, image.Rect(100, 100, 120, 120), white) // a quarter across the field and two thirds down
	for _, degrees := range []float64{0, 90, 270, 4} {
		for _, flip := range []string{"none", "horizontal"} {
			for _, tiles := range []*config.Tiles{nil, {}} {
				i := inspector(t, m, inspect.Options{ROI: &config.Rect{X: 60, Y: 30, W: 200, H: 120}, Rotate: degrees, Flip: flip, Tiles: tiles})
				judge(t, i, picture, nil)
				l, err := i.Look(picture)
				if err != nil {
					t.Fatal(err)
				}
				best := 0
				for n, v := range l.Map {
					if v > l.Map[best] {
						best = n
					}
				}
				at := image.Pt(l.Field.Min.X+best%l.W*l.Field.Dx()/l.W, l.Field.Min.Y+best/l.W*l.Field.Dy()/l.H)
				if !at.In(image.Rect(90, 90, 130, 130)) || len(l.Map) != l.W*l.H {
					t.Errorf("%g %s %v: the map is highest at %v of %v", degrees, flip, tiles, at, l.Field)
				}
				if (tiles == nil) != (len(l.Restored) == 3*l.W*l.H) {
					t.Errorf("%g %s %v: %d values restored", degrees, flip, tiles, len(l.Restored))
				}
			}
		}
	}
}

func TestMapOverIsInCameraPixels(t *testing.T) {
	m := greyModel(t)
	picture := canvas(t, 300, 240, gocv.MatTypeCV8UC3)
	draw(t, &picture, image.Rect(100, 100, 120, 120), white)
	for _, o := range []inspect.Options{
		{ROI: &config.Rect{X: 60, Y: 30, W: 200, H: 120}, Rotate: 90, Flip: "vertical"},
		{ROI: &config.Rect{X: 60, Y: 30, W: 200, H: 120}, Rotate: -5, Tiles: &config.Tiles{}},
	} {
		i := inspector(t, m, o)
		judge(t, i, picture, nil)
		png, err := i.MapOver(picture, at(0.1))
		if err != nil {
			t.Fatal(err)
		}
		drawn, err := gocv.IMDecode(png, gocv.IMReadColor)
		if err != nil {
			t.Fatal(err)
		}
		defer drawn.Close()
		if drawn.Cols() != 300 || drawn.Rows() != 240 {
			t.Fatalf("%dx%d", drawn.Cols(), drawn.Rows())
		}
		hot, cold, outside := drawn.GetVecbAt(101, 101), drawn.GetVecbAt(80, 200), drawn.GetVecbAt(20, 20)
		if hot[2] < hot[0] || cold[0] < cold[2] || fmt.Sprint(outside) != fmt.Sprint(gocv.Vecb{128, 128, 128}) {
			t.Errorf("%+v: at the defect %v, elsewhere %v, outside %v", o, hot, cold, outside)
		}
	}
}
