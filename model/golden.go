package model

import (
	"bytes"
	"fmt"
	"image/png"
)

// maxTolerance is how far a golden score may move, as a share of the threshold.
const maxTolerance = 0.05

// GoldenSample is a picture at the model's size whose score is known: the
// proof that this box, with this provider, computes what training computed.
type GoldenSample struct {
	PNG       []byte             `json:"png"` // base64 in JSON
	Defective bool               `json:"defective"`
	Score     float64            `json:"score"`     // computed in float32
	Tolerance map[string]float64 `json:"tolerance"` // absolute, by precision
}

func (g *GoldenSample) validate(s *Spec) error {
	c, err := png.DecodeConfig(bytes.NewReader(g.PNG))
	if err != nil {
		return fmt.Errorf("no PNG picture: %w", err)
	}
	if c.Width != s.Width || c.Height != s.Height {
		return fmt.Errorf("its picture is %dx%d, the model %dx%d", c.Width, c.Height, s.Width, s.Height)
	}
	if !finite(g.Score) || g.Score < 0 {
		return fmt.Errorf("its score is %v", g.Score)
	}
	if len(g.Tolerance) == 0 {
		return fmt.Errorf("it names no tolerance")
	}
	for precision, t := range g.Tolerance {
		if !positive(t) {
			return fmt.Errorf("its tolerance for %s is %v, must be above 0", precision, t)
		}
		if s.Calibration != nil && t > maxTolerance*s.Calibration.Threshold*(1+1e-9) {
			return fmt.Errorf("its tolerance for %s is %v, more than 5%% of the threshold %v", precision, t, s.Calibration.Threshold)
		}
	}
	return nil
}
