package sparkplug

import (
	"slices"
	"strings"
	"testing"

	"github.com/eclipse/paho.mqtt.golang/packets"

	"faird/config"
	"faird/verdict"
)

func TestOwnBroker(t *testing.T) {
	r := newRig(t, config.Sparkplug{})
	r.wire.url = "tcp://127.0.0.1:1" // that of the plain topics
	r.renew(config.Sparkplug{Broker: r.tap.url(), ClientID: "edge", Username: "box", Password: "secret"})
	r.run().alive()
	c := packetsOf[*packets.ConnectPacket](r.tap)[0]
	if c.ClientIdentifier != "edge" || c.Username != "box" || string(c.Password) != "secret" {
		t.Errorf("connected as %s, user %s", c.ClientIdentifier, c.Username)
	}
	id := r.decide("cap", verdict.Pass)
	r.delivered()
	eventually(t, "the verdict", func() bool { return slices.Contains(r.host.ids("cap", false), id) })
}

func TestBrokerThatIsNotThere(t *testing.T) {
	for section, c := range map[string]config.Sparkplug{"mqtt": {}, "sparkplug": {Broker: "tcp://127.0.0.1:1"}} {
		r := newRig(t, config.Sparkplug{})
		r.wire.url = "tcp://127.0.0.1:1"
		r.renew(c)
		r.run()
		eventually(t, "the error", func() bool { return r.Status().Err != "" })
		if s := r.Status(); s.Connected || s.Born || !strings.Contains(s.Err, section+".broker") {
			t.Errorf("status %+v, want an error that names %s.broker", s, section)
		}
	}
}

func TestRefusedSubscription(t *testing.T) {
	if err := granted(map[string]byte{"a": 0, "b": 1}); err != nil {
		t.Error(err)
	}
	if err := granted(map[string]byte{"a": 1, "b": 0x80}); err == nil || !strings.Contains(err.Error(), "subscription to b") {
		t.Errorf("%v, want an error that names the topic", err)
	}
}

func BenchmarkVerdict(b *testing.B) {
	r := newRig(b, config.Sparkplug{}).run()
	r.alive()
	v := newVerdict("cap", 1, verdict.Pass)
	for b.Loop() {
		r.Verdict(v, 0)
	}
}
