package pipeline

import (
	"fmt"
	"math"

	"faird/config"
	"faird/model"
)

// Thresholds are the limits in force, and where they came from.
type Thresholds struct {
	Threshold float64
	Review    *float64
	Origin    string // "override" (an operator set it), "config" or "model"
}

// Level is the map value from which a pixel belongs to a region: the lower threshold.
func (t *Thresholds) Level() *float64 {
	if t.Review != nil && *t.Review < t.Threshold {
		return t.Review
	}
	return &t.Threshold
}

// check says what is wrong with the thresholds, if anything.
func (t Thresholds) check() error {
	if !(t.Threshold > 0) || math.IsInf(t.Threshold, 0) {
		return fmt.Errorf("threshold %g (from the %s) must be a number above 0", t.Threshold, t.Origin)
	}
	if t.Review != nil && !(*t.Review > 0 && *t.Review < t.Threshold) {
		return fmt.Errorf("review %g must be above 0 and below the threshold %g (from the %s)", *t.Review, t.Threshold, t.Origin)
	}
	return nil
}

// withoutModel are the thresholds of a station of whose model nothing is known: an
// operator's, the config's, or none, whose Origin is "".
func withoutModel(c config.Station, override *Thresholds) Thresholds {
	switch {
	case override != nil:
		return *override
	case c.Threshold != nil:
		return Thresholds{Threshold: *c.Threshold, Review: c.Review, Origin: "config"}
	default:
		return Thresholds{}
	}
}

// thresholds are those of a station without an operator's override: the config's,
// else the model's.
func thresholds(c config.Station, f *model.File) (Thresholds, error) {
	var t Thresholds
	switch {
	case c.Threshold != nil:
		t = Thresholds{Threshold: *c.Threshold, Review: c.Review, Origin: "config"}
	case f.Calibration != nil:
		t = Thresholds{Threshold: f.Calibration.Threshold, Review: f.Calibration.Review, Origin: "model"}
		if c.Review != nil {
			t.Review = c.Review
		}
	default:
		return t, fmt.Errorf("station %s: no threshold: model %s is not calibrated and the config names none; "+
			"run faird calibrate, or set stations[].threshold", c.Name, f.Path)
	}
	if err := t.check(); err != nil {
		return t, fmt.Errorf("station %s: %w", c.Name, err)
	}
	return t, nil
}
