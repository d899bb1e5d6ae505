// Package handshake is the agreement of a PLC and a station on who has seen
// what, with the signals of machine-vision PLC modules: ready, trigger, trigger
// ack, busy, inspection completed, results valid, results ack, buffer overrun.
// It is a pure state machine: it knows no clock and no broker, starts nothing,
// and never decides whether a picture is taken or what the verdict is.
package handshake

import (
	"slices"

	"faird/verdict"
)

// Machine is one station's side. Its methods are not safe for concurrent use.
type Machine struct {
	depth                int
	tell                 func(Status)
	acquisition, results State

	stationReady bool
	why          string
	held         *verdict.Trigger // the trigger that the PLC holds
	message      bool             // the newest trigger is a message: nobody takes it back
	buffer       []Result

	missed, completed, overrun bool
	newest                     Acquisition
	counts                     Counts
}

// input is what an event brings along.
type input struct {
	trigger verdict.Trigger
	result  Result
	id      string
}

// New makes a machine with a results buffer of depth, 1 at least. It tells
// every status there is to see, in order.
func New(depth int, tell func(Status)) *Machine {
	return &Machine{depth: max(depth, 1), tell: tell, acquisition: NotReady, results: Empty}
}

// SetReady says whether the station can judge: why is empty where it can.
func (m *Machine) SetReady(why string) {
	e := StationReady
	if why != "" {
		e = StationNotReady
	}
	changed := why != m.why
	m.why, m.stationReady = why, why == ""
	if row := m.step(e, input{}); row != nil || changed {
		m.tell(m.Status())
	}
}

// Holds reports whether a trigger is the one that the PLC holds already, or
// names none: no new trigger, whatever made it come again.
func (m *Machine) Holds(t verdict.Trigger) bool {
	return m.held != nil && (t == verdict.Trigger{} || t == *m.held)
}

// Trigger reports whether the trigger is taken. Held is whether the PLC will
// take it back; else it is a message, and counts as taken back once inspected.
func (m *Machine) Trigger(t verdict.Trigger, held bool) bool {
	m.hold(t, held)
	row := m.step(Trigger, input{trigger: t})
	taken := row != nil && slices.Contains(row.Does, Acquire)
	if taken {
		m.message = !held
	}
	m.tell(m.Status())
	return taken
}

// Refuse is a trigger that the station has answered with a no_read at once.
func (m *Machine) Refuse(t verdict.Trigger, held bool) {
	m.hold(t, held)
	e := Trigger
	if m.acquisition == Ready {
		e = TriggerRefused
	}
	m.step(e, input{trigger: t})
	m.tell(m.Status())
}

// AnsweredBefore is a trigger whose id has its verdict already: it is taken
// where the station is ready, and that verdict is its result.
func (m *Machine) AnsweredBefore(t verdict.Trigger, held bool, v *verdict.Verdict) {
	m.hold(t, held)
	r := brief(v)
	if m.acquisition == Ready {
		m.message = !held
		r.Acquisition = m.newest.Number + 1
	}
	m.step(AnsweredBefore, input{trigger: t, result: r})
	m.finish()
}

// TriggerOff is the PLC taking its trigger back.
func (m *Machine) TriggerOff() {
	m.held = nil
	if m.step(TriggerOff, input{}) != nil {
		m.tell(m.Status())
	}
}

// Inspected is the verdict on the trigger that was taken.
func (m *Machine) Inspected(v *verdict.Verdict) {
	r := brief(v)
	r.Acquisition = m.newest.Number
	m.step(Inspected, input{result: r})
	m.finish()
}

// finish takes a message back that has its result.
func (m *Machine) finish() {
	m.tell(m.Status())
	if m.message && m.acquisition == Held {
		m.TriggerOff()
	}
}

func (m *Machine) hold(t verdict.Trigger, held bool) {
	if held {
		m.held = &t
	}
}

// Ack is the PLC acknowledging the verdict id; "" is the result shown.
func (m *Machine) Ack(id string) {
	if m.step(Ack, input{id: id}) != nil {
		m.tell(m.Status())
	}
}

// AckOff is the PLC taking its acknowledgement back: the next result is shown.
func (m *Machine) AckOff() {
	if m.step(AckOff, input{}) != nil {
		m.tell(m.Status())
	}
}

// step carries out the row of the table that fits, if one does.
func (m *Machine) step(e Event, in input) *Row {
	for i := range Table {
		r := &Table[i]
		half := m.half(r.From)
		if *half != r.From || r.Event != e || !m.holds(r.If, in) {
			continue
		}
		*half = r.To
		for _, a := range r.Does {
			m.act(a, in)
		}
		return r
	}
	return nil
}

func (m *Machine) half(s State) *State {
	switch s {
	case Empty, Valid, Acknowledged:
		return &m.results
	default:
		return &m.acquisition
	}
}

func (m *Machine) holds(g Guard, in input) bool {
	switch g {
	case IfReady:
		return m.stationReady
	case IfNotReady:
		return !m.stationReady
	case IfHere:
		return slices.ContainsFunc(m.buffer, func(r Result) bool { return r.ID == in.result.ID })
	case IfRoom:
		return len(m.buffer) < m.depth
	case IfFull:
		return len(m.buffer) >= m.depth
	case IfShown:
		return in.id == "" || in.id == m.buffer[0].ID
	case IfAnother:
		return in.id != "" && in.id != m.buffer[0].ID
	case IfMore:
		return len(m.buffer) > 0
	case IfNoMore:
		return len(m.buffer) == 0
	default:
		return true
	}
}

func (m *Machine) act(a Action, in input) {
	switch a {
	case Acquire:
		m.counts.Triggers++
		m.newest = Acquisition{Number: m.counts.Triggers, Trigger: in.trigger}
		m.missed = false
	case Miss:
		m.counts.Missed++
		m.missed = true
	case Complete:
		m.completed = !m.completed
	case Offer:
		m.step(NewResult, in)
	case Keep:
		m.buffer = append(m.buffer, in.result)
		m.overrun = false
	case Overrun:
		m.counts.Overruns++
		m.overrun = true
	case Take:
		m.buffer = slices.Delete(m.buffer, 0, 1)
		m.counts.Acks++
	case AckError:
		m.counts.AckErrors++
	}
}

func brief(v *verdict.Verdict) Result {
	r := Result{ID: v.ID, Sequence: v.Sequence, Verdict: v.Verdict, Reason: v.Reason, Score: v.Score}
	if v.Trigger != nil {
		r.Trigger = *v.Trigger
	}
	return r
}

// Status is what there is to see now.
func (m *Machine) Status() Status {
	a, r := signals[m.acquisition], signals[m.results]
	s := Status{
		Ready: a.ready, Why: m.why, TriggerAck: a.triggerAck, TriggerMissed: m.missed, Busy: a.busy,
		InspectionCompleted: m.completed, ResultsValid: r.resultsValid, BufferOverrun: m.overrun,
		Acquisition: m.newest, Buffer: Buffer{Depth: m.depth, Used: len(m.buffer)}, Counts: m.counts,
	}
	if s.ResultsValid {
		shown := m.buffer[0]
		s.Result = &shown
	}
	return s
}
