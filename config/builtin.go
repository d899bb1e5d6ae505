package config

import (
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"faird/config/redact"
)

// LeastPassword is how many characters a password of the built-in broker has at
// least, as those of the page do.
const LeastPassword = 10

// Builtin is the broker inside the daemon, used when no broker is named.
type Builtin struct {
	Listen string        `mapstructure:"listen"` // host:port; beyond loopback it needs users
	TLS    BuiltinTLS    `mapstructure:"tls"`
	Users  []User        `mapstructure:"users"`
	Limits BuiltinLimits `mapstructure:"limits"`
}

// BuiltinTLS is what the built-in broker shows of itself, and wants to see.
type BuiltinTLS struct {
	Cert     string `mapstructure:"cert"` // PEM file; "" is no TLS
	Key      string `mapstructure:"key"`
	ClientCA string `mapstructure:"client_ca"` // PEM file; "": clients need no certificate
}

// User of the built-in broker. Its permissions are station names separated by
// commas, Everything or Nothing.
type User struct {
	Name         string `mapstructure:"name"`
	Password     Secret `mapstructure:"password"` // Load reads PasswordFile into it
	PasswordFile string `mapstructure:"password_file"`
	Write        bool   `mapstructure:"write"`   // what trigger and command are where they are left out: everything, or nothing
	Read         string `mapstructure:"read"`    // "": everything
	Trigger      string `mapstructure:"trigger"` // whose trigger and ack topics
	Command      string `mapstructure:"command"` // whose command topics; Everything includes those of the box
}

// The permissions that are no list of stations.
const (
	Everything = "all"
	Nothing    = "none"
)

// Permission is for which stations a user may do something.
type Permission struct {
	All      bool
	Stations []string
}

// ParsePermission reads a permission; empty text gives what otherwise says.
func ParsePermission(text, otherwise string) Permission {
	if strings.TrimSpace(text) == "" {
		text = otherwise
	}
	switch text = strings.TrimSpace(text); text {
	case Everything:
		return Permission{All: true}
	case Nothing:
		return Permission{}
	}
	var p Permission
	for name := range strings.SplitSeq(text, ",") {
		if name = strings.TrimSpace(name); name != "" {
			p.Stations = append(p.Stations, name)
		}
	}
	return p
}

// For reports whether the permission covers a station.
func (p Permission) For(station string) bool { return p.All || slices.Contains(p.Stations, station) }

// Any reports whether there is any station it may cover.
func (p Permission) Any() bool { return p.All || len(p.Stations) > 0 }

// Reads, Triggers and Commands are the user's permissions.
func (u User) Reads() Permission { return ParsePermission(u.Read, Everything) }

// Triggers covers trigger and ack topics.
func (u User) Triggers() Permission { return ParsePermission(u.Trigger, u.writes()) }

// Commands covers command topics.
func (u User) Commands() Permission { return ParsePermission(u.Command, u.writes()) }

func (u User) writes() string {
	if u.Write {
		return Everything
	}
	return Nothing
}

// LoopbackOnly reports whether only this machine can reach the broker.
func (b Builtin) LoopbackOnly() bool {
	host, _, err := net.SplitHostPort(b.Listen)
	return err == nil && loopback(host)
}

func (k *checker) builtin(b Builtin) {
	_, port, err := net.SplitHostPort(b.Listen)
	switch beyond := !b.LoopbackOnly(); {
	case err != nil || port == "":
		k.bad("mqtt.builtin.listen", fmt.Sprintf("%q is not host:port", b.Listen), "write 127.0.0.1:1883")
	case beyond && len(b.Users) == 0:
		k.bad("mqtt.builtin.listen", b.Listen+" can be reached from other machines, and there are no users",
			"add mqtt.builtin.users, or listen on 127.0.0.1")
	case beyond && b.TLS.Cert == "":
		k.warn("mqtt.builtin.listen", b.Listen+" can be reached from other machines, and passwords go over the network unencrypted",
			"give mqtt.builtin.tls a certificate")
	}
	if (b.TLS.Cert == "") != (b.TLS.Key == "") {
		k.bad("mqtt.builtin.tls", "cert and key go together", "give both or neither")
	}
	if b.TLS.ClientCA != "" && b.TLS.Cert == "" {
		k.bad("mqtt.builtin.tls.client_ca", "set, but the broker itself has no certificate", "give mqtt.builtin.tls.cert and key too")
	}
	seen := map[string]bool{}
	for i, u := range b.Users {
		k.user(k.item("mqtt.builtin.users", i), u, b.TLS.ClientCA != "", seen)
	}
	k.builtinLimits(b.Limits)
}

// user checks one; certified: certificates of clients are asked for, so that a
// user may do without a password.
func (k *checker) user(key string, u User, certified bool, seen map[string]bool) {
	switch {
	case u.Name == "":
		k.bad(key+".name", "missing", "name the user")
	case seen[u.Name]:
		k.bad(key+".name", fmt.Sprintf("there are two users %q", u.Name), "give each its own name")
	}
	seen[u.Name] = true
	switch n := utf8.RuneCountInString(string(u.Password)); {
	case n == 0 && u.PasswordFile == "" && !certified:
		k.bad(key+".password", "missing", "give password_file (or password)")
	case u.Password == redact.Stars: // as Show writes it, which loads again
	case n > 0 && n < LeastPassword:
		at := key + ".password"
		if u.PasswordFile != "" {
			at = key + ".password_file"
		}
		k.bad(at, fmt.Sprintf("the password has %d characters, fewer than %d", n, LeastPassword),
			"choose a longer one, such as openssl rand -base64 12 gives, here and in the client")
	}
}

// permissions warns of stations that a user's permissions name and that there
// are not: stations may come and go while the broker keeps its users.
func (k *checker) permissions(c *Config) {
	if c.MQTT.Broker != "" {
		return
	}
	names := make([]string, len(c.Stations))
	for i, s := range c.Stations {
		names[i] = s.Name
	}
	for i, u := range c.MQTT.Builtin.Users {
		key := k.item("mqtt.builtin.users", i)
		for _, p := range []struct{ key, text string }{{"read", u.Read}, {"trigger", u.Trigger}, {"command", u.Command}} {
			if text := strings.TrimSpace(p.text); (text == Everything || text == Nothing) && slices.Contains(names, text) {
				k.bad(key+"."+p.key, fmt.Sprintf("there is a station %q, and the word has a meaning here", text), "give the station another name")
			}
			for _, name := range ParsePermission(p.text, Nothing).Stations {
				k.permission(key+"."+p.key, name, names)
			}
		}
	}
}

func (k *checker) permission(key, name string, stations []string) {
	if slices.Contains(stations, name) {
		return
	}
	if name == Everything || name == Nothing || strings.ContainsAny(name, "*#+/") {
		k.bad(key, fmt.Sprintf("%q is no station's name", name), "write station names separated by commas, or all, or none, and nothing else")
		return
	}
	fix := "write station names separated by commas, or all, or none"
	if near := nearest(name, stations); near != "" {
		fix = "did you mean " + near + "?"
	}
	k.warn(key, fmt.Sprintf("there is no station %q", name), fix)
}

// keyIsPrivate complains of a private key that every user of the machine can
// read: with it anybody is this server.
func (k *checker) keyIsPrivate(at, path string) {
	if path == "" {
		return
	}
	if why := WhyNotPrivate(path); why != "" {
		k.bad(at, why, "chmod o-rwx "+path)
	}
}

// WhyNotPrivate is empty for a file that only its owner and group may open.
func WhyNotPrivate(path string) string {
	info, err := os.Stat(path)
	if err == nil && info.Mode().Perm()&0o007 != 0 {
		return fmt.Sprintf("%s holds a private key and is open to every user of this machine (mode %04o)", path, info.Mode().Perm())
	}
	return ""
}
