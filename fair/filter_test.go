package fair_test

import (
	"encoding/json"
	"math"
	"testing"

	"faird/fair"
)

func TestTransfer(t *testing.T) {
	const rows, cols = 6, 5 // centre at 3, 2
	for _, c := range []struct {
		f      fair.Filter
		centre float64 // H at D = 0
		at2    float64 // H at D = 2
	}{
		{fair.Filter{Type: fair.Butterworth, D0: 2, Order: 2}, 0, 0.5},
		{fair.Filter{Type: fair.Butterworth, D0: 1, Order: 3}, 0, 1 / (1 + 1.0/64)},
		{fair.Filter{Type: fair.Ideal, D0: 2}, 0, 0},
		{fair.Filter{Type: fair.Ideal, D0: 1.9}, 0, 1},
		{fair.Filter{Type: fair.Gaussian, D0: 2}, 0, 1 - math.Exp(-0.5)},
	} {
		h, err := c.f.Transfer(rows, cols)
		if err != nil {
			t.Fatal(err)
		}
		at := func(u, v int) float64 { return float64(h[(3+u)*cols+2+v]) }
		for _, got := range []float64{at(2, 0), at(-2, 0), at(0, 2), at(0, -2)} {
			if math.Abs(got-c.at2) > 1e-7 {
				t.Errorf("%+v: H at 2 is %v, want %v", c.f, got, c.at2)
			}
		}
		if at(0, 0) != c.centre || at(1, 1) != at(-1, -1) || at(-3, 0) < at(2, 0) {
			t.Errorf("%+v: H at 0 is %v; %v", c.f, at(0, 0), h)
		}
	}
}

func TestFilterValidate(t *testing.T) {
	for _, f := range []fair.Filter{
		{},
		{Type: "median"},
		{Type: fair.Butterworth, D0: 30},
		{Type: fair.Butterworth, Order: 2},
		{Type: fair.Butterworth, D0: 30, Order: 65},
		{Type: fair.Ideal},
		{Type: fair.Gaussian, D0: -1},
		{Type: fair.Gaussian, D0: math.NaN()},
		{Type: fair.Ideal, D0: math.Inf(1)},
		{Type: fair.SobelX},
		{Type: fair.SobelXY, KSize: 7},
	} {
		if f.Validate() == nil {
			t.Errorf("%+v is taken as right", f)
		}
		if _, err := f.Transfer(8, 8); err == nil {
			t.Errorf("%+v has a transfer function", f)
		}
	}
	for channels, f := range map[int]fair.Filter{1: {Type: fair.SobelX, KSize: 3}, 2: {Type: fair.SobelXY, KSize: 5}} {
		if err := f.Validate(); err != nil || f.Channels() != channels {
			t.Errorf("%+v: %d channels, %v", f, f.Channels(), err)
		}
		if _, err := f.Transfer(8, 8); err == nil {
			t.Errorf("%+v has a transfer function", f)
		}
	}
	if _, err := fair.DefaultFilter().Transfer(0, 8); err == nil {
		t.Error("no rows: no error")
	}
}

func TestFilterJSON(t *testing.T) {
	text, err := json.Marshal(fair.DefaultFilter())
	if err != nil || string(text) != `{"type":"butterworth","d0":30,"order":2}` {
		t.Errorf("%s (%v)", text, err)
	}
}

// The cut-off for smaller pictures is the paper's wavelength in pixels.
func TestCutoffAt(t *testing.T) {
	for size, want := range map[[2]int]float64{{256, 256}: 30, {128, 128}: 15, {192, 320}: 22.5, {320, 192}: 22.5, {16, 16}: 1.875} {
		if got := fair.CutoffAt(size[0], size[1]); got != want {
			t.Errorf("%v: %v, want %v", size, got, want)
		}
	}
}
