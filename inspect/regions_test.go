package inspect_test

import (
	"cmp"
	"image"
	"image/color"
	"math"
	"slices"
	"testing"

	"gocv.io/x/gocv"

	"faird/config"
	"faird/inspect"
	"faird/verdict"
)

func box(r verdict.Region) image.Rectangle { return image.Rect(r.X, r.Y, r.X+r.W, r.Y+r.H) }

// Two defects on a grey part, seen through a region of interest.
func TestRegions(t *testing.T) {
	roi := image.Rect(40, 20, 360, 340)
	i := inspector(t, greyModel(t), inspect.Options{ROI: &config.Rect{X: 40, Y: 20, W: 320, H: 320}})
	picture := canvas(t, 400, 360, gocv.MatTypeCV8UC3)
	strong, weak := image.Rect(100, 100, 140, 120), image.Rect(250, 250, 280, 300)
	draw(t, &picture, strong, white)
	draw(t, &picture, weak, color.RGBA{R: 150, G: 150, B: 150})
	draw(t, &picture, image.Rect(0, 0, 30, 10), white) // outside of the region of interest
	r := judge(t, i, picture, at(0.1))
	if len(r.Regions) != 2 {
		t.Fatalf("%d regions: %+v", len(r.Regions), r.Regions)
	}
	if r.Regions[0].Peak != r.Score || r.Regions[1].Peak >= r.Score {
		t.Errorf("peaks %v and %v of score %v", r.Regions[0].Peak, r.Regions[1].Peak, r.Score)
	}
	const reach = 25 // camera pixels: five of the model's, for the gradient, the smaller scale and the mean
	for n, defect := range []image.Rectangle{strong, weak} {
		got := r.Regions[n]
		if !defect.In(box(got)) || !box(got).In(defect.Inset(-reach)) || !box(got).In(roi) {
			t.Errorf("region %d is %v, the defect %v", n, box(got), defect)
		}
		if a := box(got).Dx() * box(got).Dy(); got.Area > a || got.Area < a/3 {
			t.Errorf("region %d: area %d of a box of %d", n, got.Area, a)
		}
		if math.Abs(got.Structure+got.Colour-1) > 1e-12 {
			t.Errorf("region %d: shares %v and %v", n, got.Structure, got.Colour)
		}
	}
}

func TestRegionsOnlyFromTheLevelUp(t *testing.T) {
	i := inspector(t, greyModel(t), inspect.Options{})
	picture := canvas(t, 200, 200, gocv.MatTypeCV8UC3)
	draw(t, &picture, image.Rect(90, 90, 110, 110), white)
	score := judge(t, i, picture, nil).Score
	for _, c := range []struct {
		level *float64
		want  int
	}{{nil, 0}, {at(score), 1}, {at(math.Nextafter(score, 1)), 0}} {
		if r := judge(t, i, picture, c.level); len(r.Regions) != c.want || r.Regions == nil {
			t.Errorf("level %v of score %v: %v", c.level, score, r.Regions)
		}
	}
	if got := judge(t, i, picture, at(score)).Regions[0]; got.W < 1 || got.H < 1 || got.Area < 1 {
		t.Errorf("the smallest region is %+v", got)
	}
}

// A stain of the part's own brightness is colour, a bright edge is structure.
func TestShares(t *testing.T) {
	i := inspector(t, greyModel(t), inspect.Options{})
	picture := canvas(t, 256, 256, gocv.MatTypeCV8UC3)
	draw(t, &picture, image.Rect(40, 40, 60, 60), white)
	bright := judge(t, i, picture, at(0.1)).Regions[0]
	picture = canvas(t, 256, 256, gocv.MatTypeCV8UC3)
	draw(t, &picture, image.Rect(20, 20, 230, 230), color.RGBA{R: 190, G: 100, B: 128})
	stain := judge(t, i, picture, at(0.1)).Regions[0]
	t.Logf("bright: structure %.3f; stain: structure %.3f", bright.Structure, stain.Structure)
	if bright.Structure < 0.95 || stain.Colour < 0.5 {
		t.Errorf("bright square: structure %v; stain: colour %v", bright.Structure, stain.Colour)
	}
}

func TestRegionsAreCapped(t *testing.T) {
	i := inspector(t, greyModel(t), inspect.Options{})
	picture := canvas(t, 2*side, 2*side, gocv.MatTypeCV8UC3)
	for n := range 64 {
		x, y := n%8*16+6, n/8*16+6
		grey := uint8(190 + n)
		draw(t, &picture, image.Rect(x, y, x+2, y+2), color.RGBA{R: grey, G: grey, B: grey})
	}
	r := judge(t, i, picture, at(0.3))
	if len(r.Regions) != 32 {
		t.Fatalf("%d regions", len(r.Regions))
	}
	descending := func(a, b verdict.Region) int { return cmp.Compare(b.Peak, a.Peak) }
	if r.Regions[0].Peak != r.Score || !slices.IsSortedFunc(r.Regions, descending) {
		t.Errorf("score %v, peaks %v to %v are not in order", r.Score, r.Regions[0].Peak, r.Regions[31].Peak)
	}
}
