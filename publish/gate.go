package publish

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"net"
	"strings"
	"sync"

	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
	"github.com/rs/zerolog"

	"faird/config"
	"faird/publish/listener"
)

// gate decides who gets into the built-in broker and may do what there. Nobody
// but the daemon writes what the daemon says.
type gate struct {
	mochi.HookBase
	topics  topics
	log     zerolog.Logger
	reached *reached
	limits  config.BuiltinLimits
	server  *mochi.Server

	users    map[string]user // none: anybody on this machine may read
	attempts *attempts
	inside   self    // the daemon's connections, which come from within the process
	checker  self    // its look at itself, which comes over the network
	senders  senders // of commands

	mu      sync.Mutex
	clients map[net.Conn]*mochi.Client // those let in
	owners  map[string]*owner          // of the client ids that connections have now
	sockets map[string]int             // by user
}

// self is a name and a password that last as long as the process.
type self struct{ name, secret string }

func newSelf(kind string) self { return self{kind + random(), random()} }

func (s self) is(name string, password []byte) bool {
	given, secret := sha256.Sum256(password), sha256.Sum256([]byte(s.secret))
	return name == s.name && subtle.ConstantTimeCompare(given[:], secret[:]) == 1
}

// owner is the user of the connections that have a client id, be they in the
// middle of connecting.
type owner struct {
	user        string
	connections int
}

func newGate(c config.Builtin, t topics, log zerolog.Logger, r *reached) (*gate, error) {
	users, err := newUsers(c.Users, c.TLS.ClientCA != "")
	if err != nil {
		return nil, err
	}
	return &gate{
		topics: t, log: log, reached: r, limits: c.Limits, users: users, attempts: newAttempts(c.Limits.WrongPasswords),
		inside: newSelf("faird-"), checker: newSelf("faird-check-"),
		clients: map[net.Conn]*mochi.Client{}, owners: map[string]*owner{}, sockets: map[string]int{},
	}, nil
}

// ID implements mochi.Hook.
func (g *gate) ID() string { return "faird" }

// Provides implements mochi.Hook.
func (g *gate) Provides(b byte) bool {
	switch b {
	case mochi.OnConnect, mochi.OnConnectAuthenticate, mochi.OnACLCheck, mochi.OnPublish, mochi.OnPublishDropped:
		return true
	}
	return false
}

// OnConnect implements mochi.Hook: who is not let in learns why. The library
// itself has one answer only.
func (g *gate) OnConnect(cl *mochi.Client, pk packets.Packet) error {
	code := g.admit(cl, pk)
	if code == packets.CodeSuccess {
		cl.Properties.Will.WillDelayInterval = 0 // the library would keep such wills without a limit
		return nil
	}
	if cl.Properties.ProtocolVersion < 5 {
		code = before5(code)
	}
	if err := g.server.SendConnack(cl, code, false, nil); err != nil {
		return err
	}
	return code
}

// before5 is what MQTT 3.1.1 has for a reason (section 3.2.2.3), beside those
// that the library translates.
func before5(code packets.Code) packets.Code {
	switch code {
	case packets.ErrConnectionRateExceeded, packets.ErrQuotaExceeded:
		return packets.ErrServerUnavailable
	case packets.ErrNotAuthorized:
		return packets.ErrBadUsernameOrPassword
	}
	return code
}

// OnConnectAuthenticate implements mochi.Hook: OnConnect, which comes before it,
// lets nobody else in.
func (g *gate) OnConnectAuthenticate(*mochi.Client, packets.Packet) bool { return true }

// admit decides about a CONNECT.
func (g *gate) admit(cl *mochi.Client, pk packets.Packet) packets.Code {
	name := string(pk.Connect.Username)
	name, code := g.identify(cl, name, pk.Connect.Password)
	if code != packets.CodeSuccess {
		return code
	}
	if pk.Connect.WillFlag && !g.mayWrite(name, pk.Connect.WillTopic) { // the broker sends wills without asking again
		return packets.ErrNotAuthorized
	}
	cl.Properties.Username = []byte(name)
	return g.enter(cl, g.owner(name))
}

// identify is who a client is.
func (g *gate) identify(cl *mochi.Client, name string, password []byte) (string, packets.Code) {
	if g.inside.is(name, password) && listener.Inside(cl.Net.Conn) || g.checker.is(name, password) && fromHere(cl.Net.Remote) {
		return name, packets.CodeSuccess
	}
	if name == g.inside.name || name == g.checker.name {
		return "", g.refuse(cl, name)
	}
	if len(g.users) == 0 {
		return name, packets.CodeSuccess
	}
	certified := listener.CommonName(cl.Net.Conn)
	if name == "" {
		name = certified
	}
	u, known := g.users[name]
	who := guesserOf(cl.Net.Remote, name)
	if !known {
		who.user = ""
	}
	if !g.attempts.may(who) {
		g.reached.limit("wrong_passwords", cl.Net.Remote+" for user "+name)
		return "", packets.ErrConnectionRateExceeded
	}
	if !known || !u.is(name, password, certified) {
		g.attempts.wrong(who)
		return "", g.refuse(cl, name)
	}
	return name, packets.CodeSuccess
}

func (g *gate) refuse(cl *mochi.Client, name string) packets.Code {
	if times, due := g.reached.note("login " + clip(name)); due {
		g.log.Warn().Str("user", clip(name)).Str("from", cl.Net.Remote).Uint64("times", times).Msg("built-in broker: wrong user name or password")
	}
	return packets.ErrBadUsernameOrPassword
}

// owner is whose sessions a user's are: where there are no users everybody's are
// alike, since a name proves nothing.
func (g *gate) owner(name string) string {
	if len(g.users) == 0 && name != g.inside.name && name != g.checker.name {
		return ""
	}
	return name
}

// enter gives a client its id, which may be another user's, and its place.
func (g *gate) enter(cl *mochi.Client, user string) packets.Code {
	g.mu.Lock()
	defer g.mu.Unlock()
	ours := user == g.inside.name || user == g.checker.name
	if of, taken := g.takenBy(cl.ID); taken && of != user && !ours {
		if times, due := g.reached.note("taken " + clip(cl.ID)); due {
			g.log.Warn().Str("user", clip(user)).Str("client", clip(cl.ID)).Str("from", cl.Net.Remote).Str("owner", clip(of)).Uint64("times", times).
				Msg("built-in broker: a client id belongs to another user's session: give each client its own")
		}
		return packets.ErrClientIdentifierNotValid
	}
	if !ours && g.sockets[user] >= g.limits.UserSockets {
		g.reached.limit("user_sockets", "user "+user+" from "+cl.Net.Remote)
		return packets.ErrQuotaExceeded
	}
	if g.owners[cl.ID] == nil {
		g.owners[cl.ID] = &owner{}
	}
	g.owners[cl.ID].user = user
	g.owners[cl.ID].connections++
	g.sockets[user]++
	g.clients[cl.Net.Conn] = cl
	if c, is := cl.Net.Conn.(*listener.Conn); is {
		c.Known()
	}
	return packets.CodeSuccess
}

// takenBy is whose a client id is; mu is held.
func (g *gate) takenBy(id string) (user string, taken bool) {
	if o := g.owners[id]; o != nil {
		return o.user, true
	}
	if cl, there := g.server.Clients.Get(id); there {
		return g.owner(string(cl.Properties.Username)), true
	}
	return "", false
}

// left takes back a connection's place when the library is done with it. It
// returns the client, nil where it was not let in.
func (g *gate) left(conn net.Conn) *mochi.Client {
	g.mu.Lock()
	defer g.mu.Unlock()
	cl := g.clients[conn]
	if cl == nil {
		return nil
	}
	delete(g.clients, conn)
	o := g.owners[cl.ID]
	if o.connections--; o.connections == 0 {
		delete(g.owners, cl.ID)
	}
	user := g.owner(string(cl.Properties.Username))
	if g.sockets[user]--; g.sockets[user] == 0 {
		delete(g.sockets, user)
	}
	return cl
}

// whileAway does something to a client id that no connection has, and that none
// can have meanwhile; false where one has it.
func (g *gate) whileAway(id string, do func()) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.owners[id] != nil {
		return false
	}
	do()
	return true
}

// mostSockets is how many connections the user with most of them has.
func (g *gate) mostSockets() (most int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for user, n := range g.sockets {
		if user != g.inside.name && user != g.checker.name {
			most = max(most, n)
		}
	}
	return most
}

// fromHere is whether an address is this machine's own: loopback, or where the
// broker listens on one address only, that one.
func fromHere(remote string) bool {
	host, _, err := net.SplitHostPort(remote)
	if err != nil {
		return false
	}
	if isLoopback(host) {
		return true
	}
	own, err := net.InterfaceAddrs()
	if err != nil {
		return false
	}
	for _, a := range own {
		if n, ok := a.(*net.IPNet); ok && n.IP.String() == host {
			return true
		}
	}
	return false
}

// OnACLCheck implements mochi.Hook. It is asked about every message to every
// subscriber too.
func (g *gate) OnACLCheck(cl *mochi.Client, topic string, write bool) bool {
	name := string(cl.Properties.Username)
	if write {
		return g.mayWrite(name, topic)
	}
	switch {
	case name == g.checker.name || topic == checkTopic:
		return name == g.checker.name && topic == checkTopic
	case name == g.inside.name || len(g.users) == 0:
		return true
	}
	u, known := g.users[name]
	return known && u.mayRead(g.topics, topic)
}

func (g *gate) mayWrite(name, topic string) bool {
	if name == g.inside.name || name == g.checker.name && topic == checkTopic {
		return true
	}
	if g.users[name].mayWrite(g.topics, topic) {
		return true
	}
	if times, due := g.reached.note("write " + clip(name)); due {
		g.log.Warn().Str("user", clip(name)).Str("topic", clip(topic)).Uint64("times", times).
			Msg("built-in broker: not allowed to write: triggers, acks, commands and a Sparkplug host's STATE are for users of mqtt.builtin.users with write: true, or whose trigger or command names the station")
	}
	return false
}

// commands is whether a topic is for commands, ours or Sparkplug's.
func (g *gate) commands(topic string) bool {
	if _, leaf, ok := g.topics.split(topic); ok {
		return leaf == "command"
	}
	level := strings.Split(topic, "/")
	return len(level) >= 4 && level[0]+"/" == sparkplugRoot && (level[2] == "NCMD" || level[2] == "DCMD")
}

// OnPublish implements mochi.Hook: it notes who sends commands.
func (g *gate) OnPublish(cl *mochi.Client, pk packets.Packet) (packets.Packet, error) {
	if g.commands(pk.TopicName) {
		g.senders.note(pk.TopicName, pk.Payload, fmt.Sprintf("user %s, client %s", clip(string(cl.Properties.Username)), clip(cl.ID)))
	}
	return pk, nil
}

// OnPublishDropped implements mochi.Hook: a subscriber that does not read.
func (g *gate) OnPublishDropped(cl *mochi.Client, pk packets.Packet) {
	if times, due := g.reached.note("dropped " + clip(cl.ID)); due && strings.HasPrefix(pk.TopicName, g.topics.prefix) {
		g.log.Warn().Str("client", clip(cl.ID)).Str("topic", pk.TopicName).Uint64("times", times).
			Msg("built-in broker: a subscriber is too slow, a message to it is lost")
	}
}
