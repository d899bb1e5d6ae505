package pipeline

import (
	"faird/config"
	"faird/publish"
)

// Starting is why a station that the config has named judges nothing yet.
const Starting = "being started: its model is loading"

// expect notes the stations that are on their way; nil: none any more.
func (b *Box) expect(stations []config.Station) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.expected = stations
}

// starting are the states of those on their way that are not there yet. The
// outlet is told of none: a PLC must not take up a station that may never come.
func (b *Box) starting() map[string]publish.StationState {
	b.mu.RLock()
	defer b.mu.RUnlock()
	states := map[string]publish.StationState{}
	for _, s := range b.expected {
		if b.stations[s.Name] == nil {
			states[s.Name] = publish.StationState{Why: Starting, Trigger: s.Trigger.Mode}
		}
	}
	return states
}
