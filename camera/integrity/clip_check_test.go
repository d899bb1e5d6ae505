package integrity

import (
	"math"
	"os"
	"testing"
)

// Concealment shows: every square of every image, the numbers aside, differs
// from the same square of each of the five images before by more than any good
// image may.
func TestNothingCanBeConcealed(t *testing.T) {
	for _, s := range []spec{
		{codec: "mjpeg", images: 30},
		{codec: "h264", images: 60},
		{codec: "h264", style: "bframes", images: 60},
		{codec: "h264", style: "slices", images: 60},
		{codec: "h264", style: "intra-refresh", images: 60},
		{codec: "h265", images: 60},
		{codec: "h265", style: "bframes", images: 60},
		{codec: "h265", style: "slices", images: 60},
	} {
		t.Run(s.String(), func(t *testing.T) {
			c := library.get(t, s)
			info, err := os.Stat(c.path)
			if err != nil {
				t.Fatal(err)
			}
			least := math.MaxFloat64
			for i := 1; i < c.images; i++ {
				for age := 1; age < min(period, i+1); age++ {
					least = min(least, leastDifference(t, c, i, i-age))
				}
			}
			t.Logf("%d bytes an image; squares differ by at least %.1f", int(info.Size())/c.images, least)
			if least < 1.5*tolerance {
				t.Errorf("squares of successive images differ by %.1f only, and a good image may by %v", least, tolerance)
			}
		})
	}
}

// leastDifference looks at every square that holds no part of the number.
func leastDifference(t *testing.T, c *clip, i, k int) float64 {
	t.Helper()
	a, err := c.reference(uint16(i))
	if err != nil {
		t.Fatal(err)
	}
	b, err := c.reference(uint16(k))
	if err != nil {
		t.Fatal(err)
	}
	least := math.MaxFloat64
	eachSquare(a, b, c.width, c.height, func(d difference) {
		if !inBand(d.y, c.width, c.height) {
			least = min(least, d.mean)
		}
	})
	return least
}

func inBand(y, width, height int) bool {
	cell := width / codeBits
	for _, top := range bands(height, cell) {
		if y+square > top && y < top+cell {
			return true
		}
	}
	return false
}
