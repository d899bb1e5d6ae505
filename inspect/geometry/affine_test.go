package geometry

import (
	"image"
	"math"
	"testing"
)

func near(a, b Point, within float64) bool {
	return math.Abs(a.X-b.X) <= within && math.Abs(a.Y-b.Y) <= within
}

func TestTurnIsClockwise(t *testing.T) {
	for degrees, want := range map[float64]Point{0: {1, 0}, 90: {0, 1}, 180: {-1, 0}, 270: {0, -1}, -90: {0, -1}, 360: {1, 0}, -180: {-1, 0}} {
		if got := Turn(degrees).At(Point{1, 0}); got != want {
			t.Errorf("right, turned by %g: %v, want %v exactly", degrees, got, want)
		}
	}
	if got := Turn(30).At(Point{1, 0}); !near(got, Point{math.Sqrt(3) / 2, 0.5}, 1e-12) {
		t.Errorf("30 degrees: %v", got)
	}
}

func TestThenAndInverse(t *testing.T) {
	a := Move(3, -7).Then(Turn(33)).Then(Scale(2, -0.5)).Then(Move(-100, 4))
	p := Point{12.5, -3.25}
	step := Move(-100, 4).At(Scale(2, -0.5).At(Turn(33).At(Move(3, -7).At(p))))
	if got := a.At(p); !near(got, step, 1e-9) {
		t.Errorf("in one step %v, in four %v", got, step)
	}
	if back := a.Inverse().At(a.At(p)); !near(back, p, 1e-9) {
		t.Errorf("there and back: %v, want %v", back, p)
	}
	if got := a.Area(); math.Abs(got-1) > 1e-12 {
		t.Errorf("area grows by %v, want 1", got)
	}
	if (Affine{}).Inverse() != (Affine{}) {
		t.Error("what has no way back has one")
	}
}

func TestBoxHoldsWholePixels(t *testing.T) {
	for _, c := range []struct {
		name string
		a    Affine
		want image.Rectangle
	}{
		{"as it is", Identity(), image.Rect(2, 3, 5, 9)},
		{"grown", Scale(1.5, 1.5), image.Rect(3, 4, 8, 14)},
		{"a third of three", Scale(1.0/3, 1.0/3).Then(Scale(3, 3)), image.Rect(2, 3, 5, 9)},
		{"turned", Turn(90), image.Rect(-9, 2, -3, 5)},
		{"mirrored", Scale(-1, 1), image.Rect(-5, 3, -2, 9)},
	} {
		if got := c.a.Box(image.Rect(2, 3, 5, 9)); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestWithinKeepsAPixel(t *testing.T) {
	picture := image.Rect(10, 10, 20, 20)
	for r, want := range map[image.Rectangle]image.Rectangle{
		image.Rect(12, 13, 15, 16): image.Rect(12, 13, 15, 16),
		image.Rect(0, 13, 15, 40):  image.Rect(10, 13, 15, 20),
		image.Rect(20, 5, 25, 8):   image.Rect(19, 10, 20, 11),
		image.Rect(0, 0, 5, 5):     image.Rect(10, 10, 11, 11),
	} {
		if got := Identity().Within(r, picture); got != want {
			t.Errorf("%v: %v, want %v", r, got, want)
		}
	}
}
