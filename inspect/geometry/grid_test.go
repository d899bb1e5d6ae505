package geometry

import (
	"image"
	"math"
	"strings"
	"testing"
)

func TestGridsCover(t *testing.T) {
	for _, c := range []struct {
		length, tile, small, overlap int
		count                        int
	}{
		{256, 256, 256, 64, 1},
		{257, 256, 256, 64, 2},
		{448, 256, 256, 64, 2},
		{449, 256, 256, 64, 3},
		{1000, 100, 100, 0, 10},
		{1001, 100, 100, 0, 11},
		{1000, 100, 256, 50, 19},
		{4096, 500, 128, 100, 10},
		{99, 64, 32, 32, 3},
	} {
		a, err := newAxis(c.length, c.tile, c.small, c.overlap)
		if err != nil {
			t.Errorf("%+v: %v", c, err)
			continue
		}
		if len(a.Starts) != c.count || a.Starts[0] != 0 || a.Starts[c.count-1]+c.tile != c.length {
			t.Errorf("%+v: starts %v", c, a.Starts)
		}
		for i := 1; i < len(a.Starts); i++ {
			if a.Starts[i-1]+c.tile-a.Starts[i] < c.overlap {
				t.Errorf("%+v: tiles %d and %d overlap too little: %v", c, i-1, i, a.Starts)
			}
		}
		if want := float64(c.length) * float64(c.small) / float64(c.tile); math.Abs(float64(a.Length)-want) > 1 {
			t.Errorf("%+v: the map has %d, want %g", c, a.Length, want)
		}
		weighsOne(t, a)
	}
}

func weighsOne(t *testing.T, a Axis) {
	t.Helper()
	sum := make([]float64, a.Length)
	for i, place := range a.Places {
		for x, w := range a.Weights[i] {
			if w < 0 || w > 1 {
				t.Errorf("weight %v", w)
			}
			sum[place+x] += float64(w)
		}
	}
	for x, s := range sum {
		if math.Abs(s-1) > 1e-5 {
			t.Fatalf("the weights at %d of %d are %v together", x, a.Length, s)
		}
	}
}

// A tile counts least where its neighbour knows better.
func TestWeightsFallTowardsANeighbour(t *testing.T) {
	a, err := newAxis(200, 128, 128, 56)
	if err != nil {
		t.Fatal(err)
	}
	first, second := a.Weights[0], a.Weights[1]
	if first[0] != 1 || first[71] != 1 || first[127] > 0.01 || second[0] > 0.01 || second[127] != 1 {
		t.Errorf("first %v %v %v, second %v %v", first[0], first[71], first[127], second[0], second[127])
	}
	if m := first[100]; math.Abs(float64(m)-0.5) > 0.02 {
		t.Errorf("in the middle of the overlap %v", m)
	}
}

// Tiles cut out of one picture make that picture up again.
func TestBlendPutsTogether(t *testing.T) {
	g, err := NewGrid(image.Pt(301, 130), image.Pt(64, 50), image.Pt(64, 50), 16)
	if err != nil {
		t.Fatal(err)
	}
	if g.Size() != image.Pt(301, 130) || g.FromMap() != Identity() {
		t.Fatalf("size %v", g.Size())
	}
	value := func(x, y int) float32 { return float32(x) + 1000*float32(y) }
	whole := make([]float32, 301*130)
	for n := range g.Tiles() {
		r := g.Tile(n)
		if r != g.Place(n) {
			t.Errorf("tile %d at %v lies at %v in the map", n, r, g.Place(n))
		}
		tile := make([]float32, 64*50)
		for y := range 50 {
			for x := range 64 {
				tile[y*64+x] = value(r.Min.X+x, r.Min.Y+y)
			}
		}
		g.Blend(n, tile, whole)
	}
	for y := range 130 {
		for x := range 301 {
			if got := whole[y*301+x]; math.Abs(float64(got-value(x, y))) > 0.1 {
				t.Fatalf("at %d, %d: %v, want %v", x, y, got, value(x, y))
			}
		}
	}
}

func TestGridRefused(t *testing.T) {
	for _, c := range []struct {
		picture, tile, small image.Point
		overlap              int
		says                 string
	}{
		{image.Pt(100, 200), image.Pt(128, 128), image.Pt(128, 128), 8, "across: a tile of 128 pixels is larger than the picture, 100"},
		{image.Pt(200, 100), image.Pt(128, 128), image.Pt(128, 128), 8, "down: a tile of 128 pixels is larger than the picture, 100"},
		{image.Pt(200, 200), image.Pt(128, 128), image.Pt(128, 128), 65, "an overlap of 65 pixels"},
		{image.Pt(200, 200), image.Pt(0, 128), image.Pt(128, 128), 0, "holds nothing"},
		{image.Pt(20000, 20000), image.Pt(64, 64), image.Pt(64, 64), 32, "at most 4096"},
	} {
		if _, err := NewGrid(c.picture, c.tile, c.small, c.overlap); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%v: %v, want %q", c, err, c.says)
		}
	}
}
