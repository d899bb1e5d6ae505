package pipeline

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"faird/config"
	"faird/publish"
	"faird/publish/handshake"
	"faird/store"
	"faird/verdict"
)

// of is a trigger of a part.
func of(id, part string) publish.Trigger {
	return publish.Trigger{ID: id, Part: part, Received: time.Now()}
}

// patient gives a station all the time that a busy machine may take.
func patient(r *rig) { r.conf.Trigger.Deadline = time.Minute }

// pass has the station judge a trigger.
func (r *rig) pass(t publish.Trigger) *verdict.Verdict {
	r.t.Helper()
	r.Trigger(t)
	time.Sleep(5 * time.Millisecond)
	r.source.show(1)
	v := r.verdict()
	if v.Verdict != verdict.Pass || *v.Trigger != (verdict.Trigger{ID: t.ID, Part: t.Part}) {
		r.t.Fatalf("%s %s %q for %+v, want pass", v.Verdict, v.Reason, v.Detail, v.Trigger)
	}
	return v
}

// conflict holds that a trigger is answered as invalid, on its own.
func (r *rig) conflict(t publish.Trigger, detail ...string) *verdict.Verdict {
	r.t.Helper()
	r.Trigger(t)
	v := r.verdict()
	if v.Verdict != verdict.NoRead || v.Reason != verdict.InvalidTrigger || *v.Trigger != (verdict.Trigger{ID: t.ID, Part: t.Part}) {
		r.t.Errorf("%s %s %q for %+v, want no_read invalid_trigger", v.Verdict, v.Reason, v.Detail, v.Trigger)
	}
	for _, says := range detail {
		if !strings.Contains(v.Detail, says) {
			r.t.Errorf("%q does not say %q", v.Detail, says)
		}
	}
	return v
}

// same holds that a trigger gets the answer it had.
func (r *rig) same(t publish.Trigger, first *verdict.Verdict) {
	r.t.Helper()
	r.Trigger(t)
	if v := r.repeat(); v.ID != first.ID || *v.Trigger != *first.Trigger {
		r.t.Errorf("%+v is answered with %s for %+v, want %s", t, v.ID, v.Trigger, first.ID)
	}
}

var conflicts = map[string]struct{ first, second, one, two string }{
	"another part":         {"A", "B", `the part "A"`, `the part "B"`},
	"the part is left out": {"A", "", `the part "A"`, `no part`},
	"the part is added":    {"", "B", `no part`, `the part "B"`},
}

func TestAnIDBelongsToOnePart(t *testing.T) {
	for name, c := range conflicts {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, "mqtt", patient)
			first := r.pass(of("t1", c.first))
			seen := map[string]bool{first.ID: true}
			for range 2 { // each is answered anew
				v := r.conflict(of("t1", c.second), `"t1"`, c.one, c.two)
				if seen[v.ID] {
					t.Errorf("the verdict %s is given twice", v.ID)
				}
				seen[v.ID] = true
			}
			r.same(of("t1", c.first), first)
			r.silent(2 * deadline)
		})
	}
}

func TestAnIDBelongsToThePartThatIsBeingJudged(t *testing.T) {
	for name, c := range conflicts {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, "mqtt", func(r *rig) {
				patient(r)
				r.inspector.hold, r.inspector.began = make(chan struct{}), make(chan struct{}, 1)
			})
			r.Trigger(of("t1", c.first))
			time.Sleep(5 * time.Millisecond)
			r.source.show(1)
			<-r.inspector.began
			r.conflict(of("t1", c.second), c.one, c.two)
			close(r.inspector.hold)
			first := r.verdict()
			if first.Verdict != verdict.Pass || first.Trigger.Part != c.first {
				t.Errorf("%s %s for %+v, want the pass of the first", first.Verdict, first.Reason, first.Trigger)
			}
			r.same(of("t1", c.first), first)
			r.conflict(of("t1", c.second), c.one, c.two)
			r.silent(deadline)
		})
	}
}

// The store is opened anew each time, as after a restart.
func TestAnIDBelongsToOnePartAfterARestart(t *testing.T) {
	for name, c := range conflicts {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			begin := func() (r *rig, end func()) {
				s, err := store.Open(config.Store{Path: folder}, zerolog.Nop())
				if err != nil {
					t.Fatal(err)
				}
				r = newRig(t, "mqtt", func(r *rig) { patient(r); r.deps.Ledger = s })
				return r, func() { r.stop(); s.Close() }
			}
			r, end := begin()
			r.conflict(publish.Trigger{ID: "t1", Part: c.second, Received: time.Now(), Err: errors.New("trigger: not JSON")})
			first := r.pass(of("t1", c.first))
			r.conflict(of("t1", c.second))
			end()

			r, end = begin() // the other part comes first
			r.conflict(of("t1", c.second), c.one, c.two)
			r.same(of("t1", c.first), first)
			r.conflict(of("t1", c.second), c.one, c.two)
			end()

			r, end = begin() // the first part comes first
			r.same(of("t1", c.first), first)
			r.conflict(of("t1", c.second), c.one, c.two)
			r.same(of("t1", c.first), first)
			end()
		})
	}
}

// What cannot be read names nothing: it is answered each time, takes no id, and
// is never the answer to one.
func TestUnreadableTriggersTakeNoID(t *testing.T) {
	r := newRig(t, "mqtt", patient)
	damaged := of("t1", "A")
	damaged.Err = errors.New("trigger: not JSON")
	one, two := r.conflict(damaged, "not JSON"), r.conflict(damaged, "not JSON")
	if one.ID == two.ID {
		t.Errorf("both are answered with %s", one.ID)
	}
	first := r.pass(of("t1", "A"))
	r.conflict(damaged, "not JSON")
	r.same(of("t1", "A"), first)
	r.stop()
	r.conflict(damaged, "not JSON")
	r.conflict(of("t1", "B"), `the part "A"`)
	r.same(of("t1", "A"), first)
}

// The PLC holds its trigger's bit and says another part.
func TestABitThatIsHeldBelongsToOnePart(t *testing.T) {
	r := shakenRig(t, patient)
	bit := func(id, part string) publish.Trigger {
		on := true
		trigger := of(id, part)
		trigger.Level = &on
		return trigger
	}
	r.status("ready", bitsAre(true, false, false, false))
	r.Trigger(bit("t1", "A"))
	r.status("triggered", bitsAre(false, true, true, false))
	r.conflict(bit("t1", "B"), `the part "A"`, `the part "B"`)
	r.status("missed", func(s handshake.Status) bool { return s.TriggerMissed && s.Acquisition.Trigger.Part == "A" })
	r.source.show(1)
	first := r.verdict()
	if first.Verdict != verdict.Pass || first.Trigger.Part != "A" {
		t.Errorf("%s for %+v, want the pass of A", first.Verdict, first.Trigger)
	}
	s := r.status("a result", func(s handshake.Status) bool { return s.ResultsValid })
	if s.Result.ID != first.ID || s.Result.Trigger.Part != "A" {
		t.Errorf("result %+v", s.Result)
	}
}

// Many triggers with few ids: each answer has the part that its trigger had.
func TestEveryAnswerHasItsOwnPart(t *testing.T) {
	r := newRig(t, "mqtt", patient)
	owner := map[string]string{}
	for i := range 60 {
		id, part := fmt.Sprint("t", i%7), fmt.Sprint("p", i%3)
		switch owned, taken := owner[id]; {
		case !taken:
			owner[id] = part
			r.pass(of(id, part))
		case owned != part:
			r.conflict(of(id, part))
		default:
			r.Trigger(of(id, part))
			if v := r.repeat(); v.Trigger.ID != id || v.Trigger.Part != part {
				t.Fatalf("%s of %s is answered with that of %+v", id, part, v.Trigger)
			}
		}
	}
}
