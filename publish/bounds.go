package publish

import (
	"reflect"
	"sync"
	"time"

	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"

	"faird/config"
	"faird/publish/listener"
)

// perMessage is what a message takes beside its bytes.
var perMessage = int64(reflect.TypeFor[packets.Packet]().Size())

// bounds keeps the sessions of the built-in broker within their limits: how many
// there are of absent clients, and how much waits in all of them together. Where
// there is too much the user with most of it loses a session, so that who floods
// the broker pays for it. It also ends the sessions that the library forgets to.
type bounds struct {
	mochi.HookBase
	limits  config.BuiltinLimits
	reached *reached
	gate    *gate
	server  *mochi.Server

	mu       sync.Mutex
	sessions map[string]*keeper // by client id
	bytes    int64              // of all their messages
}

// keeper is a client's session as far as its messages go.
type keeper struct {
	client   *mochi.Client
	user     string
	away     time.Time // since when; zero: connected
	doomed   bool      // to be ended when the connection is over
	messages map[uint16]int64
	bytes    int64
}

func newBounds(l config.BuiltinLimits, g *gate, r *reached) *bounds {
	return &bounds{limits: l, reached: r, gate: g, sessions: map[string]*keeper{}}
}

// ID implements mochi.Hook.
func (b *bounds) ID() string { return "bounds" }

// Provides implements mochi.Hook.
func (b *bounds) Provides(k byte) bool {
	switch k {
	case mochi.OnSessionEstablish, mochi.OnQosPublish, mochi.OnQosComplete, mochi.OnQosDropped, mochi.OnClientExpired:
		return true
	}
	return false
}

// OnSessionEstablish implements mochi.Hook: a client has come that may inherit a
// session.
func (b *bounds) OnSessionEstablish(cl *mochi.Client, _ packets.Packet) {
	name := string(cl.Properties.Username)
	if name == b.gate.inside.name || name == b.gate.checker.name {
		return
	}
	b.mu.Lock()
	old := b.sessions[cl.ID]
	owed := int64(0)
	if old != nil {
		owed = old.bytes
		b.bytes -= old.bytes // the library sends them again, and each is counted then
	}
	b.sessions[cl.ID] = &keeper{client: cl, user: b.gate.owner(name), messages: map[uint16]int64{}}
	b.mu.Unlock()
	if c, is := cl.Net.Conn.(*listener.Conn); is {
		c.Owed(owed)
	}
}

// OnQosPublish implements mochi.Hook: a message waits for its acknowledgement.
func (b *bounds) OnQosPublish(cl *mochi.Client, pk packets.Packet, _ int64, _ int) {
	b.mu.Lock()
	s := b.sessions[cl.ID]
	if s == nil {
		b.mu.Unlock()
		return
	}
	b.put(s, pk)
	victim := b.heaviest()
	b.mu.Unlock()
	if victim != nil {
		b.reached.limit("queued_bytes", victim.who())
		b.end(victim)
	}
}

// put is called with mu held.
func (b *bounds) put(s *keeper, pk packets.Packet) {
	b.take(s, pk.PacketID)
	n := perMessage + int64(max(pk.FixedHeader.Remaining, len(pk.TopicName)+len(pk.Payload)))
	s.messages[pk.PacketID] = n
	s.bytes += n
	b.bytes += n
}

// take is called with mu held.
func (b *bounds) take(s *keeper, id uint16) {
	n := s.messages[id]
	delete(s.messages, id)
	s.bytes -= n
	b.bytes -= n
}

// OnQosComplete implements mochi.Hook.
func (b *bounds) OnQosComplete(cl *mochi.Client, pk packets.Packet) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if s := b.sessions[cl.ID]; s != nil && s.client == cl {
		b.take(s, pk.PacketID)
	}
}

// OnQosDropped implements mochi.Hook.
func (b *bounds) OnQosDropped(cl *mochi.Client, pk packets.Packet) { b.OnQosComplete(cl, pk) }

// OnClientExpired implements mochi.Hook: the library forgets the client, and
// would leave its subscriptions for the next one with its id.
func (b *bounds) OnClientExpired(cl *mochi.Client) {
	b.reached.limit("session_expiry", who(cl))
	b.server.UnsubscribeClient(cl)
	cl.ClearInflights()
	b.forget(cl)
}

// heaviest is the session that must go where there is too much, nil where there
// is not; mu is held.
func (b *bounds) heaviest() (worst *keeper) {
	if b.bytes <= int64(b.limits.QueuedBytes) {
		return nil
	}
	of := map[string]int64{}
	for _, s := range b.sessions {
		if !s.doomed {
			of[s.user] += s.bytes
		}
	}
	for _, s := range b.sessions {
		if s.doomed {
			continue
		}
		if worst == nil || of[s.user] > of[worst.user] || s.user == worst.user && s.bytes > worst.bytes {
			worst = s
		}
	}
	if worst != nil {
		worst.doomed = true
	}
	return worst
}

func (s *keeper) who() string { return "user " + s.user + ", client " + s.client.ID }

// left notes that a client's connection is over: its session stays or ends.
func (b *bounds) left(cl *mochi.Client) {
	if now, there := b.server.Clients.Get(cl.ID); !there || now != cl {
		b.forget(cl)
		return
	}
	b.mu.Lock()
	s := b.sessions[cl.ID]
	stays := s != nil && s.client == cl && !s.doomed && persistent(cl)
	if stays {
		s.away = time.Now()
	}
	b.mu.Unlock()
	if !stays {
		b.drop(cl)
		return
	}
	b.recount(cl)
	for _, victim := range b.tooMany() {
		b.reached.limit("sessions", victim.who())
		b.end(victim)
	}
}

// persistent is whether a session outlives its connection (MQTT 3.1.1, section
// 3.1.2.4; MQTT 5, section 3.1.2.11.2).
func persistent(cl *mochi.Client) bool {
	if cl.Properties.ProtocolVersion == 5 {
		return cl.Properties.Props.SessionExpiryInterval > 0
	}
	return !cl.Properties.Clean
}

// tooMany are the sessions of absent clients that must go: each time the oldest
// of the user with most of them.
func (b *bounds) tooMany() (out []*keeper) {
	b.mu.Lock()
	defer b.mu.Unlock()
	of, all := map[string]int{}, 0
	for _, s := range b.sessions {
		if !s.away.IsZero() && !s.doomed {
			of[s.user]++
			all++
		}
	}
	for ; all > b.limits.Sessions; all-- {
		var oldest *keeper
		for _, s := range b.sessions {
			if s.away.IsZero() || s.doomed {
				continue
			}
			if oldest == nil || of[s.user] > of[oldest.user] || s.user == oldest.user && s.away.Before(oldest.away) {
				oldest = s
			}
		}
		oldest.doomed = true
		of[oldest.user]--
		out = append(out, oldest)
	}
	return out
}

// end ends a session. Of a client that is connected the connection ends first.
func (b *bounds) end(s *keeper) {
	if !s.client.Closed() {
		_ = b.server.DisconnectClient(s.client, packets.ErrQuotaExceeded) // what is left then ends in left
		return
	}
	b.drop(s.client)
}

// drop removes what the library has of an absent client, unless another
// connection is about to inherit it.
func (b *bounds) drop(cl *mochi.Client) {
	b.gate.whileAway(cl.ID, func() {
		if now, there := b.server.Clients.Get(cl.ID); !there || now != cl {
			return
		}
		b.server.UnsubscribeClient(cl)
		cl.ClearInflights()
		b.server.Clients.Delete(cl.ID)
		b.forget(cl)
	})
}

func (b *bounds) forget(cl *mochi.Client) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if s := b.sessions[cl.ID]; s != nil && s.client == cl {
		b.bytes -= s.bytes
		delete(b.sessions, cl.ID)
	}
}

// recount goes by what the library has: it does not tell of every message that
// it takes out.
func (b *bounds) recount(cl *mochi.Client) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.sessions[cl.ID]
	if s == nil || s.client != cl {
		return
	}
	for id := range s.messages {
		if _, there := cl.State.Inflight.Get(id); !there {
			b.take(s, id)
		}
	}
	if len(s.messages) == cl.State.Inflight.Len() {
		return
	}
	for _, pk := range cl.State.Inflight.GetAll(false) {
		b.put(s, pk)
	}
}

// reconcile recounts what does not agree.
func (b *bounds) reconcile() {
	b.mu.Lock()
	var differ []*mochi.Client
	for _, s := range b.sessions {
		if len(s.messages) != s.client.State.Inflight.Len() {
			differ = append(differ, s.client)
		}
	}
	b.mu.Unlock()
	for _, cl := range differ {
		b.recount(cl)
	}
}

// figures are the sessions of absent clients, the most messages in one of any
// client, and the bytes in all.
func (b *bounds) figures() (away, most int, bytes int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, s := range b.sessions {
		if !s.away.IsZero() {
			away++
		}
		most = max(most, len(s.messages))
	}
	return away, most, b.bytes
}
