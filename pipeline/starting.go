package pipeline

import "faird/publish"

// Starting is why a station that the config has named judges nothing yet.
const Starting = "being started: its model is loading"

// starting are the states of the stations of configs that are being prepared and
// that are not there yet. The outlet is told of none: a PLC must not take up a
// station that may never come.
func (b *Box) starting() map[string]publish.StationState {
	b.mu.RLock()
	defer b.mu.RUnlock()
	states := map[string]publish.StationState{}
	for _, stations := range b.preparing {
		for _, s := range stations {
			if b.stations[s.Name] == nil {
				states[s.Name] = publish.StationState{Why: Starting, Trigger: s.Trigger.Mode}
			}
		}
	}
	return states
}
