package config

import (
	"fmt"
	"time"
)

// BuiltinLimits bound what clients can make the built-in broker keep and do.
// The daemon's own connection, messages and subscriptions are not counted.
type BuiltinLimits struct {
	Sockets              int           `mapstructure:"sockets"`               // connections open at once
	UserSockets          int           `mapstructure:"user_sockets"`          // those of one user
	ConnectTimeout       time.Duration `mapstructure:"connect_timeout"`       // from the connection to a whole CONNECT, TLS included
	WrongPasswords       int           `mapstructure:"wrong_passwords"`       // a minute, from one address for one user
	Packet               Bytes         `mapstructure:"packet"`                // the longest that a client may send
	Unread               Bytes         `mapstructure:"unread"`                // what waits for one client that reads too slowly
	Sessions             int           `mapstructure:"sessions"`              // kept for absent clients
	SessionExpiry        time.Duration `mapstructure:"session_expiry"`        // how long each is kept
	SessionMessages      int           `mapstructure:"session_messages"`      // of each session, not yet acknowledged
	QueuedBytes          Bytes         `mapstructure:"queued_bytes"`          // those messages, of all sessions together
	RetainedMessages     int           `mapstructure:"retained_messages"`     // of all clients together
	RetainedBytes        Bytes         `mapstructure:"retained_bytes"`        // of all clients together
	SessionSubscriptions int           `mapstructure:"session_subscriptions"` // of each session
	Subscriptions        int           `mapstructure:"subscriptions"`         // of all sessions together
}

// DefaultLimits are generous to a plant and far from what hurts a box.
func DefaultLimits() BuiltinLimits {
	return BuiltinLimits{
		Sockets: 256, UserSockets: 64, ConnectTimeout: 5 * time.Second, WrongPasswords: 10,
		Packet: 2 << 20, Unread: 4 << 20,
		Sessions: 64, SessionExpiry: 24 * time.Hour, SessionMessages: 8192, QueuedBytes: 64 << 20,
		RetainedMessages: 256, RetainedBytes: 1 << 20, SessionSubscriptions: 256, Subscriptions: 4096,
	}
}

// leastPacket lets every trigger and command through, and what a PLC pads it
// with.
const leastPacket Bytes = 64 << 10

// mostMessages is how many packet ids there are (MQTT 3.1.1, section 2.3.1).
const mostMessages = 65535

func (k *checker) builtinLimits(l BuiltinLimits) {
	const at = "mqtt.builtin.limits."
	for _, n := range []struct {
		key         string
		value, most int
	}{
		{"sockets", l.Sockets, 1 << 16},
		{"user_sockets", l.UserSockets, l.Sockets},
		{"wrong_passwords", l.WrongPasswords, 1 << 16},
		{"sessions", l.Sessions, 1 << 16},
		{"session_messages", l.SessionMessages, mostMessages},
		{"retained_messages", l.RetainedMessages, 1 << 20},
		{"session_subscriptions", l.SessionSubscriptions, 1 << 20},
		{"subscriptions", l.Subscriptions, 1 << 20},
	} {
		if n.value < 1 || n.most > 0 && n.value > n.most {
			k.bad(at+n.key, fmt.Sprintf("%d is out of range", n.value), fmt.Sprintf("give 1 to %d", n.most))
		}
	}
	for _, n := range []struct {
		key         string
		value, from Bytes
	}{
		{"packet", l.Packet, leastPacket},
		{"unread", l.Unread, l.Packet},
		{"queued_bytes", l.QueuedBytes, l.Packet},
		{"retained_bytes", l.RetainedBytes, 1},
	} {
		if most := Bytes(1 << 30); n.value < n.from || n.value > most {
			k.bad(at+n.key, n.value.String()+" is out of range", fmt.Sprintf("give %s to %s", n.from, most))
		}
	}
	if l.ConnectTimeout < 100*time.Millisecond || l.ConnectTimeout > 5*time.Minute {
		k.bad(at+"connect_timeout", l.ConnectTimeout.String()+" is out of range", "give 100ms to 5m")
	}
	if l.SessionExpiry < time.Second || l.SessionExpiry > 30*24*time.Hour {
		k.bad(at+"session_expiry", l.SessionExpiry.String()+" is out of range", "give 1s to 720h")
	}
}
