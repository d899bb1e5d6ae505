package publish

import (
	"sync"
	"sync/atomic"

	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
)

// mend keeps two promises of MQTT that the broker library breaks.
//
// A client's packet ids and the broker's are two sets (MQTT 3.1.1, section
// 2.3.1), but the library keeps one table: a client that subscribes under an id
// that a message to it happens to have is refused, and one that publishes under
// it makes the broker forget that message. So the message is hidden while such a
// packet is processed.
//
// Messages to a session that comes back are sent in their order (section 4.6),
// but the library sorts them by the second. So they are numbered.
type mend struct {
	mochi.HookBase
	number atomic.Int64

	mu     sync.Mutex
	hidden map[*mochi.Client]packets.Packet
}

func newMend() *mend { return &mend{hidden: map[*mochi.Client]packets.Packet{}} }

// ID implements mochi.Hook.
func (m *mend) ID() string { return "mend" }

// Provides implements mochi.Hook.
func (m *mend) Provides(b byte) bool {
	return b == mochi.OnPublish || b == mochi.OnPacketRead || b == mochi.OnPacketProcessed || b == mochi.OnDisconnect
}

// OnPublish implements mochi.Hook. The library sorts by the lower 16 bits.
func (m *mend) OnPublish(_ *mochi.Client, pk packets.Packet) (packets.Packet, error) {
	pk.Created = m.number.Add(1)
	return pk, nil
}

// OnPacketRead implements mochi.Hook.
func (m *mend) OnPacketRead(cl *mochi.Client, pk packets.Packet) (packets.Packet, error) {
	if !begins(pk) {
		return pk, nil
	}
	message, flying := cl.State.Inflight.Get(pk.PacketID)
	if flying && message.FixedHeader.Type == packets.Publish {
		cl.State.Inflight.Delete(pk.PacketID)
		m.mu.Lock()
		m.hidden[cl] = message
		m.mu.Unlock()
	}
	return pk, nil
}

// begins reports whether a packet brings an id of the client's own, and is done
// with it at once.
func begins(pk packets.Packet) bool {
	switch pk.FixedHeader.Type {
	case packets.Subscribe, packets.Unsubscribe:
		return true
	case packets.Publish:
		return pk.FixedHeader.Qos == 1
	default:
		return false
	}
}

// OnPacketProcessed implements mochi.Hook.
func (m *mend) OnPacketProcessed(cl *mochi.Client, _ packets.Packet, _ error) {
	if message, was := m.reveal(cl); was {
		cl.State.Inflight.Set(message)
	}
}

// OnDisconnect implements mochi.Hook: a packet that was not valid.
func (m *mend) OnDisconnect(cl *mochi.Client, _ error, _ bool) {
	m.OnPacketProcessed(cl, packets.Packet{}, nil)
}

func (m *mend) reveal(cl *mochi.Client) (packets.Packet, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	message, was := m.hidden[cl]
	delete(m.hidden, cl)
	return message, was
}
