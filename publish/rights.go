package publish

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"strings"
	"unicode/utf8"

	"faird/config"
	"faird/config/redact"
)

const (
	sparkplugRoot = "spBv1.0/"
	// checkTopic is for the broker's look at itself. No wildcard of a client's
	// matches it (MQTT 3.1.1, section 4.7.2).
	checkTopic = "$faird/check"
)

// user is one of mqtt.builtin.users.
type user struct {
	password               *[sha256.Size]byte // nil: known by a certificate
	read, trigger, command config.Permission
}

// newUsers reads the passwords, and checks what the config has checked already
// where it comes from a file.
func newUsers(list []config.User, certified bool) (map[string]user, error) {
	users := map[string]user{}
	for i, u := range list {
		at := fmt.Sprintf("mqtt.builtin.users[%d]", i)
		password := string(u.Password)
		if u.PasswordFile != "" {
			var err error
			if password, err = config.ReadSecret(u.PasswordFile); err != nil {
				return nil, fmt.Errorf("%s.password_file: %w", at, err)
			}
		}
		_, twice := users[u.Name]
		switch n := utf8.RuneCountInString(password); {
		case u.Name == "":
			return nil, fmt.Errorf("%s: name is missing", at)
		case twice:
			return nil, fmt.Errorf("%s: %s is there twice", at, u.Name)
		case n == 0 && !certified:
			return nil, fmt.Errorf("%s: %s has no password: set password or password_file", at, u.Name)
		case password == redact.Stars:
			return nil, fmt.Errorf("%s: the password of %s is what config show puts in its place: write the password itself", at, u.Name)
		case n > 0 && n < config.LeastPassword:
			return nil, fmt.Errorf("%s: the password of %s has %d characters, fewer than %d: choose a longer one", at, u.Name, n, config.LeastPassword)
		}
		known := user{read: u.Reads(), trigger: u.Triggers(), command: u.Commands()}
		if password != "" {
			sum := sha256.Sum256([]byte(password))
			known.password = &sum
		}
		users[u.Name] = known
	}
	return users, nil
}

// is reports whether somebody is this user: by the password, or where it has
// none by the common name in a certificate that was verified.
func (u user) is(name string, password []byte, commonName string) bool {
	if u.password == nil {
		return commonName == name
	}
	sum := sha256.Sum256(password)
	return subtle.ConstantTimeCompare(sum[:], u.password[:]) == 1
}

// mayWrite reports whether the user may publish to a topic: triggers and acks,
// commands, Sparkplug's too, and the STATE of a Sparkplug host.
func (u user) mayWrite(t topics, topic string) bool {
	if strings.ContainsAny(topic, "+#") {
		return false // a will's, which the library does not look at
	}
	if station, leaf, ours := t.split(topic); ours {
		switch {
		case leaf == "command" && station == "":
			return u.command.All
		case leaf == "command":
			return u.command.For(station)
		case leaf == "trigger" || leaf == "ack":
			return station != "" && u.trigger.For(station)
		}
		return false
	}
	rest, sparkplug := strings.CutPrefix(topic, sparkplugRoot)
	level := strings.Split(rest, "/")
	switch {
	case !sparkplug:
		return false
	case len(level) == 2 && level[0] == "STATE":
		return u.command.Any()
	case len(level) == 3 && level[1] == "NCMD":
		return u.command.All
	case len(level) == 4 && level[1] == "DCMD":
		return u.command.For(level[3])
	}
	return false
}

// mayRead reports whether the user may have what is on a topic, or on some topic
// that a filter matches: what then comes is looked at topic by topic.
func (u user) mayRead(t topics, topic string) bool {
	if u.read.All || !u.read.Any() {
		return u.read.All
	}
	station := stationOf(t, topic)
	return station == "" || station == "+" || station == "#" || u.read.For(station)
}

// stationOf is the station that a topic or filter belongs to, as it stands there;
// "" for what belongs to none.
func stationOf(t topics, topic string) string {
	level := strings.Split(topic, "/")
	if len(level) > 2 && strings.EqualFold(level[0], "$share") {
		level = level[2:]
	}
	if level[0]+"/" == sparkplugRoot {
		if len(level) == 5 && level[2] != "STATE" {
			return level[4]
		}
		return ""
	}
	box := strings.Split(strings.TrimSuffix(t.prefix, "/"), "/")
	if len(level) < len(box)+2 { // the box's own topics
		return ""
	}
	for i, name := range box {
		if level[i] != name && level[i] != "+" {
			return ""
		}
	}
	if station := level[len(box)]; station != "command" { // the box's command/reply
		return station
	}
	return ""
}
