package geometry

import (
	"fmt"
	"image"
	"math"
	"testing"
)

// Every point of the camera's picture comes back to where it was, whatever the
// view, and the inspected picture shows the region.
func TestViewsRoundTrip(t *testing.T) {
	region := image.Rect(100, 50, 340, 190) // 240 x 140
	for _, degrees := range []float64{0, 90, 180, 270, -90, 360, 3.5, -12, 45, 93, 200.25} {
		for _, flip := range []Flip{"", Upright, Horizontal, Vertical, Both} {
			for _, shift := range []Point{{}, {10, -7}, {0.25, 3.75}} {
				v := View{Region: region, Degrees: degrees, Flip: flip}
				t.Run(fmt.Sprintf("%g %s %v", degrees, flip, shift), func(t *testing.T) { roundTrip(t, v, shift) })
			}
		}
	}
}

func roundTrip(t *testing.T, v View, shift Point) {
	t.Helper()
	if err := v.Validate(); err != nil {
		t.Fatal(err)
	}
	from := v.From(shift)
	back := from.Inverse()
	for _, p := range []Point{{100, 50}, {340, 190}, {220, 120}, {101.5, 188.25}} {
		if got := back.At(from.At(p)); !near(got, p, 1e-9) {
			t.Errorf("%v comes back to %v", p, got)
		}
	}
	size := v.Size()
	middle := Point{float64(size.X) / 2, float64(size.Y) / 2}
	if got := from.At(Point{220 + shift.X, 120 + shift.Y}); !near(got, middle, 1e-9) {
		t.Errorf("the region's middle comes to lie at %v, want %v", got, middle)
	}
	if area := from.Area(); math.Abs(area-1) > 1e-12 {
		t.Errorf("a pixel's area becomes %v", area)
	}
	inspected := image.Rect(10, 20, 11, 21)
	if box := back.Box(inspected); !box.In(v.Seen(shift)) || from.Box(box).Intersect(inspected) != inspected {
		t.Errorf("%v of the inspected picture is %v of the camera's, seen is %v", inspected, box, v.Seen(shift))
	}
}

// Where a pixel of the region comes to lie, by hand.
func TestViewsTurnAndMirror(t *testing.T) {
	region := image.Rect(10, 20, 14, 22) // 4 x 2
	corner := image.Rect(10, 20, 11, 21) // its top left pixel
	for _, c := range []struct {
		degrees float64
		flip    Flip
		size    image.Point
		want    image.Point // where the pixel is
	}{
		{0, Upright, image.Pt(4, 2), image.Pt(0, 0)},
		{90, Upright, image.Pt(2, 4), image.Pt(1, 0)},
		{180, Upright, image.Pt(4, 2), image.Pt(3, 1)},
		{270, Upright, image.Pt(2, 4), image.Pt(0, 3)},
		{0, Horizontal, image.Pt(4, 2), image.Pt(3, 0)},
		{0, Vertical, image.Pt(4, 2), image.Pt(0, 1)},
		{90, Horizontal, image.Pt(2, 4), image.Pt(0, 0)},
		{90, Vertical, image.Pt(2, 4), image.Pt(1, 3)},
		{180, Both, image.Pt(4, 2), image.Pt(0, 0)},
	} {
		v := View{Region: region, Degrees: c.degrees, Flip: c.flip}
		if got := v.Size(); got != c.size {
			t.Errorf("%g %s: size %v, want %v", c.degrees, c.flip, got, c.size)
		}
		want := image.Rectangle{Min: c.want, Max: c.want.Add(image.Pt(1, 1))}
		if got := v.From(Point{}).Box(corner); got != want {
			t.Errorf("%g %s: the pixel is at %v, want %v", c.degrees, c.flip, got, want)
		}
		if v.Seen(Point{}) != region {
			t.Errorf("%g %s: sees %v", c.degrees, c.flip, v.Seen(Point{}))
		}
	}
}

func TestSeen(t *testing.T) {
	v := View{Region: image.Rect(100, 100, 200, 200)}
	if got := v.Seen(Point{10, -3}); got != v.Region.Add(image.Pt(10, -3)) {
		t.Errorf("moved: %v", got)
	}
	if got := v.Seen(Point{0.25, 0}); got != image.Rect(100, 100, 201, 200) {
		t.Errorf("moved by a quarter of a pixel: %v", got)
	}
	v.Degrees = 45
	if got := v.Seen(Point{}); got != image.Rect(79, 79, 221, 221) { // 150 +- 50 sqrt 2
		t.Errorf("on its corner: %v", got)
	}
}

func TestViewRefused(t *testing.T) {
	for name, v := range map[string]View{
		"empty":    {},
		"far":      {Region: image.Rect(0, 0, 1, 1), Degrees: 361},
		"no angle": {Region: image.Rect(0, 0, 1, 1), Degrees: math.NaN()},
		"flip":     {Region: image.Rect(0, 0, 1, 1), Flip: "sideways"},
	} {
		if v.Validate() == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
