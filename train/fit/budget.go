package fit

import (
	"errors"
	"math"
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

// Schedule is the learning rate when part (0 to 1) of the budget is spent.
type Schedule func(part float64) float64

// PaperSchedule is base, times 0.2 at 80% and again at 90%.
func PaperSchedule(base float64) Schedule {
	return func(part float64) float64 {
		switch {
		case part >= 0.9:
			return base * 0.2 * 0.2
		case part >= 0.8:
			return base * 0.2
		}
		return base
	}
}

// warmUp is the part of a CosineSchedule in which the rate rises.
const warmUp = 0.05

// CosineSchedule rises to base and falls to zero along half a cosine (Loshchilov
// and Hutter 2017).
func CosineSchedule(base float64) Schedule {
	return func(part float64) float64 {
		if part < warmUp {
			return base * (0.1 + 0.9*part/warmUp)
		}
		return base * (1 + math.Cos(math.Pi*(part-warmUp)/(1-warmUp))) / 2
	}
}
