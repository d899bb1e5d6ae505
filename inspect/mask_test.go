package inspect_test

import (
	"context"
	"errors"
	"image"
	"path/filepath"
	"strings"
	"testing"

	"gocv.io/x/gocv"

	"faird/config"
	"faird/inspect"
)

// maskFile writes a mask of w x h in which r is ignored.
func maskFile(t *testing.T, w, h int, r image.Rectangle) string {
	t.Helper()
	mask := gocv.NewMatWithSizeFromScalar(gocv.NewScalar(0, 0, 0, 0), h, w, gocv.MatTypeCV8UC1)
	defer mask.Close()
	draw(t, &mask, r, white)
	return save(t, mask, filepath.Join(t.TempDir(), "mask.png"))
}

func TestIgnoreMask(t *testing.T) {
	m := greyModel(t)
	picture := canvas(t, 300, 240, gocv.MatTypeCV8UC3)
	draw(t, &picture, image.Rect(100, 100, 120, 120), white)
	roi := &config.Rect{X: 50, Y: 60, W: 200, H: 150}
	for _, c := range []struct {
		name string
		o    inspect.Options
	}{
		{"whole picture", inspect.Options{IgnoreMask: maskFile(t, 300, 240, image.Rect(80, 80, 140, 140))}},
		{"region of the whole", inspect.Options{ROI: roi, IgnoreMask: maskFile(t, 300, 240, image.Rect(80, 80, 140, 140))}},
		{"region alone", inspect.Options{ROI: roi, IgnoreMask: maskFile(t, 200, 150, image.Rect(30, 20, 90, 80))}},
	} {
		seen := judge(t, inspector(t, m, inspect.Options{ROI: c.o.ROI}), picture, at(0.1))
		if len(seen.Regions) != 1 {
			t.Fatalf("%s: %d regions without the mask", c.name, len(seen.Regions))
		}
		i := inspector(t, m, c.o)
		hidden := judge(t, i, picture, at(0.0001))
		if hidden.Score > 1e-3 || len(hidden.Regions) != 0 {
			t.Errorf("%s: score %v, regions %v", c.name, hidden.Score, hidden.Regions)
		}
	}
}

// A line of one camera pixel is ignored although the model's pixels are larger.
func TestThinMask(t *testing.T) {
	picture := canvas(t, 10*side, 10*side, gocv.MatTypeCV8UC3)
	i := inspector(t, greyModel(t), inspect.Options{IgnoreMask: maskFile(t, 10*side, 10*side, image.Rect(333, 0, 334, 10*side))})
	draw(t, &picture, image.Rect(330, 100, 340, 110), white) // the model's pixel 33, 10
	judge(t, i, picture, nil)
	for y := range side {
		if v := i.Map()[y*side+33]; v != 0 {
			t.Fatalf("map at 33, %d is %v", y, v)
		}
	}
}

func TestIgnoreMaskRefused(t *testing.T) {
	m := greyModel(t)
	roi := &config.Rect{X: 50, Y: 60, W: 200, H: 150}
	for _, c := range []struct {
		name string
		o    inspect.Options
		says []string
	}{
		{"size", inspect.Options{ROI: roi, IgnoreMask: maskFile(t, 120, 90, image.Rect(0, 0, 5, 5))}, []string{"120x90", "200x150", "mask.png"}},
		{"all", inspect.Options{IgnoreMask: maskFile(t, 50, 50, image.Rect(0, 0, 50, 50))}, []string{"nothing to judge"}},
		{"large", inspect.Options{IgnoreMask: maskFile(t, 50, 50, image.Rect(0, 0, 9, 9)), MaxPixels: 50*50 - 1}, []string{"50x50", "max_pixels"}},
		{"missing", inspect.Options{IgnoreMask: filepath.Join(t.TempDir(), "no.png")}, []string{"ignore mask", "no.png"}},
	} {
		_, err := m.NewInspector(c.o)
		if err == nil {
			t.Fatalf("%s: no error", c.name)
		}
		for _, part := range c.says {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%s: %q does not say %q", c.name, err, part)
			}
		}
	}
}

// A mask of the whole picture fits pictures of that size alone.
func TestIgnoreMaskAsksForItsSize(t *testing.T) {
	i := inspector(t, greyModel(t), inspect.Options{IgnoreMask: maskFile(t, 300, 240, image.Rect(0, 0, 9, 9))})
	var r inspect.Result
	err := i.Inspect(context.Background(), canvas(t, 301, 240, gocv.MatTypeCV8UC3), nil, &r)
	if !errors.Is(err, inspect.ErrPicture) || !strings.Contains(err.Error(), "301x240") || !strings.Contains(err.Error(), "300x240") {
		t.Errorf("got %v", err)
	}
}
