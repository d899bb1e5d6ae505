package pipeline

import (
	"errors"

	"faird/camera"
	"faird/config"
	"faird/inspect"
	"faird/inspect/validity"
	"faird/model"
	"faird/verdict"
)

// inspectOptions are a station's settings of its inspector: what is inspected,
// and what a picture must be to be worth it.
func inspectOptions(c config.Station, calibration *model.Calibration) inspect.Options {
	var look *model.Look
	if calibration != nil {
		look = calibration.Look
	}
	limits := validity.LimitsOf(look, c.Validity)
	o := inspect.OptionsFor(c.Whole(), &c)
	o.Limits = &limits
	if !camera.Recorded(c.Camera.URL) {
		o.Frozen = c.Validity.Frozen
	}
	return o
}

// faultOf is what was measured of a picture that is not worth a score, where
// that is why.
func faultOf(err error) *verdict.Fault {
	var f *validity.Fault
	if !errors.As(err, &f) {
		return nil
	}
	return &f.Fault
}
