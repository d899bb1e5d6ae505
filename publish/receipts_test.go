package publish

import (
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"github.com/eclipse/paho.mqtt.golang/packets"

	"faird/config"
	"faird/verdict"
)

// required is a box with the built-in broker whose station cap needs receipts,
// each within the time-out.
func required(t *testing.T, timeout time.Duration) *box {
	t.Helper()
	b := newBox(t, config.MQTT{
		Timeout: timeout,
		Builtin: config.Builtin{Listen: "127.0.0.1:0", Users: []config.User{{Name: "plc", Password: "plc-secret", Write: true}}},
	}, true)
	b.SetStations([]string{"cap", "lid"})
	b.RequireAcks([]string{"cap"})
	return b.run(t).connected(t)
}

// reader subscribes to the verdicts of cap.
func reader(t *testing.T, b *box, qos byte, change ...func(*mqtt.ClientOptions)) *plc {
	t.Helper()
	c := newClient(t, b.Status().Broker, append(change, as("plc", "plc-secret"))...)
	wait(t, c.client.Subscribe(prefix+"cap/verdict", qos, nil))
	return c
}

func (b *box) decideMany(station string, from, n int) []*verdict.Verdict {
	var out []*verdict.Verdict
	for i := range n {
		v := newVerdict(station, uint64(from+i), verdict.Fail)
		out = append(out, v)
		b.decide(v)
	}
	return out
}

func TestRequiredAckWaitsForASubscriber(t *testing.T) {
	b := required(t, time.Second)
	all := b.decideMany("cap", 1, 100)
	others := b.decideMany("lid", 1, 100)
	eventually(t, "the other station's are delivered", func() bool { return b.outbox.len() == len(all) })
	zero := reader(t, b, 0) // QoS 0 acknowledges nothing
	all = append(all, b.decideMany("cap", 101, 1)...)
	eventually(t, "it came with QoS 0", func() bool { return len(zero.on("cap/verdict")) == 1 })
	eventually(t, "said so", func() bool { return strings.Contains(b.logged.String(), "nobody subscribes") })
	time.Sleep(b.config.Timeout + settleFor)
	if n := b.outbox.len(); n != len(all) {
		t.Fatalf("%d in the outbox, want all %d: no subscriber has acknowledged one", n, len(all))
	}
	if err := b.Flush(t.Context()); err != nil {
		t.Errorf("%v: what rests in the outbox is no reason to wait", err)
	}
	zero.client.Disconnect(50)
	c := reader(t, b, 1)
	checkDelivered(t, c, "cap", all)
	eventually(t, "they leave the outbox", func() bool { return b.outbox.len() == 0 })
	for _, v := range c.verdicts(t, "cap") {
		if !v.Historical {
			t.Errorf("sequence %d is not marked historical", v.Sequence)
		}
	}
	live := b.decideMany("cap", 102, 50)
	checkDelivered(t, c, "cap", live)
	eventually(t, "the live ones too", func() bool { return b.outbox.len() == 0 })
	if n := strings.Count(b.logged.String(), "nobody subscribes"); n != 1 {
		t.Errorf("said %d times", n)
	}
	_ = others
}

func TestRequiredAckByQoS2(t *testing.T) {
	b := required(t, time.Minute)
	c := reader(t, b, 2)
	checkDelivered(t, c, "cap", b.decideMany("cap", 1, 20))
	eventually(t, "they leave the outbox", func() bool { return b.outbox.len() == 0 })
}

// A subscriber with a session that was away finds what was decided meanwhile.
func TestRequiredAckOfASubscriberThatComesBack(t *testing.T) {
	b := required(t, time.Second)
	stays := func(o *mqtt.ClientOptions) { o.SetClientID("stays").SetCleanSession(false) }
	c := reader(t, b, 1, stays)
	before := b.decideMany("cap", 1, 5)
	checkDelivered(t, c, "cap", before)
	eventually(t, "acknowledged", func() bool { return b.outbox.len() == 0 })
	c.client.Disconnect(50)
	away := b.decideMany("cap", 6, 20)
	time.Sleep(b.config.Timeout + settleFor)
	if n := b.outbox.len(); n != len(away) {
		t.Errorf("%d in the outbox, want those %d", n, len(away))
	}
	c = reader(t, b, 1, stays)
	checkDelivered(t, c, "cap", away)
	eventually(t, "they leave the outbox", func() bool { return b.outbox.len() == 0 })
}

// mute is a subscriber that reads and acknowledges nothing until it is told to.
type mute struct {
	conn net.Conn
	mu   sync.Mutex
	acks bool
	ids  []uint16
	came int
}

func newMute(t *testing.T, b *box) *mute {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(b.Status().Broker, "tcp://"))
	if err != nil {
		t.Fatal(err)
	}
	m := &mute{conn: conn}
	connect := packets.NewControlPacket(packets.Connect).(*packets.ConnectPacket)
	connect.ProtocolName, connect.ProtocolVersion, connect.CleanSession, connect.ClientIdentifier = "MQTT", 4, true, "mute"
	connect.UsernameFlag, connect.Username, connect.PasswordFlag, connect.Password = true, "plc", true, []byte("plc-secret")
	subscribe := packets.NewControlPacket(packets.Subscribe).(*packets.SubscribePacket)
	subscribe.MessageID, subscribe.Topics, subscribe.Qoss = 9000, []string{prefix + "cap/verdict"}, []byte{1}
	var owned sync.WaitGroup
	for _, p := range []packets.ControlPacket{connect, subscribe} {
		m.write(t, p)
	}
	owned.Go(m.read)
	t.Cleanup(func() { conn.Close(); owned.Wait() })
	return m
}

func (m *mute) write(t *testing.T, p packets.ControlPacket) {
	t.Helper()
	if err := p.Write(m.conn); err != nil {
		t.Fatal(err)
	}
}

func (m *mute) read() {
	for {
		p, err := packets.ReadPacket(m.conn)
		if err != nil {
			return
		}
		if p, ok := p.(*packets.PublishPacket); ok && p.Qos == 1 {
			m.mu.Lock()
			m.came++
			m.ids = append(m.ids, p.MessageID)
			if m.acks {
				m.acknowledge()
			}
			m.mu.Unlock()
		}
	}
}

// acknowledge is called with mu held.
func (m *mute) acknowledge() {
	for _, id := range m.ids {
		ack := packets.NewControlPacket(packets.Puback).(*packets.PubackPacket)
		ack.MessageID = id
		_ = ack.Write(m.conn)
	}
	m.ids = nil
}

func (m *mute) messages() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.came
}

func TestRequiredAckOfASubscriberThatDoesNotAcknowledge(t *testing.T) {
	b := required(t, time.Second)
	m := newMute(t, b)
	eventually(t, "subscribed", func() bool { return b.broker.receipts.subscribed("cap") })
	b.decideMany("cap", 1, 3)
	eventually(t, "three messages", func() bool { return m.messages() >= 3 })
	// It sends messages of its own, whose ids the broker acknowledges.
	for id := range uint16(10) {
		p := packets.NewControlPacket(packets.Publish).(*packets.PublishPacket)
		p.Qos, p.MessageID, p.TopicName = 1, id+1, prefix+"cap/trigger"
		p.Payload = fmt.Appendf(nil, `{"id":"%d"}`, id)
		m.write(t, p)
	}
	eventually(t, "its triggers", func() bool { return len(b.plant.heard()) == 10 })
	eventually(t, "sent again", func() bool { return m.messages() >= 6 })
	if n := b.outbox.len(); n != 3 {
		t.Fatalf("%d in the outbox: one left without a receipt", n)
	}
	m.mu.Lock()
	m.acks = true
	m.acknowledge()
	m.mu.Unlock()
	eventually(t, "they leave the outbox", func() bool { return b.outbox.len() == 0 })
}

// A backlog for a subscriber that must acknowledge comes in order, whatever is
// decided meanwhile.
func TestRequiredAckOfABacklog(t *testing.T) {
	b := required(t, time.Minute)
	const waiting = 1000
	all := b.decideMany("cap", 1, waiting)
	eventually(t, "none is in flight", func() bool { return b.Status().Live == 0 })
	c := reader(t, b, 1)
	for i := range 20 {
		all = append(all, b.decideMany("cap", waiting+1+i, 1)...)
		time.Sleep(5 * time.Millisecond)
	}
	checkDelivered(t, c, "cap", all)
	eventually(t, "they leave the outbox", func() bool { return b.outbox.len() == 0 })
	b.mu.Lock()
	defer b.mu.Unlock()
	if n := len(b.queue.awaited); n > 0 {
		t.Errorf("%d receipts are still waited for", n)
	}
}

// Where it is switched off again, what waited goes as any other.
func TestRequiredAckSwitchedOff(t *testing.T) {
	b := required(t, time.Second)
	b.decideMany("cap", 1, 10)
	time.Sleep(b.config.Timeout + settleFor)
	if n := b.outbox.len(); n != 10 {
		t.Fatalf("%d in the outbox", n)
	}
	b.RequireAcks(nil)
	eventually(t, "the broker's word is enough", func() bool { return b.outbox.len() == 0 })
}
