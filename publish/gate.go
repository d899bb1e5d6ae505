package publish

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"net"
	"strings"

	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
	"github.com/rs/zerolog"

	"faird/config"
)

// gate decides who may do what at the built-in broker: everybody who gets in
// may read, users with write may write trigger, ack and command, and nobody but
// the daemon writes what the daemon says.
type gate struct {
	mochi.HookBase
	topics         topics
	log            zerolog.Logger
	users          map[string]user // none: anybody on this machine may read
	inside, secret string          // the daemon's own
	senders        senders         // of commands
}

type user struct {
	password [sha256.Size]byte
	write    bool
}

func newGate(users []config.User, t topics, log zerolog.Logger) (*gate, error) {
	g := &gate{topics: t, log: log, users: map[string]user{}, inside: "faird-" + random(), secret: random()}
	for i, u := range users {
		password := string(u.Password)
		if u.PasswordFile != "" {
			var err error
			if password, err = config.ReadSecret(u.PasswordFile); err != nil {
				return nil, fmt.Errorf("mqtt.builtin.users[%d].password_file: %w", i, err)
			}
		}
		switch _, twice := g.users[u.Name]; {
		case u.Name == "":
			return nil, fmt.Errorf("mqtt.builtin.users[%d]: name is missing", i)
		case password == "":
			return nil, fmt.Errorf("mqtt.builtin.users[%d]: %s has no password: set password or password_file", i, u.Name)
		case twice:
			return nil, fmt.Errorf("mqtt.builtin.users[%d]: %s is there twice", i, u.Name)
		}
		g.users[u.Name] = user{password: sha256.Sum256([]byte(password)), write: u.Write}
	}
	return g, nil
}

// ID implements mochi.Hook.
func (g *gate) ID() string { return "faird" }

// Provides implements mochi.Hook.
func (g *gate) Provides(b byte) bool {
	return b == mochi.OnConnectAuthenticate || b == mochi.OnACLCheck || b == mochi.OnPublish || b == mochi.OnPublishDropped
}

// OnConnectAuthenticate implements mochi.Hook.
func (g *gate) OnConnectAuthenticate(cl *mochi.Client, pk packets.Packet) bool {
	name := string(pk.Connect.Username)
	given := sha256.Sum256(pk.Connect.Password)
	ok := false
	switch u, known := g.users[name]; {
	case name == g.inside:
		secret := sha256.Sum256([]byte(g.secret))
		ok = fromHere(cl.Net.Remote) && same32(given, secret)
	case known:
		ok = same32(given, u.password)
	default:
		ok = len(g.users) == 0
	}
	if !ok {
		g.log.Warn().Str("user", name).Str("from", cl.Net.Remote).Msg("built-in broker: wrong user name or password")
		return false
	}
	// The broker sends wills without asking again.
	return !pk.Connect.WillFlag || g.mayWrite(name, pk.Connect.WillTopic)
}

func same32(a, b [sha256.Size]byte) bool { return subtle.ConstantTimeCompare(a[:], b[:]) == 1 }

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

// OnACLCheck implements mochi.Hook.
func (g *gate) OnACLCheck(cl *mochi.Client, topic string, write bool) bool {
	return !write || g.mayWrite(string(cl.Properties.Username), topic)
}

func (g *gate) mayWrite(name, topic string) bool {
	if name == g.inside {
		return true
	}
	station, leaf, ok := g.topics.split(topic)
	asked := ok && station != "" && (leaf == "trigger" || leaf == "ack") || g.commands(topic) || strings.HasPrefix(topic, hostState)
	if asked && g.users[name].write {
		return true
	}
	g.log.Warn().Str("user", name).Str("topic", clip(topic)).
		Msg("built-in broker: not allowed to write: triggers, acks, commands and a Sparkplug host's STATE are for users of mqtt.builtin.users with write: true")
	return false
}

// hostState is where Sparkplug's host applications say that they are there.
const hostState = "spBv1.0/STATE/"

// commands is whether a topic is for commands, ours or Sparkplug's.
func (g *gate) commands(topic string) bool {
	if _, leaf, ok := g.topics.split(topic); ok {
		return leaf == "command"
	}
	level := strings.Split(topic, "/")
	return len(level) >= 4 && level[0] == "spBv1.0" && (level[2] == "NCMD" || level[2] == "DCMD")
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
	if strings.HasPrefix(pk.TopicName, g.topics.prefix) {
		g.log.Warn().Str("client", cl.ID).Str("topic", pk.TopicName).Msg("built-in broker: a subscriber is too slow, a message to it is lost")
	}
}
