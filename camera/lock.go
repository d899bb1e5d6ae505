package camera

import (
	"fmt"
	"math"
	"strings"

	"gocv.io/x/gocv"
)

// What V4L2's controls are set to so that a camera leaves its light alone
// (V4L2_EXPOSURE_MANUAL; V4L2_CID_AUTO_WHITE_BALANCE).
const (
	exposureManual = 1
	balanceFixed   = 0
)

// lock is what a V4L2 device's exposure, gain and white balance are fixed at, in
// the driver's own units. What is nil stays as it is, automatic or not.
type lock struct {
	exposure *float64 // units of 100 us (V4L2_CID_EXPOSURE_ABSOLUTE)
	gain     *float64
	balance  *float64 // kelvin (V4L2_CID_WHITE_BALANCE_TEMPERATURE)
}

// lock reads exposure=, gain= and white_balance=.
func (q *query) lock() lock {
	return lock{
		exposure: q.optional("exposure", 1, 1e7),
		gain:     q.optional("gain", 0, 1e5),
		balance:  q.optional("white_balance", 1000, 20000),
	}
}

// optional is a number, nil where the key is not there.
func (q *query) optional(key string, low, high float64) *float64 {
	if !q.values.Has(key) {
		q.known = append(q.known, key)
		return nil
	}
	v := q.number(key, 0, low, high)
	return &v
}

// control is a setting of a device.
type control struct {
	name     string
	property gocv.VideoCaptureProperties
	value    float64
}

// controls are what to set, in this order: a fixed value is taken only once the
// automatic is off.
func (l lock) controls() (list []control) {
	if l.exposure != nil {
		list = append(list, control{"automatic exposure (1: off)", gocv.VideoCaptureAutoExposure, exposureManual},
			control{"exposure", gocv.VideoCaptureExposure, *l.exposure})
	}
	if l.gain != nil {
		list = append(list, control{"gain", gocv.VideoCaptureGain, *l.gain})
	}
	if l.balance != nil {
		list = append(list, control{"automatic white balance (0: off)", gocv.VideoCaptureAutoWB, balanceFixed},
			control{"white_balance", gocv.VideoCaptureWBTemperature, *l.balance})
	}
	return list
}

func (l lock) ask(d driver) {
	for _, c := range l.controls() {
		d.Set(c.property, c.value)
	}
}

// check reads every setting back: drivers round, clip and ignore in silence.
func (l lock) check(d driver) error {
	var wrong []string
	for _, c := range l.controls() {
		if got := d.Get(c.property); math.Abs(got-c.value) > 0.01*c.value {
			wrong = append(wrong, fmt.Sprintf("%s is to be %v and is %v", c.name, c.value, got))
		}
	}
	if wrong == nil {
		return nil
	}
	return fmt.Errorf("the camera does not take its settings: %s: see v4l2-ctl --list-ctrls and set what it can", strings.Join(wrong, "; "))
}
