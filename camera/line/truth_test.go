package line

import (
	"image"
	"testing"
)

// difference is the box and the number of the pixels that differ: any by more
// than nothing for the box, visibly for the number.
func difference(a, b []byte, size int) (box image.Rectangle, seen int) {
	for i := range size * size {
		most := 0
		for c := range 3 {
			d := int(a[3*i+c]) - int(b[3*i+c])
			most = max(most, d, -d)
		}
		if most > 0 {
			x, y := i%size, i/size
			box = box.Union(image.Rect(x, y, x+1, y+1))
		}
		if most >= seenFrom {
			seen++
		}
	}
	return box, seen
}

// seenFrom is the change in levels of 255 that counts as part of a defect.
const seenFrom = 6

func TestTruthIsWhatThePictureShows(t *testing.T) {
	bad := New(Options{Seed: 12, Defects: 1})
	defer bad.Close()
	good := New(Options{Seed: 12})
	defer good.Close()
	for n := range uint64(80) {
		a, truth := render(t, bad, n)
		b, sound := render(t, good, n)
		if sound != (Truth{}) {
			t.Fatalf("frame %d of a line without defects claims %+v", n, sound)
		}
		bad.reseed(n, streamScene)
		scene := drawScene(bad.random, bad.unit)
		area := float64(bad.cover.area) * scene.scale * scene.scale
		box, seen := difference(a, b, 640)
		share := float64(seen) / area
		t.Logf("frame %d: %s of %.2f%%, seen %.2f%%", n, truth.Kind, 100*truth.AreaShare, 100*share)
		if !truth.Defective || truth.AreaShare < 0.002 || truth.AreaShare > 0.02 {
			t.Errorf("frame %d: truth %+v", n, truth)
		}
		if share < 0.002 || share > 0.02 {
			t.Errorf("frame %d: %s changes %.2f%% of the part, want 0.2%% to 2%%", n, truth.Kind, 100*share)
		}
		if !box.In(truth.Region) {
			t.Errorf("frame %d: %s changed %v, outside %v", n, truth.Kind, box, truth.Region)
		}
		if slack := truth.Region.Dx()*truth.Region.Dy() - 4*box.Dx()*box.Dy(); slack > 4000 {
			t.Errorf("frame %d: region %v is far larger than %s at %v", n, truth.Region, truth.Kind, box)
		}
	}
}

func TestKindsAreEquallyLikely(t *testing.T) {
	const frames = 3000
	l := New(Options{Seed: 4, Defects: 0.25, Size: 160})
	defer l.Close()
	counts := map[string]int{}
	for n := range uint64(frames) {
		l.reseed(n, streamDefect)
		counts[l.drawDefect(l.random).kind]++
	}
	// Four standard deviations of a binomial with p = 0.05.
	for _, kind := range Kinds {
		if c := counts[kind]; c < 102 || c > 198 {
			t.Errorf("%s: %d of %d, want about 150", kind, c, frames)
		}
	}
	if c := counts[""]; c < 2155 || c > 2345 {
		t.Errorf("good: %d of %d, want about 2250", c, frames)
	}
	if len(counts) != len(Kinds)+1 {
		t.Errorf("kinds %v", counts)
	}
}
