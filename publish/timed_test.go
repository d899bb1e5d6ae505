package publish

import (
	"testing"
	"time"

	"faird/config"
	"faird/verdict"
)

// Verdicts on pictures that go out as they are decided are told once the broker
// has them; what has no picture, is repeated or comes from the backlog is not.
func TestLiveVerdictsAreTimed(t *testing.T) {
	x := newBox(t, config.MQTT{Builtin: config.Builtin{Listen: "127.0.0.1:0"}}, true)
	type told struct {
		station string
		after   time.Duration
	}
	heard := make(chan told, 10)
	x.OnLive(func(station string, after time.Duration) { heard <- told{station, after} })
	shown := func(sequence uint64) *verdict.Verdict {
		v := newVerdict("cap", sequence, verdict.Pass)
		v.Time.Captured = verdict.Time{Time: time.Now().Add(-time.Hour)}
		return v
	}
	x.decide(shown(1)) // without a connection: backlog
	x.run(t).connected(t)
	eventually(t, "the backlog is sent", func() bool { return x.outbox.Waiting().Rows == 0 })
	x.decide(newVerdict("cap", 2, verdict.NoRead))
	x.Repeat(shown(3))
	x.decide(shown(4))
	x.decide(shown(5))
	for range 2 {
		select {
		case got := <-heard:
			if got.station != "cap" || got.after < time.Hour {
				t.Errorf("%+v", got)
			}
		case <-time.After(time.Minute):
			t.Fatal("not told")
		}
	}
	if err := x.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(heard) != 0 {
		t.Errorf("told of %d more", len(heard))
	}
}
