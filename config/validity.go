package config

import (
	"fmt"
	"time"
)

// Validity is what a picture must be to be judged. A limit that is nil is the
// model's own, learnt from its good pictures.
type Validity struct {
	Frozen        time.Duration `mapstructure:"frozen"`         // how long one picture may come again; 0: for ever
	DarkMax       *float64      `mapstructure:"dark_max"`       // share of dark pixels
	SaturatedMax  *float64      `mapstructure:"saturated_max"`  // share of saturated pixels
	BrightnessMin *float64      `mapstructure:"brightness_min"` // mean level, 0..255
	BrightnessMax *float64      `mapstructure:"brightness_max"`
	SharpnessMin  *float64      `mapstructure:"sharpness_min"`
	ColourMin     *float64      `mapstructure:"colour_min"` // agreement of colours, -1..1
	AspectMin     *float64      `mapstructure:"aspect_min"` // width over height
	AspectMax     *float64      `mapstructure:"aspect_max"`
}

// limit is one limit with the values it may have.
type limit struct {
	key       string
	value     *float64
	low, high float64
}

func (v *Validity) limits() []limit {
	const most = 1000
	return []limit{
		{"dark_max", v.DarkMax, 0, 1},
		{"saturated_max", v.SaturatedMax, 0, 1},
		{"brightness_min", v.BrightnessMin, 0, 255},
		{"brightness_max", v.BrightnessMax, 0, 255},
		{"sharpness_min", v.SharpnessMin, 0, most},
		{"colour_min", v.ColourMin, -1, 1},
		{"aspect_min", v.AspectMin, 0, most},
		{"aspect_max", v.AspectMax, 0, most},
	}
}

// Equal says whether two give the same limits.
func (v Validity) Equal(w Validity) bool {
	a, b := v.limits(), w.limits()
	for i := range a {
		if !equal(a[i].value, b[i].value) {
			return false
		}
	}
	return v.Frozen == w.Frozen
}

func (k *checker) validity(key string, v Validity) {
	if v.Frozen < 0 {
		k.bad(key+".frozen", v.Frozen.String()+" is out of range", "give a duration such as 10s, or 0s to switch it off")
	}
	for _, l := range v.limits() {
		if l.value != nil && !(*l.value >= l.low && *l.value <= l.high) {
			k.bad(key+"."+l.key, fmt.Sprintf("%g is out of range", *l.value), fmt.Sprintf("give a number in %g..%g", l.low, l.high))
		}
	}
	k.ordered(key+".brightness", v.BrightnessMin, v.BrightnessMax)
	k.ordered(key+".aspect", v.AspectMin, v.AspectMax)
}

func (k *checker) ordered(key string, low, high *float64) {
	if low != nil && high != nil && *low > *high {
		k.bad(key+"_min", fmt.Sprintf("%g is above %g, so no picture is valid", *low, *high), "swap min and max")
	}
}
