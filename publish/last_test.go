package publish

import (
	"testing"

	"faird/config"
	"faird/publish/mosquitto"
	"faird/verdict"
)

// A daemon that starts learns its stations after it has connected; the broker
// may have lost what it kept. The newest verdict comes from the disk all the same.
func TestLastComesFromTheDisk(t *testing.T) {
	m := mosquitto.New(t)
	x := newBox(t, config.MQTT{Broker: m.URL()}, true)
	v := newVerdict("cap", 7, verdict.Fail)
	x.outbox.commit(v)
	x.initial = 1
	x.run(t).connected(t)
	plc := newPLC(t, m.URL())
	eventually(t, "the box's state", func() bool { return len(plc.on("state")) > 0 })
	x.SetStations([]string{"cap"})
	eventually(t, "the newest verdict", func() bool { return len(plc.on("cap/last")) > 0 })
	if got, _ := newest[verdict.Verdict](t, plc, "cap/last"); got.ID != v.ID || got.Historical {
		t.Errorf("last is %s, historical %t; want %s as it was decided", got.ID, got.Historical, v.ID)
	}
	x.SetStations(nil)
	eventually(t, "it is cleared", func() bool { _, there := newest[verdict.Verdict](t, plc, "cap/last"); return !there })
	x.outbox.commit(v)
	x.SetStations([]string{"cap"})
	eventually(t, "it is back with its station", func() bool { _, there := newest[verdict.Verdict](t, plc, "cap/last"); return there })
}
