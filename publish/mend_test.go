package publish

import (
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"github.com/eclipse/paho.mqtt.golang/packets"

	"faird/verdict"
)

// A client may use any packet id of its own, whatever ids the messages to it
// have, and the broker still knows of these.
func TestBuiltinPacketIDsOfBothSides(t *testing.T) {
	b := required(t, time.Minute)
	m := newMute(t, b)
	eventually(t, "subscribed", func() bool { return b.broker.receipts.subscribed("cap") })
	b.RequireAcks(nil)
	for i := range uint64(5) {
		b.decide(newVerdict("cap", i+1, verdict.Fail))
	}
	eventually(t, "five messages", func() bool { return m.messages() == 5 })
	m.mu.Lock()
	ids := slices.Clone(m.ids)
	m.mu.Unlock()
	subscribe := packets.NewControlPacket(packets.Subscribe).(*packets.SubscribePacket)
	subscribe.MessageID, subscribe.Topics, subscribe.Qoss = ids[0], []string{prefix + "lid/verdict"}, []byte{1}
	m.write(t, subscribe)
	unsubscribe := packets.NewControlPacket(packets.Unsubscribe).(*packets.UnsubscribePacket)
	unsubscribe.MessageID, unsubscribe.Topics = ids[1], []string{prefix + "cap/verdict"}
	m.write(t, unsubscribe)
	trigger := packets.NewControlPacket(packets.Publish).(*packets.PublishPacket)
	trigger.Qos, trigger.MessageID, trigger.TopicName = 1, ids[2], prefix+"cap/trigger"
	m.write(t, trigger)
	eventually(t, "the trigger", func() bool { return len(b.plant.heard()) == 1 })
	subscriptions := b.broker.server.Topics
	if n := len(subscriptions.Subscribers(prefix + "lid/verdict").Subscriptions); n != 1 {
		t.Errorf("%d subscribers after SUBSCRIBE under a message's id", n)
	}
	if n := len(subscriptions.Subscribers(prefix + "cap/verdict").Subscriptions); n != 0 {
		t.Errorf("%d subscribers after UNSUBSCRIBE under a message's id", n)
	}
	cl, _ := b.broker.server.Clients.Get("mute")
	eventually(t, "the messages are still in flight", func() bool { return cl.State.Inflight.Len() == 5 })
}

// What waited for a session comes in its order.
func TestBuiltinOrderForASessionThatComesBack(t *testing.T) {
	b := required(t, time.Minute)
	b.RequireAcks(nil)
	stays := func(o *mqtt.ClientOptions) { o.SetClientID("stays").SetCleanSession(false) }
	c := reader(t, b, 1, stays)
	c.client.Disconnect(50)
	away := b.decideMany("cap", 1, 200)
	eventually(t, "the broker has them", func() bool { return b.outbox.len() == 0 })
	c = reader(t, b, 1, stays)
	checkDelivered(t, c, "cap", away)
}

// A packet that is not valid ends the connection, and nothing else.
func TestBuiltinInvalidPacket(t *testing.T) {
	b := required(t, time.Minute)
	m := newMute(t, b)
	eventually(t, "subscribed", func() bool { return b.broker.receipts.subscribed("cap") })
	b.decideMany("cap", 1, 1)
	eventually(t, "a message", func() bool { return m.messages() == 1 })
	if _, err := m.conn.Write([]byte{0x82, 0x02, 0x00, 0x01}); err != nil { // SUBSCRIBE to nothing
		t.Fatal(err)
	}
	eventually(t, "the connection ends", func() bool {
		m.conn.SetWriteDeadline(time.Now().Add(time.Second)) //nolint:errcheck // a test's connection
		_, err := m.conn.Write([]byte{0xC0, 0x00})
		return err != nil
	})
	if conn, err := net.Dial("tcp", strings.TrimPrefix(b.Status().Broker, "tcp://")); err != nil {
		t.Error(err)
	} else {
		conn.Close()
	}
}

// However clients leave, the broker stops.
func TestBuiltinStopsWhileClientsLeave(t *testing.T) {
	for range 5 {
		b := required(t, time.Minute)
		var owned sync.WaitGroup
		for i := range 20 {
			c := newPLC(t, b.Status().Broker, as("plc", "plc-secret"))
			owned.Go(func() {
				time.Sleep(time.Duration(i) * time.Millisecond)
				c.client.Disconnect(0)
			})
		}
		b.stop()
		owned.Wait()
	}
}
