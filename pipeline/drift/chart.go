// Package drift says when something measured of every part creeps away from
// what it was at calibration: an EWMA control chart (Roberts 1959; NIST/SEMATECH
// e-Handbook of Statistical Methods, 6.3.2.4). It measures and reports nothing
// itself.
package drift

import "math"

// Settings of a chart.
type Settings struct {
	Weight float64 // of the newest value in the average, between 0 and 1
	Width  float64 // of the control limits, in standard deviations of the average
}

// Reference is what the values were at calibration.
type Reference struct {
	Mean, Std float64
	N         int // how many values that was taken from
}

const (
	// outlier is how many standard deviations off the mean a value may be and
	// count in full: one part that is odd is no drift.
	outlier = 4
	// back is the share of the way to a limit within which an alarm ends.
	back = 0.75
)

// Chart is one value's chart. It is for one goroutine.
type Chart struct {
	settings  Settings
	reference Reference
	average   float64 // the exponentially weighted moving average
	limit     float64 // how far it may be from the mean
	alarm     bool
}

// New makes a chart that starts at the reference. The limits are those of the
// steady state, widened by how far the mean of so few values may itself be off:
// width x std x sqrt(weight/(2-weight) + 1/n).
func New(s Settings, r Reference) *Chart {
	spread := s.Weight / (2 - s.Weight)
	if r.N > 0 {
		spread += 1 / float64(r.N)
	}
	return &Chart{settings: s, reference: r, average: r.Mean, limit: s.Width * r.Std * math.Sqrt(spread)}
}

// Add takes the next value. changed says that an alarm began or ended with it.
// A value that is not a number is left out.
func (c *Chart) Add(value float64) (changed bool) {
	if math.IsNaN(value) {
		return false
	}
	r := c.reference
	value = min(max(value, r.Mean-outlier*r.Std), r.Mean+outlier*r.Std)
	c.average += c.settings.Weight * (value - c.average)
	limit := c.limit
	if c.alarm {
		limit *= back
	}
	was := c.alarm
	c.alarm = math.Abs(c.average-r.Mean) > limit
	return c.alarm != was
}

// Alarm says whether the average has left the limits and not come back.
func (c *Chart) Alarm() bool { return c.alarm }

// Average is the moving average.
func (c *Chart) Average() float64 { return c.average }

// Limits are what the average may be.
func (c *Chart) Limits() (low, high float64) {
	return c.reference.Mean - c.limit, c.reference.Mean + c.limit
}
