package pipeline

import (
	"context"
	"errors"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"faird/config"
	"faird/publish"
	"faird/verdict"
)

// shapes is a folder with one 96x64 picture: grey, with two white squares and a
// cross, all moved by dx.
func shapes(t *testing.T, dx int) string {
	t.Helper()
	dir := t.TempDir()
	m := image.NewGray(image.Rect(0, 0, 96, 64))
	for y := range 64 {
		for x := range 96 {
			at := image.Pt(x-dx, y)
			v := uint8(128)
			switch {
			case at.In(image.Rect(16, 16, 24, 24)): // in region left
				v = 255
			case at.In(image.Rect(60, 16, 64, 19)): // in region right: smaller
				v = 220
			case at.In(image.Rect(44, 40, 46, 56)), at.In(image.Rect(38, 47, 52, 49)): // the mark
				v = 30
			}
			m.SetGray(x, y, color.Gray{Y: v})
		}
	}
	f, err := os.Create(filepath.Join(dir, "0.png"))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(png.Encode(f, m), f.Close()); err != nil {
		t.Fatal(err)
	}
	return dir
}

func twoRegions(t *testing.T, dir string) config.Station {
	t.Helper()
	path := filepath.Join(t.TempDir(), "m.onnx")
	s := station("a", writeModel(t, path, 0.5, 10), dir)
	other := writeModel(t, filepath.Join(t.TempDir(), "o.onnx"), 0.6, 10)
	s.Regions = []config.Region{
		{Name: "left", ROI: &config.Rect{X: 8, Y: 8, W: 32, H: 32}},
		{Name: "right", Model: other, ROI: &config.Rect{X: 48, Y: 8, W: 32, H: 32}, Rotate: 90},
	}
	return s
}

func at(v float64) *float64 { return &v }

// Each region has a model and thresholds of its own; the verdict is the worst's.
func TestSeveralRegions(t *testing.T) {
	b, out := newTestBox(t)
	s := twoRegions(t, shapes(t, 0))
	mustApply(t, b, s)
	v := out.next(t, "a")
	if v.Verdict != verdict.Pass || len(v.Inspected) != 2 || v.Inspected[0].Region != "left" || v.Inspected[1].Region != "right" || v.Inspected[0].Model == v.Inspected[1].Model {
		t.Fatalf("got %+v", v)
	}
	left, right := v.Inspected[0].Score, v.Inspected[1].Score
	for _, c := range []struct {
		name        string
		left, right float64 // thresholds
		review      *float64
		want        verdict.Kind
		decides     int // which region
		defects     string
	}{
		{"left fails", left / 2, right * 2, nil, verdict.Fail, 0, "left"},
		{"right fails", left * 2, right / 2, nil, verdict.Fail, 1, "right"},
		{"both fail", left / 3, right / 2, nil, verdict.Fail, 0, "both"},
		{"right is reviewed", left * 1.01, right * 9, at(right / 2), verdict.Review, 1, "right"},
	} {
		next := s
		next.Regions = append([]config.Region{}, s.Regions...)
		next.Regions[0].Threshold, next.Regions[1].Threshold, next.Regions[1].Review = at(c.left), at(c.right), c.review
		before := b.station("a")
		mustApply(t, b, next)
		if b.station("a") != before {
			t.Errorf("%s: the station was started again", c.name)
		}
		var v *verdict.Verdict
		until(t, c.name, func() bool {
			v = out.next(t, "a")
			return v.Inspected[0].Threshold == c.left && v.Inspected[1].Threshold == c.right
		})
		decides := v.Inspected[c.decides]
		if v.Verdict != c.want || *v.Score != decides.Score || *v.Threshold != decides.Threshold || v.Model != decides.Model || decides.Verdict != c.want {
			t.Errorf("%s: got %+v", c.name, v)
		}
		seen := map[string]bool{}
		for _, r := range v.Regions {
			seen[r.In] = true
			if place := next.Regions[map[string]int{"left": 0, "right": 1}[r.In]].ROI; !image.Rect(r.X, r.Y, r.X+r.W, r.Y+r.H).In(image.Rect(place.X, place.Y, place.X+place.W, place.Y+place.H)) {
				t.Errorf("%s: %+v is outside of its region", c.name, r)
			}
		}
		if (c.defects == "both") != (seen["left"] && seen["right"]) || c.defects != "both" && !seen[c.defects] {
			t.Errorf("%s: defects in %v", c.name, seen)
		}
	}
	if st := b.station("a").State(); st.Threshold != nil || st.ThresholdFrom != "" || !st.Ready {
		t.Errorf("state %+v", st)
	}
}

// Models are shared between regions, and let go with the station.
func TestRegionsShareModels(t *testing.T) {
	b, out := newTestBox(t)
	s := twoRegions(t, shapes(t, 0))
	s.Regions[1].Model = ""
	mustApply(t, b, s)
	v := out.next(t, "a")
	if n, users := b.models.cache.Len(), b.models.cache.Claims(v.Model); n != 1 || users != 2 {
		t.Errorf("%d models are loaded, the region's is used %d times", n, users)
	}
	stopBox(t, b)
	if n := b.models.cache.Len(); n != 0 {
		t.Errorf("%d models are loaded after the stop", n)
	}
}

func TestRegionsTakeNoCommandsOfTheWhole(t *testing.T) {
	b, out := newTestBox(t)
	s := twoRegions(t, shapes(t, 0))
	mustApply(t, b, s)
	out.next(t, "a")
	for _, c := range []publish.Command{{Command: publish.CommandThreshold, Threshold: given(1)}, {Command: publish.CommandModel, Model: s.Model}} {
		if reply := b.Command(context.Background(), "a", c); reply.OK || !strings.Contains(reply.Error, "several regions") {
			t.Errorf("%s: %+v", c.Command, reply)
		}
	}
}

// A part off its place is followed; one too far off is not read.
func TestAlignedRegions(t *testing.T) {
	b, out := newTestBox(t)
	s := twoRegions(t, shapes(t, 0))
	s.Align = &config.Align{Reference: filepath.Join(shapes(t, 0), "0.png"), Mark: config.Rect{X: 36, Y: 38, W: 18, H: 20}, Search: 8, MinMatch: 0.6}
	mustApply(t, b, s)
	want := out.next(t, "a")
	if a := want.Alignment; a == nil || a.X != 0 || a.Y != 0 || a.Match < 0.99 {
		t.Fatalf("alignment %+v of %+v", a, want)
	}
	s.Camera.URL = "file://" + shapes(t, 6) + "?loop=true&rate=20"
	mustApply(t, b, s)
	var v *verdict.Verdict
	until(t, "the moved part", func() bool { v = out.next(t, "a"); return v.Alignment != nil && v.Alignment.X == 6 })
	for n := range v.Inspected {
		if v.Inspected[n] != want.Inspected[n] {
			t.Errorf("moved %+v, in place %+v", v.Inspected[n], want.Inspected[n])
		}
	}
	s.Camera.URL = "file://" + shapes(t, 9) + "?loop=true&rate=20"
	mustApply(t, b, s)
	until(t, "the part too far off", func() bool { v = out.next(t, "a"); return v.Verdict == verdict.NoRead })
	if v.Reason != verdict.InvalidPicture || !strings.Contains(v.Detail, "9.0, 0.0 pixels off") || v.Fault == nil || v.Fault.Check != verdict.Shift || v.Alignment != nil {
		t.Errorf("got %+v, fault %+v", v, v.Fault)
	}
}

// What cannot be is found before anything changes, and named.
func TestBadGeometryChangesNothing(t *testing.T) {
	b, out := newTestBox(t)
	s := twoRegions(t, shapes(t, 0))
	mustApply(t, b, s)
	before := out.next(t, "a")
	flat := &config.Align{Reference: filepath.Join(shapes(t, 0), "0.png"), Mark: config.Rect{X: 70, Y: 45, W: 12, H: 12}, Search: 5, MinMatch: 0.6}
	for name, c := range map[string]struct {
		change func(*config.Station)
		says   string
	}{
		"flat mark": {func(s *config.Station) { s.Align = flat }, "it is flat"},
		"tiles too large": {func(s *config.Station) {
			s.Regions[0].ROI = &config.Rect{W: 20, H: 40}
			s.Regions[0].Tiles = &config.Tiles{}
		}, "region left: tiles of 32x32 pixels on a picture of 20x40"},
		"missing model":    {func(s *config.Station) { s.Regions[1].Model = "none.onnx" }, "station a, region right"},
		"missing mask":     {func(s *config.Station) { s.Regions[1].IgnoreMask = "none.png" }, "station a, region right: ignore_mask"},
		"missing referent": {func(s *config.Station) { s.Align = &config.Align{Reference: "none.png", Search: 5} }, "station a: align.reference"},
	} {
		next := s
		next.Regions = append([]config.Region{}, s.Regions...)
		c.change(&next)
		if err := apply(t, b, next); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
	}
	if v := out.next(t, "a"); *v.Score != *before.Score {
		t.Errorf("score %v, before %v", *v.Score, *before.Score)
	}
}

// A region that the camera's picture does not hold is a no_read that names it.
func TestRegionOutsideThePicture(t *testing.T) {
	b, out := newTestBox(t)
	s := twoRegions(t, shapes(t, 0))
	s.Regions[1].ROI = &config.Rect{X: 70, Y: 8, W: 40, H: 32}
	mustApply(t, b, s)
	v := out.next(t, "a")
	if v.Reason != verdict.InvalidPicture || !strings.Contains(v.Detail, "region right") || !strings.Contains(v.Detail, "it is 96x64, the region of interest needs at least 110x40") {
		t.Errorf("got %+v", v)
	}
}
