package config

import (
	"fmt"
	"time"
)

// Change is how a part that enters is seen in the picture, for trigger mode
// change.
type Change struct {
	Region     Rect          `mapstructure:"region"`     // camera pixels; W 0: the station's region of interest
	Difference float64       `mapstructure:"difference"` // grey levels of 255 by which a point differs from the background
	Enter      float64       `mapstructure:"enter"`      // share of the points that differ from which on a part is there
	Leave      float64       `mapstructure:"leave"`      // below it the part is gone
	Debounce   int           `mapstructure:"debounce"`   // pictures in a row that have to say so
	Delay      time.Duration `mapstructure:"delay"`      // from the part's entering to the picture that is judged
	Absorb     time.Duration `mapstructure:"absorb"`     // what stays for so long is background; 0: never
}

func defaultChange() Change {
	return Change{Difference: 25, Enter: 0.2, Leave: 0.1, Debounce: 2, Absorb: time.Minute}
}

func (k *checker) change(key string, c Change) {
	if c.Region != (Rect{}) {
		k.roi(key+".region", &c.Region)
	}
	if !(c.Difference > 0 && c.Difference < 255) {
		k.bad(key+".difference", fmt.Sprintf("%g is out of range", c.Difference), "give grey levels between 0 and 255, such as 25")
	}
	if !(c.Enter > 0 && c.Enter <= 1) {
		k.bad(key+".enter", fmt.Sprintf("%g is out of range", c.Enter), "give a share above 0, up to 1, such as 0.2")
	}
	if !(c.Leave > 0 && c.Leave <= c.Enter) {
		k.bad(key+".leave", fmt.Sprintf("%g is out of range", c.Leave), fmt.Sprintf("give a share above 0, up to enter, which is %g", c.Enter))
	}
	if c.Debounce < 1 {
		k.bad(key+".debounce", fmt.Sprintf("%d is out of range", c.Debounce), "give 1 or more pictures")
	}
	for name, d := range map[string]time.Duration{".delay": c.Delay, ".absorb": c.Absorb} {
		if d < 0 {
			k.bad(key+name, d.String()+" is out of range", "give 0s or more")
		}
	}
}
