package model

import "fmt"

// Look is what the good pictures of a calibration looked like, at the model's
// size. From it come the limits of a picture that is worth a score, and the
// references of the drift charts.
type Look struct {
	Brightness Spread `json:"brightness"` // mean grey, 0..255
	Dark       Spread `json:"dark"`       // share of pixels that are as good as black
	Saturated  Spread `json:"saturated"`  // share of pixels with a channel at its end
	Sharpness  Spread `json:"sharpness"`  // root mean square gradient over contrast, per pixel
	Colour     Spread `json:"colour"`     // agreement with RedBlue, -1..1
	Aspect     Spread `json:"aspect"`     // width over height of the picture that was resized; zero where not known
	LogScore   Spread `json:"log_score"`  // natural logarithm of the scores

	RedBlue []float64 `json:"red_blue"` // mean of red minus blue, grid of 8x8 cells, rows first
	Neutral bool      `json:"neutral"`  // RedBlue is less what a white balance could do
}

// Spread is a statistic over the good pictures.
type Spread struct {
	Mean float64 `json:"mean"`
	Std  float64 `json:"std"`
	Min  float64 `json:"min"`
	Max  float64 `json:"max"`
}

// LookGrid is the side of the grid of [Look.RedBlue].
const LookGrid = 8

func (l *Look) validate() error {
	if l == nil {
		return nil
	}
	for _, s := range []struct {
		name string
		Spread
	}{
		{"brightness", l.Brightness},
		{"dark", l.Dark},
		{"saturated", l.Saturated},
		{"sharpness", l.Sharpness},
		{"colour", l.Colour},
		{"aspect", l.Aspect},
		{"log_score", l.LogScore},
	} {
		if !(s.Min <= s.Mean && s.Mean <= s.Max && s.Std >= 0) || !finite(s.Min) || !finite(s.Max) || !finite(s.Std) {
			return fmt.Errorf("look: %s is %+v: must be numbers, min <= mean <= max, std not below 0", s.name, s.Spread)
		}
	}
	if n := len(l.RedBlue); n != LookGrid*LookGrid {
		return fmt.Errorf("look: red_blue has %d values, must have %d", n, LookGrid*LookGrid)
	}
	for _, v := range l.RedBlue {
		if !finite(v) {
			return fmt.Errorf("look: red_blue has %v", v)
		}
	}
	return nil
}
