package inspect_test

import (
	"context"
	"errors"
	"image"
	"math"
	"strings"
	"testing"

	"github.com/rs/zerolog"
	"gocv.io/x/gocv"

	"faird/config"
	"faird/inspect"
	"faird/model"
	"faird/model/demo"
)

// A defect scores the same wherever it lies: in a tile, on a seam between two,
// where four meet, at the border of the overlap.
func TestDefectOnASeam(t *testing.T) {
	m := greyModel(t)
	picture := canvas(t, 400, 300, gocv.MatTypeCV8UC3)
	i := inspector(t, m, inspect.Options{Tiles: &config.Tiles{Overlap: 24}}) // of 64 at 0, 37, 74, 112, ...
	score := func(x, y int) float64 {
		defect := image.Rect(x, y, x+12, y+8)
		draw(t, &picture, defect, white)
		r := judge(t, i, picture, at(0.1))
		if len(r.Regions) != 1 || !defect.In(box(r.Regions[0]).Inset(-1)) || !box(r.Regions[0]).In(defect.Inset(-8)) {
			t.Errorf("at %d, %d: regions %+v", x, y, r.Regions)
		}
		draw(t, &picture, defect.Inset(-1), grey)
		return r.Score
	}
	want := score(20, 20)
	worst := 0.0
	for x := 20; x < 340; x += 11 {
		for _, y := range []int{20, 40, 57} {
			got := score(x, y)
			worst = max(worst, math.Abs(got-want)/want)
		}
	}
	t.Logf("score %.4f, at most %.2f%% off", want, 100*worst)
	if worst > 0.02 {
		t.Errorf("the score depends on the place by %.1f%%", 100*worst)
	}
}

// One tile as large as the picture is the picture.
func TestOneTileIsTheWhole(t *testing.T) {
	m := greyModel(t)
	picture := noisy(t, 3*side, 2*side)
	for _, o := range []inspect.Options{{}, {ROI: &config.Rect{X: 5, Y: 7, W: side, H: side}}} {
		want := inspector(t, m, o)
		w, h := 3*side, 2*side
		if o.ROI != nil {
			w, h = side, side
		}
		o.Tiles = &config.Tiles{W: w, H: h}
		got := inspector(t, m, o)
		a, b := judge(t, want, picture, at(0.05)), judge(t, got, picture, at(0.05))
		if a.Score != b.Score || len(a.Regions) != len(b.Regions) || a.Regions[0] != b.Regions[0] {
			t.Errorf("%+v: score %v and %d regions, as one picture %v and %d", o, b.Score, len(b.Regions), a.Score, len(a.Regions))
		}
	}
}

// The score is the maximum of the map that the tiles make up, and tiles in
// batches are as tiles one by one.
func TestTilesInBatches(t *testing.T) {
	m := greyModel(t)
	picture := noisy(t, 330, 250)
	single := inspector(t, m, inspect.Options{Tiles: &config.Tiles{}})
	batch := inspector(t, m, inspect.Options{ROI: &config.Rect{W: 330, H: 250}, Tiles: &config.Tiles{}})
	a, b := judge(t, single, picture, nil), judge(t, batch, picture, nil)
	if a.Score != b.Score {
		t.Errorf("score %v one by one, %v in batches", a.Score, b.Score)
	}
	w, h := batch.MapSize()
	peak := float32(0)
	for _, v := range batch.Map() {
		peak = max(peak, v)
	}
	if w != 330 || h != 250 || float64(peak) != b.Score {
		t.Errorf("map of %dx%d, at most %v, score %v", w, h, peak, b.Score)
	}
	smaller := noisy(t, 200, 128) // of another size than the last
	if r := judge(t, single, smaller, nil); !(r.Score > 0) {
		t.Errorf("score %v", r.Score)
	}
	if a := judge(t, single, picture, nil); a.Score != b.Score {
		t.Errorf("score %v after a picture of another size, %v before", a.Score, b.Score)
	}
}

func TestTilesRefused(t *testing.T) {
	m := greyModel(t)
	roi := &config.Rect{W: 100, H: 50}
	for name, o := range map[string]inspect.Options{
		"larger than the region": {ROI: roi, Tiles: &config.Tiles{}},
		"overlap":                {ROI: roi, Tiles: &config.Tiles{W: 40, H: 40, Overlap: 30}},
		"all ignored":            {Tiles: &config.Tiles{}, IgnoreMask: maskFile(t, 100, 100, image.Rect(0, 0, 100, 100))},
	} {
		if i, err := m.NewInspector(o); err == nil {
			_ = i.Close()
			t.Errorf("%s: no error", name)
		}
	}
	i := inspector(t, m, inspect.Options{Tiles: &config.Tiles{}})
	var r inspect.Result
	err := i.Inspect(context.Background(), canvas(t, 60, 100, gocv.MatTypeCV8UC3), nil, &r)
	if !errors.Is(err, inspect.ErrPicture) || !strings.Contains(err.Error(), "a tile of 64 pixels is larger than the picture, 60") {
		t.Errorf("got %v", err)
	}
	if i.Map() != nil || i.Restored() != nil || i.Resized() != nil {
		t.Error("views of nothing")
	}
}

// The same with a trained network, which knows less of a defect that a tile's
// edge cuts: where that is, its neighbour's map is the one that counts.
func TestDefectOnASeamWithATrainedNetwork(t *testing.T) {
	file, err := model.Parse(demo.Model())
	if err != nil {
		t.Fatal(err)
	}
	m, err := inspect.Open(file, oneCore, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close() })
	const overlap = 16
	step := file.Width - overlap // tiles are at 0, step and 2 step, seams where they overlap
	picture := canvas(t, file.Width+2*step, file.Height, gocv.MatTypeCV8UC3)
	i := inspector(t, m, inspect.Options{ROI: &config.Rect{W: file.Width + 2*step, H: file.Height}, Tiles: &config.Tiles{Overlap: overlap}})
	score := func(x int) float64 {
		defect := image.Rect(x, file.Height/2-8, x+10, file.Height/2+4)
		draw(t, &picture, defect, white)
		defer draw(t, &picture, defect, grey)
		return judge(t, i, picture, nil).Score
	}
	middle := score(file.Width/2 - 5)
	least := middle
	for _, seam := range []int{step, 2 * step} {
		for _, x := range []int{seam - 16, seam - 9, seam - 4, seam, seam + 3, seam + 6, seam + 11, seam + 16} {
			s := score(x)
			t.Logf("at %d: score %.4f", x, s)
			least = min(least, s)
		}
	}
	t.Logf("in the middle of a tile %.4f, at least %.4f", middle, least)
	if least < 0.8*middle {
		t.Errorf("a defect on a seam scores %.4f, in the middle %.4f", least, middle)
	}
}
