package fit

import (
	"time"

	"faird/model/unet"
)

// State is everything that training changes. What comes next depends on it, the
// options and the batches alone.
type State struct {
	Step             int           // steps done
	Spent            time.Duration // training time
	Weights          unet.Weights
	Moment1, Moment2 []float32 // of Adam, as Weights.Parameters
	Identity         Identity  // that a loaded state was saved under
}

func (s *State) vectors() map[string]*[]float32 {
	return map[string]*[]float32{
		unet.InParameters: &s.Weights.Parameters,
		unet.InMoment1:    &s.Moment1,
		unet.InMoment2:    &s.Moment2,
		unet.InStatistics: &s.Weights.Statistics,
	}
}

// finite says whether every number of the state is one.
func (s *State) finite() bool {
	for _, v := range s.vectors() {
		if !finite(*v) {
			return false
		}
	}
	return true
}
