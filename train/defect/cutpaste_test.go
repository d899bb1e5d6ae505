package defect

import (
	"slices"
	"testing"
)

// In the paper's form every pixel is the picture's own: either in its place or
// moved with a rectangle of more than half of the picture.
func TestCutPastePaper(t *testing.T) {
	good := coded(testH, testW, 0)
	m := newMaker(t, Mix{CutPaste: 1, Form: FormPaper}, good)
	var s Sample
	moved := 0
	for i := range uint64(50) {
		m.Make(random(1, i), 0, &s)
		if slices.Max(s.Mask) == 0 {
			continue // pasted where it was cut
		}
		moved++
		offsets := map[[2]int]int{}
		for k := range s.Mask {
			y, x := int(s.Input[3*k+1])-1, int(s.Input[3*k+2])-1
			if y < 0 || x < 0 {
				t.Fatalf("pixel %d came from nowhere", k)
			}
			offsets[[2]int{k/testW - y, k%testW - x}]++
		}
		stayed := offsets[[2]int{}]
		if len(offsets) != 2 || testH*testW-stayed <= testH*testW/2 {
			t.Fatalf("offsets %v: want one rectangle of more than half", offsets)
		}
	}
	if moved < 40 {
		t.Errorf("%d of 50 pictures changed", moved)
	}
}

func TestCutPasteAuthorsLeavesBlack(t *testing.T) {
	good := coded(testH, testW, 9)
	m := newMaker(t, Mix{CutPaste: 1, Form: FormAuthors}, good)
	var s Sample
	black, changed := 0, 0
	for i := range uint64(50) {
		m.Make(random(1, i), 0, &s)
		for k, v := range s.Mask {
			if v == 0 {
				continue
			}
			changed++
			if s.Input[3*k] == 0 && s.Input[3*k+1] == 0 && s.Input[3*k+2] == 0 {
				black++
			}
		}
	}
	if black == 0 || black == changed {
		t.Errorf("%d of %d changed pixels are black, want some", black, changed)
	}
}

func TestBlendShowsNoEdge(t *testing.T) {
	flat := canvas{testH, testW, make([]byte, 3*testH*testW)}
	for i := range flat.pix {
		flat.pix[i] = 100
	}
	patch := canvas{12, 20, make([]byte, 3*12*20)}
	for i := range patch.pix {
		patch.pix[i] = 200 // another brightness, no gradient: nothing may show
	}
	flat.blend(patch, 5, 7)
	for i, v := range flat.pix {
		if v < 99 || v > 101 {
			t.Fatalf("a flat patch shows: value %d is %d", i, v)
		}
	}
	patch.pix[3*(6*20+10)] = 255 // a speck of 55
	flat.blend(patch, 5, 7)
	if v := flat.pix[3*((7+6)*testW+5+10)]; v < 153 || v > 157 {
		t.Errorf("a speck of 55 on 100 became %d", v)
	}
}

func TestHarmonicContinuesLines(t *testing.T) {
	const h, w = 23, 61
	f := make([]float64, h*w)
	for i := range f {
		if x, y := i%w, i/w; x == 0 || y == 0 || x == w-1 || y == h-1 {
			f[i] = float64(3*x - 5*y)
		}
	}
	harmonic(f, h, w)
	for i, v := range f {
		if want := float64(3*(i%w) - 5*(i/w)); v < want-0.5 || v > want+0.5 {
			t.Fatalf("point %d, %d is %v, want %v", i%w, i/w, v, want)
		}
	}
}
