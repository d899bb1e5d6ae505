package fair_test

import (
	"math"
	"slices"
	"testing"

	"faird/fair"
)

// The maps of one picture, smoothed apart, are those of Score.
func TestSmootherIsTheScorersOwn(t *testing.T) {
	const h, w = 40, 56
	original, restored := pair(h, w)
	ignore := make([]byte, h*w)
	for i := range 9 * w {
		ignore[i] = 1
	}
	one, parts := scorer(t, h, w), scorer(t, h, w)
	want := one.Score(original, restored, ignore)
	smoother, err := fair.NewSmoother(h, w, fair.DefaultScoring())
	if err != nil {
		t.Fatal(err)
	}
	if !parts.Compare(original, restored) {
		t.Fatal("pictures without a fault are refused")
	}
	if got := smoother.Smooth(parts.Maps(), ignore); got != want || !slices.Equal(smoother.Map(), one.Map()) {
		t.Errorf("score %v, want %v", got, want)
	}
	restored[5] = float32(math.NaN())
	if parts.Compare(original, restored) {
		t.Error("a value that is no number goes unseen")
	}
}

func TestNewSmootherRefuses(t *testing.T) {
	paper := fair.DefaultScoring()
	for _, c := range []struct {
		h, w int
		s    fair.Scoring
	}{{0, 5, paper}, {5, 0, paper}, {1 << 20, 1 << 20, paper}, {5, 5, fair.Scoring{}}} {
		if _, err := fair.NewSmoother(c.h, c.w, c.s); err == nil {
			t.Errorf("%dx%d, %+v: no error", c.w, c.h, c.s)
		}
	}
	if _, err := fair.NewSmoother(20000, 200, paper); err != nil {
		t.Error(err) // a line-scan picture
	}
}

// A filter for smaller pictures covers the share of them that the paper's does.
func TestSmoothAt(t *testing.T) {
	for size, want := range map[[2]int]int{{256, 256}: 21, {128, 128}: 11, {192, 320}: 15, {320, 192}: 15, {224, 224}: 19, {512, 512}: 43, {16, 16}: 1} {
		if got := fair.SmoothAt(size[0], size[1]); got != want || (fair.Scoring{Smooth: got, Scales: 1}).Validate() != nil {
			t.Errorf("%v: %d, want %d", size, got, want)
		}
	}
}
