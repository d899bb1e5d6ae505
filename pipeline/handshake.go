package pipeline

import (
	"sync"

	"github.com/oklog/ulid/v2"

	"faird/config"
	"faird/publish"
	"faird/publish/handshake"
	"faird/verdict"
)

// shake plays a station's side of the handshake with its PLC. One that is nil,
// of a station without a handshake, takes every trigger and says nothing.
type shake struct {
	mu      sync.Mutex // statuses are told in the order of what happened
	machine *handshake.Machine
}

func newShake(c config.Station, o outlet) *shake {
	if o == nil {
		return nil
	}
	if !c.Handshake.Enabled {
		o.SetHandshake(c.Name, nil)
		return nil
	}
	session := ulid.Make().String()
	h := &shake{machine: handshake.New(c.Handshake.ResultsBuffer, func(s handshake.Status) {
		o.SetHandshake(c.Name, &publish.HandshakeState{Session: session, Status: s})
	})}
	h.machine.SetReady("starting")
	return h
}

func (h *shake) do(f func(*handshake.Machine)) {
	if h == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	f(h.machine)
}

// ready says whether the station can judge; why is empty where it can.
func (h *shake) ready(why string) {
	h.do(func(m *handshake.Machine) { m.SetReady(why) })
}

// level reports whether the message is no new trigger: the PLC takes one back,
// or holds the one it gave.
func (h *shake) level(t publish.Trigger) (old bool) {
	if t.Level == nil || t.Err != nil {
		return false
	}
	h.do(func(m *handshake.Machine) {
		if old = !*t.Level; old {
			m.TriggerOff()
			return
		}
		old = m.Holds(verdict.Trigger{ID: t.ID, Part: t.Part})
	})
	return old
}

// take reports whether the PLC may give this trigger now.
func (h *shake) take(j *job) bool {
	taken := true
	h.do(func(m *handshake.Machine) { taken = m.Trigger(*j.trigger, j.held) })
	return taken
}

// refuse is a trigger that was not taken.
func (h *shake) refuse(j *job) {
	h.do(func(m *handshake.Machine) { m.Refuse(*j.trigger, j.held) })
}

// again is a trigger that has its verdict already.
func (h *shake) again(j *job, v *verdict.Verdict) {
	h.do(func(m *handshake.Machine) { m.AnsweredBefore(*j.trigger, j.held, v) })
}

func (h *shake) inspected(v *verdict.Verdict) {
	h.do(func(m *handshake.Machine) { m.Inspected(v) })
}

func (h *shake) ack(a publish.Ack) {
	h.do(func(m *handshake.Machine) {
		if a.Level == nil || *a.Level {
			m.Ack(a.ID)
		}
		if a.Level == nil || !*a.Level {
			m.AckOff()
		}
	})
}

// whyNot is why a station with a handshake takes no trigger now, or nil: it says
// so at once, rather than waiting for a camera that is not there.
func (s *Station) whyNot() *verdict.Verdict {
	if s.shake == nil {
		return nil
	}
	why := s.notReady()
	s.shake.ready(why)
	st := s.source.Status()
	switch {
	case why == "":
		return nil
	case !st.Connected:
		return s.noRead(verdict.CameraLost, st.Err)
	default:
		return s.noRead(verdict.NotReady, why)
	}
}

// take hands a trigger that can be judged to the judging loop, or answers it.
func (s *Station) take(j *job) *job {
	switch {
	case len(s.busy) > 0: // nobody else puts anything in
		s.refuse(j, s.noRead(verdict.Overrun, "the station is still busy with a trigger past its deadline"))
	case !s.shake.take(j):
		s.deliver(j, s.noRead(verdict.Overrun, "handshake: the trigger came while ready was off"), nil)
	default:
		j.taken = true
		s.busy <- j
		return j
	}
	return nil
}

// refuse answers a trigger that is not judged.
func (s *Station) refuse(j *job, v *verdict.Verdict) {
	s.deliver(j, v, nil)
	s.shake.refuse(j)
}

// Ack takes a PLC's acknowledgement of a result.
func (s *Station) Ack(a publish.Ack) {
	if s.shake == nil {
		s.log.Debug().Str("verdict", a.ID).Msg("an acknowledgement is ignored: handshake.enabled is false")
		return
	}
	s.shake.ack(a)
}

// Ack hands a PLC's acknowledgement to its station.
func (b *Box) Ack(station string, a publish.Ack) {
	if r := b.station(station); r != nil {
		r.Ack(a)
	}
}

// held is whether the PLC holds a trigger until it is acknowledged.
func held(t publish.Trigger) bool { return t.Level != nil && *t.Level }
