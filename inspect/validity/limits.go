package validity

import (
	"math"

	"faird/config"
	"faird/model"
)

// What no picture may be, whatever the model: for a model that has learnt
// nothing of its good pictures.
const (
	absoluteDark      = 0.995
	absoluteSaturated = 0.98
)

// A limit lies so many standard deviations from the mean of the good pictures,
// but at least the allowance beyond the most extreme of them: pictures that were
// all taken within a minute know nothing of tomorrow's light. The allowances of
// brightness, sharpness and aspect are factors, the others are added.
const (
	deviations          = 4
	brightnessAllowance = 1.25
	sharpnessAllowance  = 1.85
	darkAllowance       = 0.1
	saturatedAllowance  = 0.1
	colourAllowance     = 0.2
	aspectAllowance     = 1.1
)

// Range is what a value may be, both ends included.
type Range struct{ Low, High float64 }

func (r Range) holds(v float64) bool { return v >= r.Low && v <= r.High }

// anything holds every number.
var anything = Range{math.Inf(-1), math.Inf(1)}

// Limits of a picture that is worth a score.
type Limits struct {
	Brightness Range
	Dark       Range // its low end is never broken
	Saturated  Range
	Sharpness  Range // its high end is never broken
	Colour     Range
	Aspect     Range
	redBlue    []float64 // what colours are compared with; nil: they are not
	neutral    bool      // without the white balance
}

// LimitsOf are the limits that a model's look gives (nil: the absolute ones
// alone), with those of the config in their place where it names any.
func LimitsOf(l *model.Look, c config.Validity) Limits {
	limits := absolute()
	if l != nil {
		limits = learnt(l)
	}
	for _, o := range []struct {
		limit *float64
		value *float64
	}{
		{&limits.Brightness.Low, c.BrightnessMin},
		{&limits.Brightness.High, c.BrightnessMax},
		{&limits.Dark.High, c.DarkMax},
		{&limits.Saturated.High, c.SaturatedMax},
		{&limits.Sharpness.Low, c.SharpnessMin},
		{&limits.Colour.Low, c.ColourMin},
		{&limits.Aspect.Low, c.AspectMin},
		{&limits.Aspect.High, c.AspectMax},
	} {
		if o.value != nil {
			*o.limit = *o.value
		}
	}
	return limits
}

func absolute() Limits {
	return Limits{
		Brightness: anything, Sharpness: anything, Colour: anything, Aspect: anything,
		Dark: Range{math.Inf(-1), absoluteDark}, Saturated: Range{math.Inf(-1), absoluteSaturated},
	}
}

func learnt(l *model.Look) Limits {
	limits := absolute()
	limits.Brightness = scaled(l.Brightness, brightnessAllowance)
	limits.Sharpness.Low = scaled(l.Sharpness, sharpnessAllowance).Low
	limits.Dark.High = added(l.Dark, darkAllowance).High
	limits.Saturated.High = added(l.Saturated, saturatedAllowance).High
	limits.redBlue, limits.neutral = l.RedBlue, l.Neutral
	if least := l.Colour.Min - colourAllowance; least > 0 { // else the good pictures cannot tell red from blue
		limits.Colour.Low = -least // with red and blue swapped it would be a good picture
	}
	if l.Aspect.Mean > 0 {
		limits.Aspect = Range{l.Aspect.Min / aspectAllowance, l.Aspect.Max * aspectAllowance}
	}
	return limits
}

// added is what a value may be whose allowance is added.
func added(s model.Spread, allowance float64) Range {
	by := deviations * s.Std
	return Range{min(s.Mean-by, s.Min-allowance), max(s.Mean+by, s.Max+allowance)}
}

// scaled is what a value may be whose spread goes with its size: deviations and
// allowance are factors.
func scaled(s model.Spread, allowance float64) Range {
	if s.Mean <= 0 {
		return anything
	}
	by := math.Exp(deviations * s.Std / s.Mean)
	return Range{min(s.Mean/by, s.Min/allowance), max(s.Mean*by, s.Max*allowance)}
}
