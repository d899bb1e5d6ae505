package sparkplug

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"

	"faird/config"
	"faird/verdict"
)

func TestHostStateMessages(t *testing.T) {
	type step struct {
		payload string
		online  bool
		err     string
	}
	tests := map[string][]step{
		"comes and goes":           {{`{"online":true,"timestamp":10}`, true, ""}, {`{"online":false,"timestamp":10}`, false, ""}, {`{"online":true,"timestamp":20}`, true, ""}},
		"first is valid":           {{`{"online":false,"timestamp":10}`, false, ""}},
		"older online":             {{`{"online":false,"timestamp":10}`, false, ""}, {`{"online":true,"timestamp":9}`, false, "before that of 10"}},
		"older offline":            {{`{"online":true,"timestamp":10}`, true, ""}, {`{"online":false,"timestamp":9}`, true, "before that of 10"}},
		"will after clean death":   {{`{"online":true,"timestamp":10}`, true, ""}, {`{"online":false,"timestamp":15}`, false, ""}, {`{"online":false,"timestamp":10}`, false, ""}, {`{"online":true,"timestamp":14}`, false, "before that of 15"}},
		"same again":               {{`{"online":true,"timestamp":10}`, true, ""}, {`{"online":true,"timestamp":10}`, true, ""}},
		"neither":                  {{`{"online":true}`, false, "lacks"}, {`{"timestamp":3}`, false, "lacks"}, {`ONLINE`, false, "not JSON"}, {`{"online":"true","timestamp":3}`, false, "not JSON"}},
		"nonsense changes nothing": {{`{"online":true,"timestamp":10}`, true, ""}, {`OFFLINE`, true, "not JSON"}},
	}
	for name, steps := range tests {
		var h host
		for i, s := range steps {
			err := h.hear([]byte(s.payload))
			if h.online != s.online || (err == nil) != (s.err == "") || err != nil && !strings.Contains(err.Error(), s.err) {
				t.Errorf("%s, step %d: online %t, %v; want %t, %q", name, i, h.online, err, s.online, s.err)
			}
		}
	}
}

func TestBirthWaitsForThePrimaryHost(t *testing.T) {
	r := newRig(t, config.Sparkplug{PrimaryHost: "scada", Grace: 0}).run()
	eventually(t, "connected", func() bool { return r.Status().Connected })
	r.host.stateOf("another", true, 100)
	r.host.state(false, 100)
	ids := []string{r.decide("cap", verdict.Pass), r.decide("cap", verdict.Fail)}
	time.Sleep(300 * time.Millisecond)
	if n := published(r); n > 0 || r.Status().Born || r.Status().Host {
		t.Errorf("%d messages, status %+v, before the host is online", n, r.Status())
	}
	r.host.state(true, 50) // older than the death
	time.Sleep(200 * time.Millisecond)
	if n := published(r); n > 0 {
		t.Errorf("%d messages on an old STATE", n)
	}
	r.host.state(true, 200)
	r.alive()
	r.delivered()
	eventually(t, "what waited", func() bool { return slices.Equal(r.host.ids("cap", true), ids) })
	if c := packetsOf[*packets.ConnectPacket](r.tap); len(c) != 1 {
		t.Errorf("%d connections, want one that waited", len(c))
	}
	r.host.content()
}

func TestHostGoesOffline(t *testing.T) {
	r := newRig(t, config.Sparkplug{PrimaryHost: "scada"})
	r.host.state(true, 100)
	r.run().alive()
	r.host.state(false, 99) // older than its birth
	time.Sleep(300 * time.Millisecond)
	if !r.Status().Born || len(packetsOf[*packets.DisconnectPacket](r.tap)) > 0 {
		t.Fatal("an old STATE ended the session")
	}
	r.host.state(false, 100)
	eventually(t, "a new connection", func() bool { return len(packetsOf[*packets.ConnectPacket](r.tap)) == 2 })
	var last *packets.PublishPacket
	for _, p := range r.tap.all() {
		if publish, ok := p.(*packets.PublishPacket); ok {
			last = publish
		}
		if _, ok := p.(*packets.DisconnectPacket); ok {
			break
		}
	}
	if last.TopicName != "spBv1.0/plant1/NDEATH/edge7" || last.Retain || deathOf(t, last.Payload) != 0 {
		t.Errorf("the last message before DISCONNECT was on %s", last.TopicName)
	}
	eventually(t, "the host sees the death", func() bool { return !r.host.online("") && !r.host.online("cap") })
	connections := 0
	for _, p := range r.tap.all() {
		switch p.(type) {
		case *packets.ConnectPacket:
			connections++
		case *packets.DisconnectPacket:
			connections--
		}
		if connections > 1 {
			t.Error("connected again before the first connection was ended")
		}
	}
	held := []string{r.decide("cap", verdict.Pass), r.decide("lid", verdict.Fail)}
	time.Sleep(300 * time.Millisecond)
	if r.feed.len() != 2 || r.Status().Born {
		t.Errorf("%d verdicts wait, born %t: want both held while the host is away", r.feed.len(), r.Status().Born)
	}
	r.host.state(true, 300)
	eventually(t, "what was held", func() bool {
		return slices.Contains(r.host.ids("cap", true), held[0]) && slices.Contains(r.host.ids("lid", true), held[1])
	})
	r.delivered()
	if r.host.tag("", "bdSeq").value != int64(1) {
		t.Errorf("bdSeq %v, want that of the second CONNECT", r.host.tag("", "bdSeq").value)
	}
	r.host.content()
}

// What was sent while the host may have been dead already comes again.
func TestGrace(t *testing.T) {
	r := newRig(t, config.Sparkplug{PrimaryHost: "scada", Grace: time.Hour})
	r.host.state(true, 100)
	r.run().alive()
	id := r.decide("cap", verdict.Fail)
	eventually(t, "the verdict", func() bool { return slices.Contains(r.host.ids("cap", false), id) })
	time.Sleep(1200 * time.Millisecond) // over a tick
	if r.feed.len() != 1 {
		t.Fatal("a verdict was taken from the feed within the grace")
	}
	r.host.state(false, 100)
	eventually(t, "the session's end", func() bool { return !r.Status().Born })
	r.host.state(true, 200)
	eventually(t, "the verdict again, as historical", func() bool { return slices.Contains(r.host.ids("cap", true), id) })
	r.stop() // in order, with the host there: nothing to wait for
	if r.feed.len() != 0 {
		t.Errorf("%d verdicts wait after an orderly stop", r.feed.len())
	}
	r.host.content()
}
