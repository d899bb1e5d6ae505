package publish

import (
	"slices"
	"sync"

	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
)

// receipts watches, within the built-in broker, which subscribers acknowledge
// the verdicts of stations that ask for it (ack: required). It changes nothing
// of what the broker does, but that it names no topic by an alias.
type receipts struct {
	mochi.HookBase
	topics topics
	inside string               // client id of the daemon
	got    func(payload []byte) // a subscriber has this verdict

	mu       sync.Mutex
	server   *mochi.Server
	required []string                     // stations
	flying   map[string]map[uint16][]byte // payloads by client and packet id
}

func newReceipts(t topics, inside string) *receipts {
	return &receipts{topics: t, inside: inside, got: func([]byte) {}, flying: map[string]map[uint16][]byte{}}
}

// needs reports whether a verdict of the station takes a subscriber's receipt.
func (r *receipts) needs(station string) bool {
	if r == nil {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Contains(r.required, station)
}

// subscribed reports whether somebody is there to acknowledge the station's
// verdicts.
func (r *receipts) subscribed(station string) bool {
	r.mu.Lock()
	server := r.server
	r.mu.Unlock()
	if server == nil {
		return false
	}
	subs := server.Topics.Subscribers(r.topics.station(station, "verdict"))
	for id, s := range subs.Subscriptions {
		if r.reads(server, id, s) {
			return true
		}
	}
	for _, group := range subs.Shared {
		for id, s := range group {
			if r.reads(server, id, s) {
				return true
			}
		}
	}
	return false
}

func (r *receipts) reads(server *mochi.Server, client string, s packets.Subscription) bool {
	cl, there := server.Clients.Get(client)
	return there && s.Qos > 0 && client != r.inside && !cl.Closed()
}

// ID implements mochi.Hook.
func (r *receipts) ID() string { return "receipts" }

// Provides implements mochi.Hook.
func (r *receipts) Provides(b byte) bool {
	return slices.Contains([]byte{mochi.OnConnect, mochi.OnQosPublish, mochi.OnPacketProcessed, mochi.OnQosDropped, mochi.OnClientExpired, mochi.OnDisconnect}, b)
}

// OnConnect implements mochi.Hook: a message under an alias has no topic to
// know a verdict by.
func (r *receipts) OnConnect(cl *mochi.Client, _ packets.Packet) error {
	cl.Properties.Props.TopicAliasMaximum = 0
	return nil
}

// OnQosPublish implements mochi.Hook: a message with QoS 1 or 2 goes to a
// subscriber.
func (r *receipts) OnQosPublish(cl *mochi.Client, pk packets.Packet, _ int64, _ int) {
	station, leaf, ok := r.topics.split(pk.TopicName)
	if pk.FixedHeader.Type != packets.Publish || !ok || leaf != "verdict" || cl.ID == r.inside || !r.needs(station) {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.flying[cl.ID] == nil {
		r.flying[cl.ID] = map[uint16][]byte{}
	}
	r.flying[cl.ID][pk.PacketID] = pk.Payload
}

// OnPacketProcessed implements mochi.Hook: a subscriber's PUBACK or, for QoS 2,
// PUBREC says that it has the message. What the broker itself acknowledges does
// not come here.
func (r *receipts) OnPacketProcessed(cl *mochi.Client, pk packets.Packet, err error) {
	if t := pk.FixedHeader.Type; err != nil || t != packets.Puback && t != packets.Pubrec {
		return
	}
	payload := r.landed(cl.ID, pk.PacketID)
	if payload != nil && pk.ReasonCode < packets.ErrUnspecifiedError.Code {
		r.got(payload)
	}
}

// OnQosDropped implements mochi.Hook.
func (r *receipts) OnQosDropped(cl *mochi.Client, pk packets.Packet) { r.landed(cl.ID, pk.PacketID) }

// OnClientExpired implements mochi.Hook.
func (r *receipts) OnClientExpired(cl *mochi.Client) { r.forget(cl.ID) }

// OnDisconnect implements mochi.Hook.
func (r *receipts) OnDisconnect(cl *mochi.Client, _ error, expire bool) {
	if expire && !cl.IsTakenOver() {
		r.forget(cl.ID)
	}
}

func (r *receipts) landed(client string, id uint16) []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	payload := r.flying[client][id]
	delete(r.flying[client], id)
	return payload
}

func (r *receipts) forget(client string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.flying, client)
}

func (r *receipts) watch(server *mochi.Server) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.server = server
}

func (r *receipts) require(stations []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.required = slices.Clone(stations)
}
