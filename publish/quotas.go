package publish

import (
	"slices"
	"strings"
	"sync"

	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"

	"faird/config"
)

const (
	// longestFilter and deepestFilter bound a subscription: the library keeps a
	// node for each of its levels. Topics of faird and Sparkplug have seven at most.
	longestFilter = 1024
	deepestFilter = 32
	// tooMuch is put in place of a filter that goes beyond a limit; it is not valid.
	tooMuch = "#/"
)

// quotas bound what clients subscribe to and have retained. The daemon's own is
// not counted.
type quotas struct {
	mochi.HookBase
	limits  config.BuiltinLimits
	reached *reached
	gate    *gate
	server  *mochi.Server

	mu       sync.Mutex
	retained map[string]int64 // bytes by topic
	bytes    int64
}

func newQuotas(l config.BuiltinLimits, g *gate, r *reached) *quotas {
	return &quotas{limits: l, gate: g, reached: r, retained: map[string]int64{}}
}

// ID implements mochi.Hook.
func (q *quotas) ID() string { return "quotas" }

// Provides implements mochi.Hook.
func (q *quotas) Provides(b byte) bool {
	return slices.Contains([]byte{
		mochi.OnSubscribe, mochi.OnSubscribed, mochi.OnPublish, mochi.OnWill, mochi.OnRetainMessage, mochi.OnRetainedExpired,
	}, b)
}

func (q *quotas) ours(cl *mochi.Client) bool {
	name := string(cl.Properties.Username)
	return name == q.gate.inside.name || name == q.gate.checker.name
}

// OnSubscribe implements mochi.Hook.
func (q *quotas) OnSubscribe(cl *mochi.Client, pk packets.Packet) packets.Packet {
	if q.ours(cl) {
		return pk
	}
	own := cl.State.Subscriptions.Len()
	_, all := q.subscribed()
	for i, sub := range pk.Filters {
		if len(sub.Filter) > longestFilter || strings.Count(sub.Filter, "/") >= deepestFilter {
			pk.Filters[i].Filter = "" // which is not valid
			continue
		}
		if _, has := cl.State.Subscriptions.Get(sub.Filter); has {
			continue
		}
		switch {
		case own >= q.limits.SessionSubscriptions:
			q.reached.limit("session_subscriptions", who(cl))
			pk.Filters[i].Filter = tooMuch
		case all >= q.limits.Subscriptions:
			q.reached.limit("subscriptions", who(cl))
			pk.Filters[i].Filter = tooMuch
		default:
			own++
			all++
		}
	}
	return pk
}

func who(cl *mochi.Client) string {
	return "user " + string(cl.Properties.Username) + ", client " + cl.ID
}

// OnSubscribed implements mochi.Hook: the reasons that the library is about to
// send become the right ones (MQTT 5, section 3.9.3; MQTT 3.1.1 has one only).
func (q *quotas) OnSubscribed(cl *mochi.Client, pk packets.Packet, reasons []byte) {
	for i, sub := range pk.Filters {
		if sub.Filter == tooMuch && cl.Properties.ProtocolVersion == 5 {
			reasons[i] = packets.ErrQuotaExceeded.Code
		}
	}
}

// subscribed is how many subscriptions the client with most of them has, and how
// many there are.
func (q *quotas) subscribed() (most, all int) {
	for _, cl := range q.server.Clients.GetAll() {
		if !q.ours(cl) {
			n := cl.State.Subscriptions.Len()
			most, all = max(most, n), all+n
		}
	}
	return most, all
}

// OnPublish implements mochi.Hook: a message for which there is no room among
// the retained ones is delivered and not retained.
func (q *quotas) OnPublish(cl *mochi.Client, pk packets.Packet) (packets.Packet, error) {
	if pk.FixedHeader.Retain && !q.ours(cl) {
		pk.FixedHeader.Retain = q.room(cl, pk.TopicName, len(pk.Payload), pk.FixedHeader.Remaining)
	}
	return pk, nil
}

// OnWill implements mochi.Hook: the library retains wills without asking.
func (q *quotas) OnWill(cl *mochi.Client, w mochi.Will) (mochi.Will, error) {
	if w.Retain && !q.ours(cl) {
		w.Retain = q.room(cl, w.TopicName, len(w.Payload), 0)
	}
	return w, nil
}

// room counts a message that is to be retained, where there is room for it.
func (q *quotas) room(cl *mochi.Client, topic string, payload, packet int) bool {
	if payload == 0 {
		return true // takes one out
	}
	n := perMessage + int64(max(packet, payload+2*len(topic)))
	q.mu.Lock()
	defer q.mu.Unlock()
	old, there := q.retained[topic]
	switch {
	case !there && len(q.retained) >= q.limits.RetainedMessages:
		q.reached.limit("retained_messages", who(cl))
		return false
	case q.bytes-old+n > int64(q.limits.RetainedBytes):
		q.reached.limit("retained_bytes", who(cl))
		return false
	}
	q.retained[topic] = n
	q.bytes += n - old
	return true
}

// OnRetainMessage implements mochi.Hook: who clears a message makes room, and
// what the daemon says there is its own.
func (q *quotas) OnRetainMessage(cl *mochi.Client, pk packets.Packet, _ int64) {
	if len(pk.Payload) == 0 || q.ours(cl) {
		q.OnRetainedExpired(pk.TopicName)
	}
}

// OnRetainedExpired implements mochi.Hook.
func (q *quotas) OnRetainedExpired(topic string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.bytes -= q.retained[topic]
	delete(q.retained, topic)
}

func (q *quotas) figures() (messages int, bytes int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.retained), q.bytes
}
