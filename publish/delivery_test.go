package publish

import (
	"strings"
	"testing"
	"time"

	"faird/config"
	"faird/publish/mosquitto"
	"faird/verdict"
)

// viaProxy is a box that reaches mosquitto through a bad network, and a PLC
// that reaches it directly.
func viaProxy(t *testing.T, withOutbox bool) (*box, *proxy, *plc, *mosquitto.Broker) {
	t.Helper()
	m := mosquitto.New(t)
	p := newProxy(t, m.Addr)
	b := newBox(t, config.MQTT{Broker: p.url(), Timeout: 500 * time.Millisecond}, withOutbox)
	b.SetStations([]string{"cap", "lid"})
	b.SetStation("cap", state(true))
	return b, p, newPLC(t, m.URL()), m
}

func (b *box) away(t *testing.T, p *proxy) {
	t.Helper()
	p.refuse(true)
	eventually(t, "the loss is noticed", func() bool { return !b.Status().Connected })
}

// checkDelivered checks that every verdict came, live ones in order per
// station, the backlog in order in itself, and duplicates with equal ids only.
func checkDelivered(t *testing.T, c *plc, station string, want []*verdict.Verdict) {
	t.Helper()
	missing := map[string]bool{}
	for _, v := range want {
		missing[v.ID] = true
	}
	eventually(t, "every verdict has come", func() bool {
		for _, v := range c.verdicts(t, station) {
			delete(missing, v.ID)
		}
		return len(missing) == 0
	})
	seen := map[uint64]string{}
	newest := map[bool]uint64{}
	for _, v := range c.verdicts(t, station) {
		if id, twice := seen[v.Sequence]; twice && id != v.ID {
			t.Errorf("sequence %d has ids %s and %s", v.Sequence, id, v.ID)
		} else if !twice && v.Sequence < newest[v.Historical] {
			t.Errorf("sequence %d after %d (historical %t)", v.Sequence, newest[v.Historical], v.Historical)
		} else if !twice {
			newest[v.Historical] = v.Sequence
		}
		seen[v.Sequence] = v.ID
	}
}

func TestOutage(t *testing.T) {
	b, p, c, _ := viaProxy(t, true)
	b.run(t).connected(t)
	var all []*verdict.Verdict
	decide := func(n int) {
		for range n {
			v := newVerdict("cap", uint64(len(all)+1), verdict.Pass)
			all = append(all, v)
			b.decide(v)
		}
	}
	decide(10)
	eventually(t, "ten live", func() bool { return len(c.on("cap/verdict")) == 10 })
	b.away(t, p)
	decide(200)
	p.refuse(false)
	b.connected(t)
	decide(10)
	checkDelivered(t, c, "cap", all)
	eventually(t, "the outbox is empty", func() bool { return b.outbox.len() == 0 })
	late := 0
	for _, v := range c.verdicts(t, "cap") {
		if v.Historical {
			late++
			if v.Sequence <= 10 || v.Sequence > 210 {
				t.Errorf("sequence %d was live", v.Sequence)
			}
		}
	}
	if late != 200 {
		t.Errorf("%d historical, want 200", late)
	}
	if n := len(c.on("cap/result")); n != 20 {
		t.Errorf("%d results, want those of the 20 live verdicts", n)
	}
	for _, m := range c.on("cap/last") {
		if strings.Contains(m.payload, `"historical":true`) {
			t.Errorf("last is historical: %s", m.payload)
		}
	}
	if r := b.Status().Reconnects; r != 1 {
		t.Errorf("%d reconnects counted", r)
	}
	checkSchemas(t, c)
}

func TestConnectionCutAgainAndAgain(t *testing.T) {
	b, p, c, _ := viaProxy(t, true)
	b.run(t).connected(t)
	var all []*verdict.Verdict
	for i := range 1500 {
		v := newVerdict("cap", uint64(i+1), verdict.Pass)
		all = append(all, v)
		b.decide(v)
		switch i % 300 {
		case 100:
			p.cut()
		case 200:
			p.stall(true)
		case 280:
			p.stall(false)
		}
		time.Sleep(time.Millisecond)
	}
	checkDelivered(t, c, "cap", all)
	eventually(t, "the outbox is empty", func() bool { return b.outbox.len() == 0 })
}

func TestBrokerLosesItsMemory(t *testing.T) {
	b, p, c, m := viaProxy(t, true)
	b.run(t).connected(t)
	v := newVerdict("cap", 1, verdict.Fail)
	b.decide(v)
	eventually(t, "it came", func() bool { return len(c.on("cap/last")) == 1 })
	b.away(t, p)
	newest := newVerdict("cap", 2, verdict.Pass)
	b.decide(newest) // while away: backlog, and yet the newest verdict
	m.Kill()
	m.Start()
	c = newPLC(t, m.URL())
	p.refuse(false)
	eventually(t, "everything retained is there again", func() bool {
		return len(c.on("state"))*len(c.on("cap/state"))*len(c.on("cap/last")) > 0
	})
	checkDelivered(t, c, "cap", []*verdict.Verdict{newest})
	if got := c.on("cap/last"); !strings.Contains(got[0].payload, newest.ID) || strings.Contains(got[0].payload, `"historical":true`) {
		t.Errorf("last %v: want %s as it was decided", got, newest.ID)
	}
	if got := c.on("cap/result"); len(got) != 0 {
		t.Errorf("results %v of a historical verdict", got)
	}
	b.stop()
	again := newBox(t, config.MQTT{Broker: m.URL()}, true) // a restart: the newest comes from the disk
	again.outbox = b.outbox
	again.Publisher.outbox = b.outbox
	b.outbox.commit(newVerdict("cap", 3, verdict.Review))
	again.SetStations([]string{"cap"})
	again.run(t).connected(t)
	eventually(t, "the newest of the disk", func() bool {
		got := c.on("cap/last")
		return strings.Contains(got[len(got)-1].payload, `"sequence":3`)
	})
}

func TestWill(t *testing.T) {
	b, p, c, _ := viaProxy(t, true)
	b.run(t).connected(t)
	eventually(t, "online", func() bool {
		s, _ := newest[BoxState](t, c, "state")
		return s.State == "online"
	})
	b.away(t, p)
	eventually(t, "the will", func() bool {
		s, _ := newest[BoxState](t, c, "state")
		return s.State == "offline" && s.Why == "connection lost" && s.Time.IsZero()
	})
	p.refuse(false)
	eventually(t, "online again", func() bool {
		s, _ := newest[BoxState](t, c, "state")
		return s.State == "online" && s.Broker.Reconnects == 1
	})
}

func TestBrokerThatNeverAcknowledges(t *testing.T) {
	l := newLazyBroker(t)
	b := newBox(t, config.MQTT{Broker: l.url(), Timeout: 200 * time.Millisecond}, true)
	b.SetStations([]string{"cap"})
	b.run(t)
	b.decide(newVerdict("cap", 1, verdict.Fail))
	eventually(t, "given up twice", func() bool { return l.times() >= 3 })
	if b.outbox.len() != 1 {
		t.Error("a verdict left the outbox without an acknowledgement")
	}
	if !strings.Contains(b.logged.String(), "no acknowledgement") {
		t.Errorf("log: %s", b.logged)
	}
	l.acknowledge()
	eventually(t, "delivered", func() bool { return b.outbox.len() == 0 })
}

func TestRefusedSubscriptions(t *testing.T) {
	l := newLazyBroker(t)
	l.grant = refused
	l.acknowledge()
	b := newBox(t, config.MQTT{Broker: l.url()}, true)
	b.SetStations([]string{"cap"})
	b.run(t).connected(t)
	b.decide(newVerdict("cap", 1, verdict.Fail))
	eventually(t, "delivered all the same", func() bool { return b.outbox.len() == 0 })
	for _, topic := range []string{"cap/trigger", "cap/command", prefix + "command"} {
		if !strings.Contains(b.logged.String(), topic) {
			t.Errorf("the log does not name %s", topic)
		}
	}
}

func TestBrokerThatSaysNothing(t *testing.T) {
	b := newBox(t, config.MQTT{Broker: silentServer(t), Timeout: 200 * time.Millisecond}, true)
	turns := make(chan struct{}, 100)
	b.OnTurn(func() {
		select {
		case turns <- struct{}{}:
		default:
		}
	})
	b.run(t)
	eventually(t, "said so", func() bool { return strings.Contains(b.Status().Err, "no answer within") })
	for range 3 { // bounded waits are turns
		<-turns
	}
}

func TestHeldInMemory(t *testing.T) {
	b, p, c, _ := viaProxy(t, false)
	b.run(t).connected(t)
	b.away(t, p)
	for i := range uint64(heldLimit + 100) {
		kind := verdict.Pass
		if i < 50 {
			kind = verdict.Fail
		}
		b.decide(newVerdict("cap", i+1, kind))
	}
	if s := b.Status(); s.Held != heldLimit || s.HeldLost != 100 {
		t.Errorf("held %d, lost %d", s.Held, s.HeldLost)
	}
	p.refuse(false)
	eventually(t, "all that was held", func() bool { return len(c.on("cap/verdict")) >= heldLimit && b.Status().Held == 0 })
	before := uint64(0)
	for i, v := range c.verdicts(t, "cap") {
		if v.Durable || !v.Historical || v.Sequence <= before || i < 50 && v.Verdict != verdict.Fail {
			t.Fatalf("%d: sequence %d after %d, %s, durable %t, historical %t", i, v.Sequence, before, v.Verdict, v.Durable, v.Historical)
		}
		before = v.Sequence
	}
}

func TestDiskRefuses(t *testing.T) {
	b, _, c, _ := viaProxy(t, true)
	b.run(t).connected(t)
	v := newVerdict("cap", 1, verdict.Fail)
	v.Durable = true
	b.Verdict(v, 0) // the commit failed
	eventually(t, "sent all the same", func() bool { return len(c.on("cap/verdict")) == 1 })
	if got := c.verdicts(t, "cap")[0]; got.Durable || got.Historical {
		t.Errorf("durable %t, historical %t", got.Durable, got.Historical)
	}
	b.outbox.fail(errDisk)
	b.decide(newVerdict("cap", 2, verdict.Fail))
	eventually(t, "acknowledged, and still on disk", func() bool { return strings.Contains(b.logged.String(), "cannot be taken") })
	b.outbox.fail(nil)
	eventually(t, "taken out later", func() bool { return b.outbox.len() == 0 })
	if n := len(c.on("cap/verdict")); n != 2 {
		t.Errorf("%d verdicts, want 2: not sent again on the same connection", n)
	}
}

func TestNewVerdictsOvertakeTheBacklog(t *testing.T) {
	b, _, c, _ := viaProxy(t, true)
	const waiting = 5000
	for i := range uint64(waiting) {
		b.outbox.commit(newVerdict("cap", i+1, verdict.Pass))
	}
	b.initial = waiting
	b.run(t).connected(t)
	eventually(t, "the backlog flows", func() bool { return len(c.on("cap/verdict")) > 10 })
	live := newVerdict("cap", waiting+1, verdict.Fail)
	b.decide(live)
	eventually(t, "all of it", func() bool { return len(c.on("cap/verdict")) >= waiting+1 })
	for i, v := range c.verdicts(t, "cap") {
		if v.ID == live.ID {
			t.Logf("the new verdict came after %d of %d old ones", i, waiting)
			if v.Historical || i == waiting {
				t.Errorf("historical %t, at %d", v.Historical, i)
			}
			return
		}
	}
}

func TestVerdictNeverBlocks(t *testing.T) {
	b := newBox(t, config.MQTT{Broker: "tcp://127.0.0.1:1"}, true)
	b.run(t)
	for i := range uint64(20000) {
		b.Verdict(newVerdict("cap", i+1, verdict.Pass), int64(i+1))
		b.Verdict(newVerdict("lid", i+1, verdict.Pass), 0)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if q := &b.queue; len(q.live) > 0 || len(q.busy) > 0 || len(q.held) > heldLimit || len(q.last) != 2 {
		t.Errorf("memory grows: %d live, %d busy, %d held", len(q.live), len(q.busy), len(q.held))
	}
}

func TestStopWithAStalledBroker(t *testing.T) {
	b, p, _, _ := viaProxy(t, true)
	b.run(t).connected(t)
	p.stall(true)
	for i := range uint64(2000) {
		b.decide(newVerdict("cap", i+1, verdict.Fail))
	}
	began := time.Now()
	b.stop()
	t.Logf("stopped after %s", time.Since(began))
	if b.outbox.len() != 2000 {
		t.Errorf("%d in the outbox, want all", b.outbox.len())
	}
}

func TestRetainedStatesOfFormerStationsAreCleared(t *testing.T) {
	m := mosquitto.New(t)
	c := newPLC(t, m.URL())
	c.send(t, "former/state", "{}", true)
	c.send(t, "former/last", "{}", true)
	b := newBox(t, config.MQTT{Broker: m.URL()}, false)
	b.SetStations([]string{"cap"})
	b.SetStation("cap", state(true))
	b.run(t).connected(t)
	eventually(t, "cleared", func() bool {
		return len(c.on("former/state")) > 1 && len(c.on("former/last")) > 1
	})
	late := newPLC(t, m.URL())
	eventually(t, "cap is there", func() bool { return len(late.on("cap/state")) == 1 })
	if got := append(late.on("former/state"), late.on("former/last")...); len(got) != 0 {
		t.Errorf("still there: %v", got)
	}
}

func TestFlush(t *testing.T) {
	b, p, c, _ := viaProxy(t, true)
	b.run(t).connected(t)
	for i := range uint64(100) {
		b.decide(newVerdict("cap", i+1, verdict.Pass))
	}
	if err := b.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "all there", func() bool { return len(c.on("cap/verdict")) == 100 })
	b.away(t, p)
	b.decide(newVerdict("cap", 101, verdict.Pass))
	if err := b.Flush(t.Context()); err != nil {
		t.Errorf("%v: the outbox has it", err)
	}
}
