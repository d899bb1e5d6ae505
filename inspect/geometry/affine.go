package geometry

import (
	"image"
	"math"
)

// Point is a place in a picture, in pixels.
type Point struct{ X, Y float64 }

// Affine maps x to A x + B y + C and y to D x + E y + F.
type Affine struct{ A, B, C, D, E, F float64 }

// Identity leaves every point where it is.
func Identity() Affine { return Affine{A: 1, E: 1} }

// Move shifts points.
func Move(x, y float64) Affine { return Affine{A: 1, C: x, E: 1, F: y} }

// Scale stretches from the origin.
func Scale(x, y float64) Affine { return Affine{A: x, E: y} }

// Turn turns about the origin, clockwise as one sees the picture. Quarter turns
// are exact.
func Turn(degrees float64) Affine {
	s, c := sincos(degrees)
	return Affine{A: c, B: -s, D: s, E: c}
}

// sincos is exact at multiples of 90 degrees.
func sincos(degrees float64) (s, c float64) {
	if quarter, ok := quarters(degrees); ok {
		return [4]float64{0, 1, 0, -1}[quarter], [4]float64{1, 0, -1, 0}[quarter]
	}
	return math.Sincos(degrees * math.Pi / 180)
}

// quarters counts the quarter turns, 0 to 3; false for any other angle.
func quarters(degrees float64) (int, bool) {
	q := degrees / 90
	if q != math.Trunc(q) {
		return 0, false
	}
	return int(math.Mod(math.Mod(q, 4)+4, 4)), true
}

// Then is a followed by b.
func (a Affine) Then(b Affine) Affine {
	return Affine{
		A: b.A*a.A + b.B*a.D, B: b.A*a.B + b.B*a.E, C: b.A*a.C + b.B*a.F + b.C,
		D: b.D*a.A + b.E*a.D, E: b.D*a.B + b.E*a.E, F: b.D*a.C + b.E*a.F + b.F,
	}
}

// Area is how much larger areas become.
func (a Affine) Area() float64 { return math.Abs(a.A*a.E - a.B*a.D) }

// Inverse is the way back. A map that flattens everything has none and gives
// the zero Affine; none of this package's own does.
func (a Affine) Inverse() Affine {
	d := a.A*a.E - a.B*a.D
	if d == 0 {
		return Affine{}
	}
	return Affine{
		A: a.E / d, B: -a.B / d, C: (a.B*a.F - a.C*a.E) / d,
		D: -a.D / d, E: a.A / d, F: (a.C*a.D - a.A*a.F) / d,
	}
}

// At is where a point comes to lie.
func (a Affine) At(p Point) Point {
	return Point{a.A*p.X + a.B*p.Y + a.C, a.D*p.X + a.E*p.Y + a.F}
}

// grain is what rounding may cost, in pixels: far above the error of a few
// float64 operations, far below what anyone can see.
const grain = 1e-6

// Box is the smallest rectangle of whole pixels that holds all of r.
func (a Affine) Box(r image.Rectangle) image.Rectangle {
	low, high := a.extent(r)
	return image.Rect(
		int(math.Floor(low.X+grain)), int(math.Floor(low.Y+grain)),
		int(math.Ceil(high.X-grain)), int(math.Ceil(high.Y-grain)))
}

// extent is the upright box around r's image.
func (a Affine) extent(r image.Rectangle) (low, high Point) {
	low, high = Point{math.Inf(1), math.Inf(1)}, Point{math.Inf(-1), math.Inf(-1)}
	for _, c := range [4]image.Point{r.Min, {X: r.Max.X, Y: r.Min.Y}, {X: r.Min.X, Y: r.Max.Y}, r.Max} {
		p := a.At(Point{float64(c.X), float64(c.Y)})
		low.X, low.Y = math.Min(low.X, p.X), math.Min(low.Y, p.Y)
		high.X, high.Y = math.Max(high.X, p.X), math.Max(high.Y, p.Y)
	}
	return low, high
}

// Within is Box cut to a picture, of one pixel at least: what rounding leaves
// of a box at the picture's edge.
func (a Affine) Within(r, picture image.Rectangle) image.Rectangle {
	box := a.Box(r)
	x, y := held(box.Min.X, picture.Min.X, picture.Max.X-1), held(box.Min.Y, picture.Min.Y, picture.Max.Y-1)
	return image.Rect(x, y, held(box.Max.X, x+1, picture.Max.X), held(box.Max.Y, y+1, picture.Max.Y))
}

func held(v, low, high int) int { return max(low, min(v, high)) }
