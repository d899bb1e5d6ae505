package config

import "fmt"

// Drift is the settings of a station's EWMA control charts.
type Drift struct {
	Weight float64 `mapstructure:"weight"` // of the newest part in the average, 0..1; 0: no charts
	Width  float64 `mapstructure:"width"`  // of the control limits, in standard deviations of the average
}

func (k *checker) drift(key string, d Drift) {
	if d.Weight < 0 || d.Weight > 1 {
		k.bad(key+".weight", fmt.Sprintf("%g is out of range", d.Weight), "give a number in 0..1, such as 0.05; 0 switches the charts off")
	}
	if d.Width <= 0 {
		k.bad(key+".width", fmt.Sprintf("%g is out of range", d.Width), "give a number above 0, such as 5")
	}
}
