package line

import (
	"bytes"
	"math"
	"testing"

	"gocv.io/x/gocv"
)

// brightShare is the share of pixels as bright as metal, which the belt never is.
func brightShare(frame []byte) float64 {
	n := 0
	for i := 1; i < len(frame); i += 3 {
		if frame[i] > 115 {
			n++
		}
	}
	return float64(n) / float64(len(frame)/3)
}

func TestPartsTravel(t *testing.T) {
	const gap = 3
	l := New(Options{Seed: 3, Size: 320, Gap: gap, Defects: 1})
	defer l.Close()
	still := New(Options{Seed: 3, Size: 320, Defects: 1})
	defer still.Close()
	for n := range uint64(2 * (seen + gap)) {
		frame, truth := render(t, l, n)
		again, same := render(t, l, n)
		if !bytes.Equal(frame, again) || truth != same {
			t.Errorf("picture %d is another one the second time", n)
		}
		part, phase := n/(seen+gap), n%(seen+gap)
		share := brightShare(frame)
		switch {
		case phase >= seen:
			if truth != (Truth{}) || share > 0.01 {
				t.Errorf("picture %d of the empty belt: %+v, %.1f%% of metal", n, truth, 100*share)
			}
		case truth.Part != part+1 || !truth.Defective || share < 0.03:
			t.Errorf("picture %d of part %d: %+v, %.1f%% of metal", n, part+1, truth, 100*share)
		}
		if phase == seen/2 {
			_, want := render(t, still, part)
			truth.Part = 0
			if truth != want {
				t.Errorf("part %d in its place: %+v, want %+v", part+1, truth, want)
			}
		}
	}
}

func TestPartTravelsThroughThePicture(t *testing.T) {
	l := New(Options{Seed: 3, Size: 320, Gap: 1})
	defer l.Close()
	m := gocv.NewMat()
	defer m.Close()
	before := math.Inf(-1)
	for n := range uint64(seen) {
		l.Render(n, &m)
		var sum, weight float64
		for i, v := range pixels(m) {
			if i%3 == 1 && v > 115 {
				sum, weight = sum+float64(i/3%320), weight+1
			}
		}
		if at := sum / weight; at <= before {
			t.Errorf("picture %d: the part is at %.0f after %.0f", n, at, before)
		} else {
			before = at
		}
	}
}
