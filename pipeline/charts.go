package pipeline

import (
	"math"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"faird/config"
	"faird/inspect"
	"faird/model"
	"faird/pipeline/drift"
	"faird/publish"
	"faird/verdict"
)

// Least spreads that a chart counts with, as shares of the value: good pictures
// that were all taken within a minute know nothing of a day's light, and no
// chart is to warn of what a model does not notice. With the usual settings the
// limits are then at least 2% of the brightness and 4% of the score away.
const (
	leastBrightness = 0.025
	leastScore      = 0.05
)

// calibrated is a region of the station with what its model was calibrated on.
type calibrated struct {
	region      string // "" where there is but one
	calibration *model.Calibration
}

// charts are a station's drift charts, of one set of models. It is safe for
// concurrent use.
type charts struct {
	log zerolog.Logger

	mu         sync.Mutex
	brightness *chart // nil: the models do not know it
	scores     map[string]*chart
	order      []*chart
}

// chart is of logarithms: brightness and scores change by factors.
type chart struct {
	*drift.Chart
	what, region string
	since        time.Time
}

// newCharts makes the charts that the models have references for; c of weight 0
// makes none.
func newCharts(c config.Drift, of []calibrated, log zerolog.Logger) *charts {
	all := &charts{log: log, scores: map[string]*chart{}}
	if c.Weight == 0 {
		return all
	}
	settings := drift.Settings{Weight: c.Weight, Width: c.Width}
	if r, ok := brightnessOf(of); ok {
		all.brightness = all.add(publish.DriftBrightness, "", drift.New(settings, r))
	}
	for _, one := range of {
		if r, ok := scoreOf(one.calibration); ok {
			all.scores[one.region] = all.add(publish.DriftScore, one.region, drift.New(settings, r))
		}
	}
	return all
}

func (a *charts) add(what, region string, d *drift.Chart) *chart {
	c := &chart{Chart: d, what: what, region: region}
	a.order = append(a.order, c)
	return c
}

// brightnessOf is the reference of the brightness, the mean over the regions.
func brightnessOf(of []calibrated) (r drift.Reference, known bool) {
	for _, one := range of {
		if one.calibration == nil || one.calibration.Look == nil || one.calibration.Look.Brightness.Mean <= 0 {
			return r, false
		}
		b := one.calibration.Look.Brightness
		r.Mean += b.Mean / float64(len(of))
		r.Std += b.Std / float64(len(of))
		if r.N == 0 || one.calibration.N < r.N {
			r.N = one.calibration.N
		}
	}
	if len(of) == 0 {
		return r, false
	}
	r.Mean, r.Std = math.Log(r.Mean), max(r.Std/r.Mean, leastBrightness)
	return r, true
}

// scoreOf is the reference of the scores. A model that does not know their
// logarithms has those of a log-normal distribution of its mean and deviation.
func scoreOf(c *model.Calibration) (drift.Reference, bool) {
	if c == nil || c.Mean <= 0 {
		return drift.Reference{}, false
	}
	variance := math.Log1p(c.Std / c.Mean * c.Std / c.Mean)
	r := drift.Reference{Mean: math.Log(c.Mean) - variance/2, Std: math.Sqrt(variance), N: c.N}
	if c.Look != nil && c.Look.LogScore.Std > 0 {
		r.Mean, r.Std = c.Look.LogScore.Mean, c.Look.LogScore.Std
	}
	r.Std = max(r.Std, leastScore)
	return r, true
}

// note takes a judged part: its brightness, and its score where it passed.
func (a *charts) note(v *verdict.Verdict, r *inspect.Result) {
	if v.Verdict == verdict.NoRead {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.take(a.brightness, r.Brightness)
	if len(v.Inspected) == 0 && v.Verdict == verdict.Pass {
		a.take(a.scores[""], r.Score)
	}
	for _, one := range v.Inspected {
		if one.Verdict == verdict.Pass {
			a.take(a.scores[one.Region], one.Score)
		}
	}
}

// take adds a value to a chart, and logs an alarm that begins or ends.
func (a *charts) take(c *chart, value float64) {
	if c == nil || value <= 0 || !c.Add(math.Log(value)) {
		return
	}
	d := c.state()
	event, text := a.log.Info(), "the drift is over"
	if c.Alarm() {
		c.since = time.Now()
		event, text = a.log.Warn(), "drift: clean and check light, lens and camera, or calibrate again, before good parts are rejected"
	}
	event.Str("what", c.what).Str("region", c.region).Float64("value", d.Value).Float64("low", d.Low).Float64("high", d.High).Msg(text)
}

func (c *chart) state() publish.Drift {
	low, high := c.Limits()
	return publish.Drift{
		What: c.what, Region: c.region, Since: verdict.Time{Time: c.since},
		Value: math.Exp(c.Average()), Low: math.Exp(low), High: math.Exp(high),
	}
}

// alarms are the drifts under way.
func (a *charts) alarms() (list []publish.Drift) {
	if a == nil {
		return nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, c := range a.order {
		if c.Alarm() {
			list = append(list, c.state())
		}
	}
	return list
}
