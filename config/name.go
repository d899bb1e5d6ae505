package config

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// maxName keeps topics, file names and log lines of a bearable length.
const maxName = 64

// reservedNames are levels of the topic tree that a station's would hide.
var reservedNames = []string{"ack", "command", "last", "reply", "result", "state", "trigger", "verdict"}

// topicName checks what becomes one level of a topic, and part of file names.
func (k *checker) topicName(key, name string) bool {
	const fix = "use letters, digits, - _ and ."
	usable := func(r rune) bool {
		return unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("-_.", r)
	}
	switch bad := strings.IndexFunc(name, func(r rune) bool { return !usable(r) }); {
	case name == "":
		k.bad(key, "missing", "give a name: it is part of every MQTT topic")
	case bad >= 0:
		k.bad(key, fmt.Sprintf("%q cannot be used in MQTT topics: %q", name, []rune(name[bad:])[0]), fix)
	case len(name) > maxName:
		k.bad(key, fmt.Sprintf("%d bytes are too long a name", len(name)), fmt.Sprintf("use %d at most", maxName))
	case name[0] == '.':
		k.bad(key, fmt.Sprintf("%q begins with a dot", name), "begin with a letter or digit")
	default:
		return true
	}
	return false
}

func (k *checker) stationName(key, name string, seen map[string]bool) {
	if !k.topicName(key, name) {
		return
	}
	if slices.Contains(reservedNames, name) {
		k.bad(key, fmt.Sprintf("%q is a topic of faird's own", name), "choose another name")
	}
	if seen[name] {
		k.bad(key, fmt.Sprintf("there are two stations %q", name), "give each its own name")
	}
	seen[name] = true
}
