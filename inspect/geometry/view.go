package geometry

import (
	"fmt"
	"image"
	"math"
)

// Flip mirrors a picture.
type Flip string

// Flips. Horizontal swaps left and right, Vertical top and bottom.
const (
	Upright    Flip = "none"
	Horizontal Flip = "horizontal"
	Vertical   Flip = "vertical"
	Both       Flip = "both"
)

// View is what the inspected picture shows: a region of the camera's picture,
// turned about its centre and then mirrored.
type View struct {
	Region  image.Rectangle // camera pixels, before the turn
	Degrees float64         // clockwise, as one sees it
	Flip    Flip            // "" is Upright
}

// Validate says what is wrong with the view.
func (v View) Validate() error {
	switch {
	case v.Region.Empty():
		return fmt.Errorf("region of %dx%d pixels holds no picture", v.Region.Dx(), v.Region.Dy())
	case math.IsNaN(v.Degrees) || math.Abs(v.Degrees) > 360:
		return fmt.Errorf("rotation of %g degrees: give -360 to 360", v.Degrees)
	}
	switch v.Flip {
	case "", Upright, Horizontal, Vertical, Both:
		return nil
	}
	return fmt.Errorf("flip %q is not known: none, horizontal, vertical or both", v.Flip)
}

// Quarters counts the quarter turns, 0 to 3, where the turn consists of such
// alone: then no pixel lies between two others.
func (v View) Quarters() (int, bool) { return quarters(v.Degrees) }

// Size is that of the inspected picture: the region's, its sides swapped where
// it lies on its side, that is nearer to 90 or 270 degrees than to 0 or 180.
func (v View) Size() image.Point {
	size := v.Region.Size()
	if s, c := sincos(v.Degrees); math.Abs(s) > math.Abs(c) {
		size.X, size.Y = size.Y, size.X
	}
	return size
}

// From is the way from camera pixels to the inspected picture, for a part that
// lies off its place by shift, in camera pixels.
func (v View) From(shift Point) Affine {
	size := v.Size()
	x, y := v.centre()
	return Move(-x-shift.X, -y-shift.Y).
		Then(Turn(v.Degrees)).
		Then(v.mirror()).
		Then(Move(float64(size.X)/2, float64(size.Y)/2))
}

func (v View) centre() (x, y float64) {
	return float64(v.Region.Min.X+v.Region.Max.X) / 2, float64(v.Region.Min.Y+v.Region.Max.Y) / 2
}

func (v View) mirror() Affine {
	x, y := 1.0, 1.0
	if v.Flip == Horizontal || v.Flip == Both {
		x = -1
	}
	if v.Flip == Vertical || v.Flip == Both {
		y = -1
	}
	return Scale(x, y)
}

// Seen is the smallest rectangle of camera pixels that holds everything the
// inspected picture shows.
func (v View) Seen(shift Point) image.Rectangle {
	return v.From(shift).Inverse().Box(image.Rectangle{Max: v.Size()})
}
