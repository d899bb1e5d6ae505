package model

import (
	"fmt"
	"math"
)

// Calibration is what the scores of good pictures were, and the threshold
// drawn from them.
type Calibration struct {
	N           int                `json:"n"`                // good parts that differ: near-duplicates count once
	Images      int                `json:"images,omitempty"` // of those parts; 0: one of each
	Quantiles   map[string]float64 `json:"quantiles"`        // of their scores, by probability: "0.5", "0.99"
	Mean        float64            `json:"mean"`
	Std         float64            `json:"std"`
	Threshold   float64            `json:"threshold"` // at or above: fail
	Review      *float64           `json:"review"`    // at or above: review; nil: none
	FalseReject float64            `json:"false_reject"`
	Confidence  float64            `json:"confidence"`
	Look        *Look              `json:"look,omitempty"` // nil in files of an older faird
}

func (c *Calibration) validate() error {
	if c == nil {
		return nil
	}
	switch {
	case c.N < 1:
		return fmt.Errorf("n is %d, must be at least 1", c.N)
	case c.Images != 0 && c.Images < c.N:
		return fmt.Errorf("images is %d, must be at least n, %d", c.Images, c.N)
	case !positive(c.Threshold):
		return fmt.Errorf("threshold is %v, must be a number above 0", c.Threshold)
	case c.Review != nil && !(positive(*c.Review) && *c.Review < c.Threshold):
		return fmt.Errorf("review is %v, must be above 0 and below the threshold %v", *c.Review, c.Threshold)
	case !finite(c.Mean) || !finite(c.Std) || c.Std < 0:
		return fmt.Errorf("mean %v and std %v must be numbers, std not below 0", c.Mean, c.Std)
	case !share(c.FalseReject) || !share(c.Confidence):
		return fmt.Errorf("false_reject %v and confidence %v must be 0 to 1", c.FalseReject, c.Confidence)
	}
	for q, v := range c.Quantiles {
		if !finite(v) {
			return fmt.Errorf("quantile %s is %v", q, v)
		}
	}
	return c.Look.validate()
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

func positive(v float64) bool { return v > 0 && finite(v) }

func share(v float64) bool { return v >= 0 && v <= 1 }
