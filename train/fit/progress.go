package fit

import (
	"math"
	"time"
)

// Progress is what a person is told after a step.
type Progress struct {
	Step    int
	Part    float64 // of the budget, 0 to 1
	Rate    float64 // learning rate
	Loss    float64 // MSE + 1 - SSIM, smoothed over some fifty steps; so are the next two
	MSE     float64
	SSIM    float64
	PerStep time.Duration // smoothed
	Waiting float64       // share of the time spent waiting for data, 0 to 1
	Spent   time.Duration // over all runs
	Left    time.Duration // estimated
	Unsaved error         // why the checkpoint due at this step could not be written; training goes on
}

// meter smooths what the steps show.
type meter struct {
	began     time.Time
	wait, all time.Duration // sums over this run
	recent    time.Duration
	losses    [3]float64
	steps     int
	fedAt     time.Time
}

const smoothing = 0.98

func (m *meter) start() { m.began = time.Now() }
func (m *meter) fed()   { m.fedAt = time.Now() }

func (m *meter) stop(losses []float32) {
	took := time.Since(m.began)
	m.wait += m.fedAt.Sub(m.began)
	m.all += took
	m.steps++
	keep := min(smoothing, 1-1/float64(m.steps)) // a plain mean at first
	m.recent = time.Duration(keep*float64(m.recent) + (1-keep)*float64(took))
	for i := range m.losses {
		m.losses[i] = keep*m.losses[i] + (1-keep)*float64(losses[i])
	}
}

func (t *Trainer) progress(unsaved error) Progress {
	m := &t.meter
	part := t.o.Budget.part(t.step, t.spent)
	left := max(t.o.Budget.Time-t.spent, 0)
	if t.o.Budget.Steps > 0 {
		left = time.Duration(t.o.Budget.Steps-t.step) * m.recent
	}
	return Progress{
		Step: t.step, Part: part, Rate: t.o.Schedule(part),
		Loss: m.losses[0], MSE: m.losses[1], SSIM: m.losses[2],
		PerStep: m.recent, Waiting: float64(m.wait) / math.Max(float64(m.all), 1),
		Spent: t.spent, Left: left, Unsaved: unsaved,
	}
}

func finite(v []float32) bool {
	for _, x := range v {
		if f := float64(x); math.IsNaN(f) || math.IsInf(f, 0) {
			return false
		}
	}
	return true
}
