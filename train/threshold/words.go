package threshold

import (
	"fmt"

	"faird/model"
)

// Words says what a calibration promises: "120 pictures: the false-reject rate
// is below 2.5% with 95% confidence; for 0.1% show it 2995".
func Words(c *model.Calibration) string {
	allowed := Allowed(c.N, c.FalseReject, c.Confidence)
	if allowed >= 0 {
		return fmt.Sprintf("%d pictures: the false-reject rate is below %s with %s confidence",
			c.N, percent(c.FalseReject), percent(c.Confidence))
	}
	return fmt.Sprintf("%d pictures: the false-reject rate is below %s with %s confidence; for %s show it %d",
		c.N, percent(Bound(c.N, c.Confidence)), percent(c.Confidence), percent(c.FalseReject), Needed(c.FalseReject, c.Confidence))
}

func percent(share float64) string { return fmt.Sprintf("%.2g%%", 100*share) }
