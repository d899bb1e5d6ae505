package fair

import "fmt"

// Scoring holds the constants of eq. 8-10.
type Scoring struct {
	K      float64 `json:"k"`      // weight of the colour term beside the gradient term
	Smooth int     `json:"smooth"` // side of the mean filter in pixels, odd
	Scales int     `json:"scales"` // of MSGMS: 1 is the full size alone
}

// DefaultScoring is the paper's: k = 3e-4, 21x21, two scales.
func DefaultScoring() Scoring { return Scoring{K: 3e-4, Smooth: 21, Scales: 2} }

// SmoothAt is the mean filter for pictures of h x w: the paper's covers 21 of 256
// pixels, this one the same share of the shorter side, to the nearest odd number.
func SmoothAt(h, w int) int {
	const paper, at = 21, 256
	return paper*min(h, w)/at/2*2 + 1
}

// Validate says what is wrong with the constants.
func (s Scoring) Validate() error {
	switch {
	case !(s.K >= 0 && s.K <= 1):
		return fmt.Errorf("scoring: k is %v, must be 0 to 1", s.K)
	case s.Smooth < 1 || s.Smooth%2 == 0 || s.Smooth > 1001:
		return fmt.Errorf("scoring: smooth is %d, must be an odd number of pixels up to 1001", s.Smooth)
	case s.Scales < 1 || s.Scales > 8:
		return fmt.Errorf("scoring: scales is %d, must be 1 to 8", s.Scales)
	}
	return nil
}
