package pipeline

import (
	"errors"

	"faird/camera"
	"faird/camera/fault"
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

// faultOf is the rule that an image broke, nil where err names none.
func faultOf(err error) *verdict.Fault {
	if check := fault.Of(err); check != "" {
		return &verdict.Fault{Check: check}
	}
	var f *validity.Fault
	if !errors.As(err, &f) {
		return nil
	}
	return &f.Fault
}

// invalid turns v into the no_read of an image that cannot be judged.
func invalid(v *verdict.Verdict, err error) *verdict.Verdict {
	v.Fault = faultOf(err)
	return refuse(v, verdict.InvalidPicture, err)
}
