package integrity

import "testing"

// Images are compared in squares of this size: the smallest unit of any codec
// here.
const square = 8

// tolerance is how far a square of a good image may be from the reference, as
// the mean absolute difference over its pixels and channels. Decoders agree to
// the bit, but for JPEG, whose inverse transform may round differently;
// conversions to BGR differ in how they interpolate colour.
const tolerance = 3.5

// difference is the square in which two images differ most.
type difference struct {
	mean float64
	x, y int // pixels
}

// worst compares two BGR images of one size.
func worst(a, b []byte, width, height int) (worst difference) {
	eachSquare(a, b, width, height, func(d difference) {
		if d.mean > worst.mean {
			worst = d
		}
	})
	return worst
}

func eachSquare(a, b []byte, width, height int, visit func(difference)) {
	sums := make([]int, (width+square-1)/square)
	for top := 0; top < height; top += square {
		clear(sums)
		rows := min(square, height-top)
		for y := top; y < top+rows; y++ {
			addRow(sums, a[3*y*width:3*(y+1)*width], b[3*y*width:3*(y+1)*width])
		}
		for i, sum := range sums {
			pixels := rows * min(square, width-i*square)
			visit(difference{float64(sum) / float64(3*pixels), i * square, top})
		}
	}
}

// addRow adds the absolute differences of a row to the sums of its squares.
func addRow(sums []int, a, b []byte) {
	for i := range sums {
		end := min(3*square*(i+1), len(a))
		for k := 3 * square * i; k < end; k++ {
			delta := int(a[k]) - int(b[k])
			sums[i] += max(delta, -delta)
		}
	}
}

func TestWorst(t *testing.T) {
	const width, height = 40, 20 // neither is a multiple of the square
	a, b := make([]byte, 3*width*height), make([]byte, 3*width*height)
	if d := worst(a, b, width, height); d.mean != 0 {
		t.Errorf("equal images differ by %v", d)
	}
	b[3*(19*width+39)] = 96 // one channel of one pixel of a square of 8x4
	if d := worst(a, b, width, height); d != (difference{1, 32, 16}) {
		t.Errorf("difference %v", d)
	}
}
