package resemblance

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

const side = 32

// images are a few of coloured parts, BGR planes 0..1.
func images(colour float64) [][]float32 {
	out := make([][]float32, 5)
	for i := range out {
		r := rand.New(rand.NewPCG(uint64(i), 1))
		out[i] = make([]float32, 3*side*side)
		for k := range side * side {
			v := 0.3 + 0.4*float64((k/side/4+k%side/4)%2) + 0.02*r.NormFloat64()
			out[i][k], out[i][side*side+k], out[i][2*side*side+k] = float32(v-colour), float32(v), float32(v+colour)
		}
	}
	return out
}

// restored is a good restoration: with some error.
func restored(image []float32, sigma float64) []float32 {
	r := rand.New(rand.NewPCG(9, uint64(len(image))))
	out := slices.Clone(image)
	for i := range out {
		out[i] += float32(sigma * r.NormFloat64())
	}
	return out
}

func each(v []float32, f func(channel int, v float32) float32) []float32 {
	out := make([]float32, len(v))
	for i := range v {
		out[i] = f(i/(side*side), v[i])
	}
	return out
}

func swap(v []float32) []float32 {
	return slices.Concat(v[2*side*side:], v[side*side:2*side*side], v[:side*side])
}

func TestCheck(t *testing.T) {
	times255 := func(v []float32) []float32 { return each(v, func(_ int, v float32) float32 { return 255 * v }) }
	signed := func(v []float32) []float32 { return each(v, func(_ int, v float32) float32 { return 2*v - 1 }) }
	normalised := func(order [3]int) func(v []float32) []float32 {
		return func(v []float32) []float32 {
			return each(v, func(c int, v float32) float32 {
				return float32((float64(v) - imageNetMean[order[c]]) / imageNetStd[order[c]])
			})
		}
	}
	rgb, bgr := [3]int{0, 1, 2}, [3]int{2, 1, 0}
	for name, c := range map[string]struct {
		colour, sigma float64
		make          func(v []float32) []float32 // of the restoration
		foreign       bool
		says          string // part of the error; "" is none
	}{
		"right":                    {0.1, 0.02, slices.Clone[[]float32], true, ""},
		"right, of a grey part":    {0, 0.02, slices.Clone[[]float32], true, ""},
		"not well trained":         {0.1, 0.15, slices.Clone[[]float32], true, ""},
		"0..255":                   {0.1, 0.02, times255, false, "restores BGR 0..255, and faird needs BGR 0..1: divide by 255 in its last layer"},
		"0..255 of a grey part":    {0, 0.02, times255, false, "BGR 0..255"},
		"0..255, RGB":              {0.1, 0.02, func(v []float32) []float32 { return swap(times255(v)) }, false, "restores RGB 0..255, and faird needs BGR 0..1: divide by 255 and swap red and blue"},
		"RGB":                      {0.1, 0.02, swap, false, "restores RGB, and faird needs BGR: swap red and blue"},
		"RGB of a grey part":       {0, 0.02, swap, false, ""},
		"-1..1":                    {0.1, 0.02, signed, false, "BGR -1..1"},
		"normalised":               {0.1, 0.02, func(v []float32) []float32 { return normalised(rgb)(swap(v)) }, false, "restores RGB normalised with ImageNet's"},
		"normalised, BGR":          {0.1, 0.02, normalised(bgr), false, "restores BGR normalised with ImageNet's"},
		"an untrained faird":       {0.1, 0, func(v []float32) []float32 { return make([]float32, len(v)) }, false, ""},
		"noise of a foreign one":   {0.1, 0, func(v []float32) []float32 { return restored(make([]float32, len(v)), 1) }, true, "nothing like the images"},
		"a constant, from a faird": {0.1, 0, func(v []float32) []float32 { return each(v, func(int, float32) float32 { return 9 }) }, false, ""},
	} {
		var m Meter
		for _, image := range images(c.colour) {
			m.Add(image, c.make(restored(image, c.sigma)))
		}
		if err := m.Check(c.foreign); (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
	}
}

func TestCheckOfNothing(t *testing.T) {
	if err := new(Meter).Check(true); err != nil {
		t.Error(err)
	}
}
