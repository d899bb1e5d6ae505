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

// How far beyond the extremes of the good pictures a limit lies: so many
// standard deviations, but at least the floor, since good pictures that were
// all taken within a minute know nothing of tomorrow's light. The floors of
// brightness and sharpness are factors, the others are added.
const (
	margin          = 4
	brightnessFloor = 1.25
	sharpnessFloor  = 1.3
	darkFloor       = 0.1
	saturatedFloor  = 0.1
	colourFloor     = 0.2
	aspectFloor     = 1.02
)

// colourful is the least limit of the agreement of colours: below it the good
// pictures have too little colour of their own to tell red from blue.
const colourful = 0.1

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
	limits.Brightness = scaled(l.Brightness, brightnessFloor)
	limits.Sharpness.Low = scaled(l.Sharpness, sharpnessFloor).Low
	limits.Dark.High = added(l.Dark, darkFloor).High
	limits.Saturated.High = added(l.Saturated, saturatedFloor).High
	limits.redBlue = l.RedBlue
	if low := added(l.Colour, colourFloor).Low; low >= colourful {
		limits.Colour.Low = low
	}
	if l.Aspect.Mean > 0 {
		limits.Aspect = Range{l.Aspect.Min / aspectFloor, l.Aspect.Max * aspectFloor}
	}
	return limits
}

// added widens the extremes by the margin or the floor, whichever is more.
func added(s model.Spread, floor float64) Range {
	by := max(margin*s.Std, floor)
	return Range{s.Min - by, s.Max + by}
}

// scaled is added for a value whose spread goes with its size: the margin is a
// factor.
func scaled(s model.Spread, floor float64) Range {
	if s.Mean <= 0 {
		return anything
	}
	by := max(math.Exp(margin*s.Std/s.Mean), floor)
	return Range{s.Min / by, s.Max * by}
}
