package inspect_test

import (
	"image"
	"math"
	"path/filepath"
	"testing"

	"github.com/rs/zerolog"
	"gocv.io/x/gocv"

	"faird/config"
	"faird/fair"
	"faird/inspect"
	"faird/model"
	"faird/model/demo/small"
)

// asFused puts a model on the CPU with filter and score in its graph, or not.
func asFused(t *testing.T, f *model.File, fused string, o inspect.Options) *inspect.Inspector {
	t.Helper()
	c := oneCore
	c.Fused = fused
	m, err := inspect.Open(f, c, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close() })
	if err := m.CheckGolden(t.Context()); err != nil {
		t.Errorf("fused %s: %v", fused, err)
	}
	return inspector(t, m, o)
}

// The fused way and that through OpenCV come to the same maps, regions and views:
// as a whole, with an ignore mask, in tiles of which several go at once, and in
// tiles of pictures whose size is not known before.
func TestFusedJudgesAlike(t *testing.T) {
	paper, err := model.Parse(small.Model())
	if err != nil {
		t.Fatal(err)
	}
	t.Run("paper", func(t *testing.T) { judgeAlike(t, paper) })
	t.Run("normalised", func(t *testing.T) { judgeAlike(t, normalised(t, paper)) })
}

// normalised is the model with a score that is measured against what would be good
// images of it.
func normalised(t *testing.T, f *model.File) *model.File {
	t.Helper()
	spec := f.Spec
	spec.Calibration, spec.Golden = nil, nil
	spec.Normal = &fair.Normal{W: 2, H: 2}
	for term, std := range []float32{0.5, 50, 2000} {
		spec.Normal.Mean[term] = []float32{0, std / 10, std / 20, 0}
		spec.Normal.Std[term] = []float32{std, 2 * std, std, std / 2}
	}
	n, err := model.New(f.Bytes(), spec)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func judgeAlike(t *testing.T, f *model.File) {
	mask := gocv.NewMatWithSize(480, 640, gocv.MatTypeCV8UC1)
	defer mask.Close()
	draw(t, &mask, image.Rect(0, 0, 320, 240), white)
	path := save(t, mask, filepath.Join(t.TempDir(), "mask.png"))
	picture := noisy(t, 640, 480)
	draw(t, &picture, image.Rect(60, 80, 160, 140), white)
	draw(t, &picture, image.Rect(400, 300, 480, 400), grey)
	for name, o := range map[string]inspect.Options{
		"whole":       {},
		"mask":        {IgnoreMask: path},
		"tiles":       {ROI: &config.Rect{W: 640, H: 480}, Tiles: &config.Tiles{W: 256, H: 256, Overlap: 64}},
		"tiles, mask": {IgnoreMask: path, Tiles: &config.Tiles{W: 320, H: 320}},
		"any size":    {Tiles: &config.Tiles{W: 320, H: 320}},
	} {
		t.Run(name, func(t *testing.T) {
			plain, fused := asFused(t, f, "off", o), asFused(t, f, "on", o)
			if name == "whole" && (plain.HighPass() == nil || fused.HighPass() != nil) {
				t.Fatal("what should not be fused is, or the other way round")
			}
			want := judge(t, plain, picture, nil)
			level := at(want.Score / 2)
			want, got := judge(t, plain, picture, level), judge(t, fused, picture, level)
			if math.Abs(got.Score-want.Score) > 1e-4 || !(want.Score > 0) {
				t.Errorf("score %v, want %v", got.Score, want.Score)
			}
			near(t, "map", fused.Map(), plain.Map())
			near(t, "restored", fused.Restored(), plain.Restored())
			near(t, "resized", fused.Resized(), plain.Resized())
			if len(got.Regions) != len(want.Regions) || len(want.Regions) == 0 {
				t.Fatalf("regions %+v, want %+v", got.Regions, want.Regions)
			}
			for k, r := range want.Regions {
				if d := got.Regions[k]; math.Abs(d.Peak-r.Peak) > 1e-4 || math.Abs(d.Structure-r.Structure) > 1e-2 {
					t.Errorf("region %+v, want %+v", d, r)
				}
			}
			if look, err := fused.Look(picture); err != nil || len(look.Map) == 0 {
				t.Errorf("look: %v", err)
			}
			if png, err := fused.MapPicture(level); err != nil || len(png) == 0 {
				t.Errorf("map picture: %v", err)
			}
		})
	}
}

func near(t *testing.T, what string, got, want []float32) {
	t.Helper()
	worst := 0.0
	for i := range want {
		worst = max(worst, math.Abs(float64(got[i]-want[i])))
	}
	if t.Logf("%s: %.2g away", what, worst); len(got) != len(want) || !(worst <= 1e-4) {
		t.Errorf("%s: %d values, %g away", what, len(got), worst)
	}
}

// A network that answers with what is no number is found out in a fused graph too.
func TestFusedNotFinite(t *testing.T) {
	f, err := model.New(constant(t, filled(float32(math.NaN()), 3*side*side), side, side), model.Spec{Filter: fair.DefaultFilter(), Scoring: fair.DefaultScoring()})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range []inspect.Options{{}, {Tiles: &config.Tiles{}}} {
		i := asFused(t, f, "on", o)
		var r inspect.Result
		if err := i.Inspect(t.Context(), noisy(t, 100, 100), nil, &r); err == nil {
			t.Errorf("score %v", r.Score)
		}
	}
}

// One tile of the model's size is judged as the whole image is.
func TestNormalisedTile(t *testing.T) {
	f, err := model.Parse(small.Model())
	if err != nil {
		t.Fatal(err)
	}
	f = normalised(t, f)
	picture := noisy(t, f.Width, f.Height)
	draw(t, &picture, image.Rect(f.Width/3, f.Height/3, f.Width/2, f.Height/2), white)
	whole := asFused(t, f, "off", inspect.Options{})
	tile := asFused(t, f, "off", inspect.Options{Tiles: &config.Tiles{W: f.Width, H: f.Height}})
	want, got := judge(t, whole, picture, nil).Score, judge(t, tile, picture, nil).Score
	if !(want > 0) || math.Abs(got-want) > 1e-4*want {
		t.Errorf("a tile scores %v, the whole image %v", got, want)
	}
	near(t, "map", tile.Map(), whole.Map())
}
