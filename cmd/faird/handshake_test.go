package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"faird/publish"
	"faird/publish/mosquitto"
	"faird/verdict"
)

// shaking is a triggered station with a handshake and a results buffer of two;
// its camera may be slow without being lost.
func shaking(name string, deadline time.Duration) string {
	patient := strings.Replace(triggered(name, demoCam, deadline), "read_timeout: 500ms", "read_timeout: 1m", 1)
	return strings.Replace(patient, "}}\n", "}, handshake: {enabled: true, results_buffer: 2}}\n", 1)
}

// hand is a PLC that plays the handshake of station cap.
type hand struct {
	*plc
	seen int // statuses looked at
}

// status waits for the next status that is what the PLC looks for, and fails on
// one that must never be.
func (h *hand) status(what string, is func(publish.HandshakeState) bool) publish.HandshakeState {
	h.t.Helper()
	var s publish.HandshakeState
	until(h.t, time.Minute, "handshake: "+what, func() bool {
		all := h.on(cap0 + "/handshake")
		for h.seen < len(all) {
			s = publish.HandshakeState{}
			if err := json.Unmarshal(all[h.seen].payload, &s); err != nil {
				h.t.Fatalf("%s: %v", all[h.seen].payload, err)
			}
			h.seen++
			if s.Ready && (s.Busy || s.TriggerAck) || s.ResultsValid != (s.Result != nil) {
				h.t.Fatalf("signals that cannot be: %s", all[h.seen-1].payload)
			}
			if is(s) {
				return true
			}
		}
		return false
	})
	return s
}

func signals(ready, ack, busy, valid bool) func(publish.HandshakeState) bool {
	return func(s publish.HandshakeState) bool {
		return s.Ready == ready && s.TriggerAck == ack && s.Busy == busy && s.ResultsValid == valid
	}
}

func (h *hand) trigger(payload string, args ...any) {
	h.t.Helper()
	h.send(cap0+"/trigger", fmt.Sprintf(payload, args...))
}

func (h *hand) ack(payload string) { h.t.Helper(); h.send(cap0+"/ack", payload) }

// answer is the one verdict on a trigger, whatever its historical flag.
func (h *hand) answer(id string) verdict.Verdict {
	h.t.Helper()
	var v verdict.Verdict
	until(h.t, time.Minute, "the answer to "+id, func() bool {
		for _, v = range h.verdicts("cap") {
			if v.Trigger != nil && v.Trigger.ID == id {
				return true
			}
		}
		return false
	})
	return v
}

// take plays a cycle by messages up to the result, which it leaves.
func (h *hand) take(id string) verdict.Verdict {
	h.t.Helper()
	h.trigger(`{"id":%q,"part":"A"}`, id)
	h.status(id+" taken", func(s publish.HandshakeState) bool { return s.TriggerAck && s.Busy && s.Acquisition.Trigger.ID == id })
	h.status("ready after "+id, func(s publish.HandshakeState) bool { return s.Ready })
	return h.answer(id)
}

func TestHandshakeOverMQTT(t *testing.T) {
	broker := mosquitto.New(t)
	h := &hand{plc: connect(t, broker.URL())}
	dir := t.TempDir()
	start(t, dir, nil, "run", "--config", write(t, dir, "faird.yaml", configText(t, broker.URL(), shaking("cap", 30*time.Second))))
	first := h.status("ready", signals(true, false, false, false))
	if first.Session == "" || first.Buffer.Depth != 2 || first.Station != "cap" {
		t.Errorf("%+v", first)
	}

	// A cycle by messages.
	h.trigger(`{"id":"m-1","part":"A-1"}`)
	h.status("taken", signals(false, true, true, false))
	s := h.status("a result", signals(true, false, false, true))
	if v := h.answer("m-1"); s.Result.ID != v.ID || s.Result.Trigger.Part != "A-1" || s.Result.Verdict != v.Verdict || s.InspectionCompleted == first.InspectionCompleted {
		t.Errorf("result %+v, completed %t; the verdict is %+v", s.Result, s.InspectionCompleted, v)
	}
	h.ack(fmt.Sprintf(`{"id":%q}`, s.Result.ID))
	h.status("acknowledged", signals(true, false, false, false))

	// The acknowledgement comes twice, and of what nobody knows.
	for _, id := range []string{s.Result.ID, "nobody's"} {
		errors := h.newest().Counts.AckErrors
		h.ack(id)
		h.status("refused", func(s publish.HandshakeState) bool { return s.Counts.AckErrors > errors })
	}

	// A cycle by bits; the trigger is held, and sent again while it is.
	for range 3 {
		h.trigger(`{"trigger":true,"id":"l-1"}`)
	}
	h.status("triggered", signals(false, true, true, false))
	s = h.status("held past the inspection", signals(false, true, false, true))
	h.trigger(`{"trigger":true,"id":"l-2"}`) // another one, before that is taken back
	h.status("missed", func(s publish.HandshakeState) bool { return s.TriggerMissed && s.TriggerAck })
	if v := h.answer("l-2"); v.Reason != verdict.Overrun {
		t.Errorf("%s %s, want no_read overrun", v.Verdict, v.Reason)
	}
	h.trigger(`{"trigger":false}`)
	h.status("taken back", signals(true, false, false, true))
	h.ack(`{"ack":true}`)
	h.status("ack set", signals(true, false, false, false))
	h.ack(`{"ack":true}`)
	h.ack(`{"ack":false}`)

	// A trigger while busy.
	h.trigger(`{"id":"b-1"}`)
	h.trigger(`{"id":"b-2"}`)
	h.status("missed", func(s publish.HandshakeState) bool { return s.TriggerMissed && s.Acquisition.Trigger.ID == "b-1" })
	if v := h.answer("b-2"); v.Reason != verdict.Overrun {
		t.Errorf("%s %s, want no_read overrun", v.Verdict, v.Reason)
	}
	s = h.status("the first's result", func(s publish.HandshakeState) bool { return s.Ready && s.ResultsValid })

	// The buffer runs over; no verdict is lost.
	h.take("o-1")
	h.take("o-2")
	over := h.newest()
	if !over.BufferOverrun || over.Counts.Overruns != 1 || over.Result.ID != s.Result.ID || over.Buffer.Used != 2 || over.TriggerMissed {
		t.Errorf("%+v", over)
	}
	h.ack(over.Result.ID)
	next := h.status("the next result", func(s publish.HandshakeState) bool { return s.ResultsValid && s.Result.Trigger.ID == "o-1" })
	h.ack(next.Result.ID)
	h.status("empty", func(s publish.HandshakeState) bool { return s.Buffer.Used == 0 })
	h.take("o-3")
	if h.newest().BufferOverrun {
		t.Error("the overrun stands although there was room")
	}
	h.ack(h.answer("o-3").ID)

	// A trigger while the station is not ready.
	h.send(cap0+"/command", `{"id":"c","command":"pause","by":"ann"}`)
	h.status("paused", func(s publish.HandshakeState) bool { return !s.Ready && strings.Contains(s.Why, "ann") })
	h.trigger(`{"id":"p-1"}`)
	h.status("missed", func(s publish.HandshakeState) bool { return s.TriggerMissed && !s.Ready })
	if v := h.answer("p-1"); v.Reason != verdict.Paused {
		t.Errorf("%s %s, want no_read paused", v.Verdict, v.Reason)
	}
	h.send(cap0+"/command", `{"id":"d","command":"resume"}`)
	h.status("ready again", func(s publish.HandshakeState) bool { return s.Ready })
	answers := map[string]string{}
	for _, v := range h.verdicts("cap") {
		if id, twice := answers[v.Trigger.ID]; twice && id != v.ID {
			t.Errorf("%s has two answers: %s and %s", v.Trigger.ID, id, v.ID)
		}
		answers[v.Trigger.ID] = v.ID
	}
	if len(answers) != 9 {
		t.Errorf("%d triggers answered, want 9: %v", len(answers), answers)
	}
}

// newest is the newest status, with nothing left to look at.
func (h *hand) newest() publish.HandshakeState {
	h.t.Helper()
	var s publish.HandshakeState
	h.last(cap0+"/handshake", &s)
	h.seen = len(h.on(cap0 + "/handshake"))
	return s
}

// TestHandshakeBrokenInTheMiddle takes the broker away while a result waits, and
// then faird itself, while a trigger is in hand.
func TestHandshakeBrokenInTheMiddle(t *testing.T) {
	broker := mosquitto.New(t)
	h := &hand{plc: connect(t, broker.URL())}
	dir := t.TempDir()
	conf := write(t, dir, "faird.yaml", configText(t, broker.URL(), shaking("cap", 30*time.Second)))
	p := start(t, dir, nil, "run", "--config", conf)
	session := h.status("ready", signals(true, false, false, false)).Session
	first := h.take("r-1")

	broker.Kill()
	time.Sleep(300 * time.Millisecond)
	broker.Start() // it has lost what it retained
	h = &hand{plc: connect(t, broker.URL())}
	s := h.status("the result still waits", signals(true, false, false, true))
	if s.Session != session || s.Result.ID != first.ID {
		t.Errorf("session %s, result %+v, want %s and %s", s.Session, s.Result, session, first.ID)
	}
	h.ack(`{"ack":true}`)
	h.status("acknowledged", signals(true, false, false, false))

	h.trigger(`{"id":"r-2"}`)
	h.status("in hand", func(s publish.HandshakeState) bool { return s.Acquisition.Trigger.ID == "r-2" })
	_ = p.cmd.Process.Kill()
	<-p.exited
	start(t, dir, nil, "run", "--config", conf)
	s = h.status("begun anew", func(s publish.HandshakeState) bool { return s.Session != session && s.Ready })
	if s.ResultsValid || s.Counts.Triggers != 0 || s.Buffer.Used != 0 {
		t.Errorf("%+v: want nothing in hand, and no acknowledgement remembered", s)
	}
	h.ack(`{"ack":false}`)               // of the bit that was set before
	h.trigger(`{"id":"r-2"}`)            // its answer was not seen
	h.trigger(`{"id":"r-1","part":"A"}`) // answered before the restart
	s = h.status("a result", func(s publish.HandshakeState) bool { return s.ResultsValid })
	for range 2 {
		want := h.answer(s.Result.Trigger.ID)
		if s.Result.ID != want.ID || s.Result.Trigger.ID == "r-1" && s.Result.ID != first.ID {
			t.Errorf("result %+v, the verdict is %s", s.Result, want.ID)
		}
		id := s.Result.ID
		h.ack(id)
		s = h.status("the other result", func(s publish.HandshakeState) bool { return s.Counts.Acks == 2 || s.ResultsValid && s.Result.ID != id })
	}
}
