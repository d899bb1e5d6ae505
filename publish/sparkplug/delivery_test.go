package sparkplug

import (
	"slices"
	"testing"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"

	"faird/config"
	"faird/publish"
	"faird/verdict"
)

func TestHistoricalReplay(t *testing.T) {
	r := up(t, config.Sparkplug{})
	first := r.decide("cap", verdict.Pass)
	r.delivered()
	r.mq.Kill()
	eventually(t, "the session's end", func() bool { return !r.Status().Born })
	var away []string
	for range 150 {
		away = append(away, r.decide("cap", verdict.Fail))
	}
	r.tap.stall(true) // until the host is there
	r.mq.Start()
	r.host = newScada(t, "tcp://"+r.mq.Addr, "scada")
	r.tap.stall(false)
	r.alive()
	live := r.decide("cap", verdict.Review)
	r.delivered()
	eventually(t, "all of them", func() bool { return len(r.host.ids("cap", true)) >= 150 && len(r.host.ids("cap", false)) >= 1 })
	if got := r.host.ids("cap", true); !slices.Equal(got, away) {
		t.Errorf("%d historical verdicts, want the %d decided while the broker was away, in order", len(got), len(away))
	}
	if got := r.host.ids("cap", false); !slices.Equal(got, []string{live}) {
		t.Errorf("live: %v, want %s alone: %s was delivered before", got, live, first)
	}
	if got := r.host.tag("cap", "Verdict/ID").value; got != live {
		t.Errorf("the current verdict is %v, want the live one: history may not change it", got)
	}
	r.host.content()
}

// A verdict leaves the feed when the broker is known to have it, not before.
func TestFeedKeepsWhatTheBrokerDidNotTake(t *testing.T) {
	r := up(t, config.Sparkplug{})
	r.tap.stall(true)
	var ids []string
	for range 20 {
		ids = append(ids, r.decide("cap", verdict.Pass))
	}
	eventually(t, "sent", func() bool { return r.waiting() == 0 })
	time.Sleep(200 * time.Millisecond)
	if n := r.feed.len(); n != 20 {
		t.Fatalf("%d verdicts wait, want all 20: the broker has none", n)
	}
	r.tap.cut()
	r.tap.stall(false)
	eventually(t, "all of them", func() bool {
		got := slices.Concat(r.host.ids("cap", true), r.host.ids("cap", false))
		return !slices.ContainsFunc(ids, func(id string) bool { return !slices.Contains(got, id) })
	})
	r.delivered()
}

func TestBrokerThatDoesNotAnswerIsGivenUp(t *testing.T) {
	r := newRig(t, config.Sparkplug{})
	short := &patient{wire: r.wire, timeout: 500 * time.Millisecond}
	r.Node.broker = short
	r.run().alive()
	r.tap.stall(true)
	id := r.decide("cap", verdict.Fail)
	eventually(t, "given up", func() bool { return r.Status().Err != "" })
	r.tap.cut()
	r.tap.stall(false)
	eventually(t, "delivered", func() bool {
		return slices.Contains(slices.Concat(r.host.ids("cap", true), r.host.ids("cap", false)), id)
	})
	r.delivered()
}

func TestNewVerdictsGoFirst(t *testing.T) {
	r := newRig(t, config.Sparkplug{})
	for range 1500 {
		r.feed.commit(newVerdict("cap", 1, verdict.Pass))
	}
	r.renew(config.Sparkplug{})
	r.run().alive()
	id := r.decide("lid", verdict.Fail)
	eventually(t, "the new one", func() bool { return slices.Contains(r.host.ids("lid", false), id) })
	if n := len(r.host.ids("cap", true)); n == 1500 {
		t.Error("the backlog went first")
	}
	r.delivered()
	eventually(t, "the backlog", func() bool { return len(r.host.ids("cap", true)) == 1500 })
	r.host.content()
}

func TestOrderlyStop(t *testing.T) {
	r := up(t, config.Sparkplug{})
	id := r.decide("cap", verdict.Fail)
	began := time.Now()
	r.stop()
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("stopping took %s", took)
	}
	all := r.tap.all()
	if _, ok := all[len(all)-1].(*packets.DisconnectPacket); !ok {
		t.Errorf("the last packet is %v, want DISCONNECT", all[len(all)-1])
	}
	p := packetsOf[*packets.PublishPacket](r.tap)
	if last := p[len(p)-1]; last.TopicName != "spBv1.0/plant1/NDEATH/edge7" || last.Retain || deathOf(t, last.Payload) != 0 {
		t.Errorf("the last message is on %s, want the death certificate", last.TopicName)
	}
	eventually(t, "the death", func() bool { return !r.host.online("") })
	if r.feed.len() != 0 || !slices.Contains(r.host.ids("cap", false), id) {
		t.Error("what was live is not delivered")
	}
	r.host.content()
}

func TestDeathMakesEverythingStale(t *testing.T) {
	r := up(t, config.Sparkplug{})
	r.decide("cap", verdict.Pass)
	r.delivered()
	_ = r.tap.l.Close() // it does not come back
	r.tap.cut()
	eventually(t, "the will", func() bool { return !r.host.online("") && !r.host.online("cap") && !r.host.online("lid") })
	for _, device := range []string{"", "cap", "lid"} {
		from := r.host.devices[device]
		if device == "" {
			from = r.host.node
		}
		for name, v := range from.values {
			if !v.stale {
				t.Errorf("%q: %s is not stale", device, name)
			}
		}
	}
	r.host.content()
}

// While the disk refuses, verdicts live in memory alone.
func TestVerdictsThatAreNotOnDisk(t *testing.T) {
	r := newRig(t, config.Sparkplug{})
	var ids []string
	for range heldLimit + 5 {
		v := newVerdict("cap", 1, verdict.Pass)
		r.Verdict(v, 0)
		ids = append(ids, v.ID)
	}
	r.run().alive()
	eventually(t, "those held", func() bool { return len(r.host.ids("cap", true)) == heldLimit })
	if !slices.Equal(r.host.ids("cap", true), ids[5:]) || r.Status().Lost != 5 {
		t.Errorf("%d lost, want the oldest five, counted", r.Status().Lost)
	}
	v := newVerdict("cap", 1, verdict.Fail)
	r.Verdict(v, 0)
	eventually(t, "a live one", func() bool { return slices.Contains(r.host.ids("cap", false), v.ID) })
	r.host.content()
}

func TestFeedThatRefuses(t *testing.T) {
	r := up(t, config.Sparkplug{})
	r.feed.refuse(errDisk)
	id := r.decide("cap", verdict.Pass)
	eventually(t, "it is sent", func() bool { return slices.Contains(r.host.ids("cap", false), id) })
	time.Sleep(100 * time.Millisecond)
	r.feed.refuse(nil)
	r.delivered()
	if n := len(r.host.ids("cap", false)); n != 1 {
		t.Errorf("sent %d times", n)
	}
}

// patient is a Broker with another time-out.
type patient struct {
	*wire
	timeout time.Duration
}

func (p *patient) Access(suffix string) (publish.Access, error) {
	a, err := p.wire.Access(suffix)
	a.Timeout = p.timeout
	return a, err
}
