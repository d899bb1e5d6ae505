package handshake

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"faird/verdict"
)

// player is a PLC that notes every status.
type player struct {
	*Machine
	t        *testing.T
	statuses []Status
	verdicts uint64
}

func newPlayer(t *testing.T, depth int) *player {
	p := &player{t: t}
	p.Machine = New(depth, func(s Status) { p.statuses = append(p.statuses, s) })
	return p
}

// verdict is the next one, on a trigger.
func (p *player) verdict(id string) *verdict.Verdict {
	p.verdicts++
	score := 0.1
	return &verdict.Verdict{
		ID: fmt.Sprint("v", p.verdicts), Sequence: p.verdicts, Verdict: verdict.Pass, Score: &score,
		Trigger: &verdict.Trigger{ID: id, Part: "A-" + id},
	}
}

// inspect is a whole inspection of a trigger that comes as a message.
func (p *player) inspect(id string) *verdict.Verdict {
	p.t.Helper()
	if !p.Trigger(verdict.Trigger{ID: id}, false) {
		p.t.Fatalf("trigger %s was not taken: %s", id, p.show())
	}
	v := p.verdict(id)
	p.Inspected(v)
	return v
}

// show is the signals in short: those that are set, the result and the counts.
func (p *player) show() string {
	s := p.Status()
	var out []string
	for _, bit := range []struct {
		name string
		set  bool
	}{
		{"ready", s.Ready},
		{"trigger_ack", s.TriggerAck},
		{"missed", s.TriggerMissed},
		{"busy", s.Busy},
		{"completed", s.InspectionCompleted},
		{"valid", s.ResultsValid},
		{"overrun", s.BufferOverrun},
	} {
		if bit.set {
			out = append(out, bit.name)
		}
	}
	if (s.Result != nil) != s.ResultsValid {
		p.t.Errorf("results_valid %t with result %v", s.ResultsValid, s.Result)
	}
	if s.Result != nil {
		out = append(out, s.Result.ID)
	}
	return strings.Join(out, " ")
}

func (p *player) is(want string) {
	p.t.Helper()
	if got := p.show(); got != want {
		p.t.Errorf("signals %q, want %q", got, want)
	}
}

func trigger(id string) verdict.Trigger { return verdict.Trigger{ID: id} }

func TestOneCycleWithLevels(t *testing.T) {
	p := newPlayer(t, 2)
	p.is("")
	p.SetReady("")
	p.is("ready")
	if !p.Trigger(trigger("t1"), true) {
		t.Fatal("not taken")
	}
	p.is("trigger_ack busy")
	p.TriggerOff()
	p.is("busy")
	v := p.verdict("t1")
	p.Inspected(v)
	p.is("ready completed valid v1")
	s := p.Status()
	if r := s.Result; r.ID != v.ID || r.Sequence != 1 || r.Verdict != verdict.Pass || *r.Score != 0.1 || r.Trigger != *v.Trigger || r.Acquisition != 1 {
		t.Errorf("result %+v", r)
	}
	if s.Acquisition.Number != 1 || s.Acquisition.Trigger.ID != "t1" || s.Buffer != (Buffer{Depth: 2, Used: 1}) {
		t.Errorf("%+v", s)
	}
	p.Ack("")
	p.is("ready completed")
	p.AckOff()
	p.is("ready completed")
	p.inspect("t2")
	p.is("ready valid v2") // the toggle went back
}

func TestOneCycleWithMessages(t *testing.T) {
	p := newPlayer(t, 2)
	p.SetReady("")
	p.Trigger(trigger("t1"), false)
	p.is("trigger_ack busy")
	p.Inspected(p.verdict("t1"))
	p.is("ready completed valid v1")
	p.Ack("v1")
	p.AckOff()
	p.is("ready completed")
	var seen []string
	for _, s := range p.statuses {
		seen = append(seen, fmt.Sprintf("%t/%t/%t/%t", s.Ready, s.TriggerAck, s.Busy, s.ResultsValid))
	}
	want := "true/false/false/false false/true/true/false false/true/false/true true/false/false/true true/false/false/false true/false/false/false"
	if got := strings.Join(seen, " "); got != want {
		t.Errorf("ready/ack/busy/valid %s\nwant %s", got, want)
	}
}

// The wrong orders, each after a word on what the PLC did.
func TestWrongOrders(t *testing.T) {
	for name, c := range map[string]struct {
		play func(*player)
		want string
	}{
		"trigger before the station is ready": {func(p *player) { p.Trigger(trigger("a"), false) }, "missed"},
		"trigger while the station is not ready": {func(p *player) {
			p.SetReady("")
			p.SetReady("camera lost")
			p.Trigger(trigger("a"), false)
		}, "missed"},
		"trigger while busy": {func(p *player) {
			p.SetReady("")
			p.Trigger(trigger("a"), true)
			p.TriggerOff()
			p.Trigger(trigger("b"), true)
		}, "missed busy"},
		"a taken trigger clears the missed one": {func(p *player) {
			p.Trigger(trigger("a"), false)
			p.SetReady("")
			p.Trigger(trigger("b"), false)
		}, "trigger_ack busy"},
		"trigger held past the inspection": {func(p *player) {
			p.SetReady("")
			p.Trigger(trigger("a"), true)
			p.Inspected(p.verdict("a"))
		}, "trigger_ack completed valid v1"},
		"another trigger while it is held": {func(p *player) {
			p.SetReady("")
			p.Trigger(trigger("a"), true)
			p.Inspected(p.verdict("a"))
			p.Trigger(trigger("b"), true)
		}, "trigger_ack missed completed valid v1"},
		"held, taken back when the station is not ready": {func(p *player) {
			p.SetReady("")
			p.Trigger(trigger("a"), true)
			p.SetReady("paused")
			p.Inspected(p.verdict("a"))
			p.TriggerOff()
		}, "completed valid v1"},
		"refused by the station": {func(p *player) {
			p.SetReady("")
			p.Refuse(trigger("stale"), false)
		}, "ready missed"},
		"acknowledges nothing": {func(p *player) { p.SetReady(""); p.Ack("") }, "ready"},
		"acknowledges before the result": {func(p *player) {
			p.SetReady("")
			p.Ack("")
			p.inspect("a")
		}, "ready completed"},
		"and takes that back": {func(p *player) {
			p.SetReady("")
			p.Ack("")
			p.inspect("a")
			p.AckOff()
		}, "ready completed valid v1"},
		"acknowledges another result": {func(p *player) {
			p.SetReady("")
			p.inspect("a")
			p.Ack("v77")
		}, "ready completed valid v1"},
		"acknowledges twice, holding": {func(p *player) {
			p.SetReady("")
			p.inspect("a")
			p.inspect("b")
			p.Ack("v1")
			p.Ack("v1")
		}, "ready"},
		"acknowledges twice, by messages": {func(p *player) {
			p.SetReady("")
			p.inspect("a")
			p.inspect("b")
			for range 2 {
				p.Ack("v1")
				p.AckOff()
			}
		}, "ready valid v2"},
		"takes back what it did not acknowledge": {func(p *player) {
			p.SetReady("")
			p.inspect("a")
			p.AckOff()
		}, "ready completed valid v1"},
		"takes back a trigger that it did not give": {func(p *player) { p.SetReady(""); p.TriggerOff() }, "ready"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlayer(t, 2)
			p.t = t
			c.play(p)
			p.is(c.want)
		})
	}
}

func TestTheSameTriggerHeldIsNoNewOne(t *testing.T) {
	p := newPlayer(t, 2)
	p.SetReady("")
	p.Trigger(verdict.Trigger{ID: "a", Part: "A"}, true)
	for again, want := range map[verdict.Trigger]bool{
		{ID: "a", Part: "A"}: true, {}: true, {ID: "b", Part: "A"}: false, {ID: "a", Part: "B"}: false, {ID: "a"}: false, {Part: "A"}: false,
	} {
		if p.Holds(again) != want {
			t.Errorf("%+v held %t, want %t", again, !want, want)
		}
	}
	p.TriggerOff()
	if p.Holds(verdict.Trigger{ID: "a", Part: "A"}) {
		t.Error("held after it was taken back")
	}
	p.Refuse(trigger("c"), true) // a refused one is held as well, until it is taken back
	if !p.Holds(trigger("")) {
		t.Error("a refused trigger that is held counts as a new one")
	}
}

func TestResultsBuffer(t *testing.T) {
	p := newPlayer(t, 2)
	p.SetReady("")
	p.inspect("a")
	p.inspect("b")
	p.is("ready valid v1")
	p.inspect("c")
	p.is("ready completed valid overrun v1")
	if c := p.Status().Counts; c.Overruns != 1 || c.Triggers != 3 {
		t.Errorf("counts %+v", c)
	}
	p.Ack("v1")
	p.is("ready completed overrun")
	p.AckOff()
	p.is("ready completed valid overrun v2") // v3 is on the verdict topic alone
	p.inspect("d")
	p.is("ready valid v2") // there was room: the overrun is over
	for _, id := range []string{"v2", "v4"} {
		p.Ack(id)
		p.AckOff()
	}
	p.is("ready")
	if s := p.Status(); s.Buffer.Used != 0 || s.Counts.Acks != 3 {
		t.Errorf("%+v", s)
	}
}

func TestAnsweredBefore(t *testing.T) {
	p := newPlayer(t, 2)
	p.SetReady("")
	old := p.inspect("a")
	p.AnsweredBefore(trigger("a"), false, old) // not acknowledged yet: shown already
	p.is("ready valid v1")
	if s := p.Status(); s.Buffer.Used != 1 || s.Counts.Triggers != 2 {
		t.Errorf("%+v: the result is in the buffer twice, or the trigger was not taken", s)
	}
	p.Ack("v1")
	p.AckOff()
	p.AnsweredBefore(trigger("a"), true, old) // the PLC forgot it
	p.is("trigger_ack completed valid v1")
	p.TriggerOff()
	p.Ack("")
	p.Trigger(trigger("b"), true)
	p.AnsweredBefore(trigger("a"), false, old) // while another one is in hand
	p.AckOff()
	p.is("trigger_ack busy completed valid v1")
	if r := p.Status().Result; r.Acquisition != 0 {
		t.Errorf("acquisition %d of a trigger that was not taken", r.Acquisition)
	}
}

// TestEveryEdge walks every sequence of events up to a length: each row of the
// table is gone over, and what must always hold does.
func TestEveryEdge(t *testing.T) {
	type letter struct {
		event Event
		input input
	}
	letters := []letter{
		{StationReady, input{}},
		{StationNotReady, input{}},
		{Trigger, input{}},
		{TriggerOff, input{}},
		{TriggerRefused, input{}},
		{Inspected, input{result: Result{ID: "1"}}},
		{AnsweredBefore, input{result: Result{ID: "2"}}},
		{NewResult, input{result: Result{ID: "1"}}},
		{NewResult, input{result: Result{ID: "3"}}},
		{Ack, input{}},
		{Ack, input{id: "another"}},
		{AckOff, input{}},
	}
	gone := map[*Row]bool{}
	var walk func(m Machine, depth int)
	walk = func(m Machine, depth int) {
		for _, l := range letters {
			next := m
			next.buffer = slices.Clone(m.buffer)
			if l.event == StationReady || l.event == StationNotReady {
				next.stationReady = l.event == StationReady
			}
			gone[next.step(l.event, l.input)] = true
			checkSignals(t, next.Status())
			if depth > 1 {
				walk(next, depth-1)
			}
		}
	}
	walk(*New(2, nil), 5)
	for i := range Table {
		if r := &Table[i]; !gone[r] {
			t.Errorf("no way over %s + %s [%s] > %s", r.From, r.Event, r.If, r.To)
		}
	}
}

// checkSignals holds what is true in every state.
func checkSignals(t *testing.T, s Status) {
	t.Helper()
	if s.Ready && (s.Busy || s.TriggerAck) || s.ResultsValid != (s.Result != nil) || s.Buffer.Used > s.Buffer.Depth {
		t.Fatalf("%+v", s)
	}
	if s.ResultsValid && s.Buffer.Used == 0 {
		t.Fatalf("%+v: a result is shown that is not in the buffer", s)
	}
}

func TestTableIsUnambiguous(t *testing.T) {
	seen := map[string]bool{}
	guarded := map[string]map[bool]bool{}
	for _, r := range Table {
		key := fmt.Sprint(r.From, r.Event)
		if seen[key+string(r.If)] {
			t.Errorf("%s + %s [%s] is there twice", r.From, r.Event, r.If)
		}
		seen[key+string(r.If)] = true
		if guarded[key] == nil {
			guarded[key] = map[bool]bool{}
		}
		guarded[key][r.If != ""] = true
		if _, known := signals[r.From]; !known {
			t.Errorf("%s has no signals", r.From)
		}
		if _, known := signals[r.To]; !known {
			t.Errorf("%s has no signals", r.To)
		}
	}
	for key, kinds := range guarded {
		if len(kinds) > 1 {
			t.Errorf("%s: some rows have a guard and others none", key)
		}
	}
}
