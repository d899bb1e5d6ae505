package fit

import (
	"errors"
	"time"
)

// Budget is how long to train: so many steps, or so much time. Time counts over
// all runs of a resumed training.
type Budget struct {
	Steps int
	Time  time.Duration
}

func (b Budget) check() error {
	if (b.Steps > 0) == (b.Time > 0) {
		return errors.New("training needs a number of steps or a time, and not both")
	}
	return nil
}

// part is how much of the budget is spent, 0 to 1.
func (b Budget) part(step int, spent time.Duration) float64 {
	if b.Steps > 0 {
		return min(float64(step)/float64(b.Steps), 1)
	}
	return min(float64(spent)/float64(b.Time), 1)
}

func (b Budget) done(step int, spent time.Duration) bool { return b.part(step, spent) >= 1 }

// Schedule is the learning rate over the budget.
type Schedule struct {
	Base  float64
	Drops []float64 // parts of the budget after which the rate is multiplied by Factor
	// Factor of each drop.
	Factor float64
}

// PaperSchedule is times 0.2 at 80% and at 90%.
func PaperSchedule(base float64) Schedule {
	return Schedule{Base: base, Drops: []float64{0.8, 0.9}, Factor: 0.2}
}

// Rate is the learning rate when part (0 to 1) of the budget is spent.
func (s Schedule) Rate(part float64) float64 {
	rate := s.Base
	for _, d := range s.Drops {
		if part >= d {
			rate *= s.Factor
		}
	}
	return rate
}
