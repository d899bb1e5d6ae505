package publish

import (
	"reflect"
	"slices"
	"time"

	"faird/verdict"
)

// table is what is retained on the broker, or ought to be.
type table struct {
	names   []string // of the stations; nil until they are known
	states  map[string]*stationRow
	gone    []string // stations whose retained messages are to be cleared
	renewed bool     // names changed: subscriptions are to follow
}

type stationRow struct {
	state  StationState
	dirty  bool // differs from what was sent
	urgent bool // in more than its counts
}

func newTable() table { return table{states: map[string]*stationRow{}} }

// set returns whether the state is to be sent at once.
func (t *table) set(name string, s StationState) bool {
	row := t.states[name]
	if row == nil {
		row = &stationRow{}
		t.states[name] = row
	} else if same(row.state, s) {
		return row.urgent
	}
	row.urgent = row.urgent || !sameButCounts(row.state, s)
	row.state, row.dirty = s, true
	return row.urgent
}

func same(a, b StationState) bool {
	return a.Counts == b.Counts && a.Camera.FPS == b.Camera.FPS && slices.Equal(a.Drift, b.Drift) && sameButCounts(a, b)
}

func sameButCounts(a, b StationState) bool {
	if !equal(a.Threshold, b.Threshold) || !equal(a.Review, b.Review) {
		return false
	}
	if !a.Camera.Since.Equal(b.Camera.Since.Time) {
		return false
	}
	if !slices.EqualFunc(a.Drift, b.Drift, sameDrift) {
		return false
	}
	for _, s := range []*StationState{&a, &b} {
		s.Threshold, s.Review, s.Counts, s.Camera.FPS = nil, nil, Counts{}, 0
		s.Camera.Since, s.Time, s.Drift = verdict.Time{}, verdict.Time{}, nil
	}
	return reflect.DeepEqual(a, b)
}

// sameDrift says whether two are one alarm, whatever its value by now.
func sameDrift(a, b Drift) bool {
	return a.What == b.What && a.Region == b.Region && a.Since.Equal(b.Since.Time)
}

func equal(a, b *float64) bool {
	return a == b || a != nil && b != nil && *a == *b
}

func (t *table) setNames(names []string) {
	for _, name := range t.names {
		if !slices.Contains(names, name) {
			t.gone = append(t.gone, name)
			delete(t.states, name)
		}
	}
	t.gone = slices.DeleteFunc(t.gone, func(name string) bool { return slices.Contains(names, name) })
	t.names = append([]string{}, names...)
	t.renewed = true
}

// knows is true as long as it is not known which stations there are.
func (t *table) knows(station string) bool {
	return t.names == nil || slices.Contains(t.names, station)
}

// due returns the states to be sent: of every station, of those that changed,
// or of those that changed in more than their counts.
func (t *table) due(every, counts bool, now time.Time) []StationState {
	var out []StationState
	for _, name := range t.names {
		row := t.states[name]
		if row == nil || !every && !row.urgent && !(counts && row.dirty) {
			continue
		}
		row.dirty, row.urgent = false, false
		s := row.state
		s.Time = verdict.Time{Time: now}
		out = append(out, s)
	}
	return out
}

// bits is the short form for the box's state.
func (t *table) bits() map[string]StationBit {
	out := map[string]StationBit{}
	for _, name := range t.names {
		out[name] = StationBit{Why: "starting"}
		if row := t.states[name]; row != nil {
			out[name] = StationBit{Ready: row.state.Ready, Why: row.state.Why}
		}
	}
	return out
}
