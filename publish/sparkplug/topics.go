package sparkplug

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// namespace is the first level of every topic (section 4.1).
const namespace = "spBv1.0"

// The message types of section 4.1.3 that an edge node sends or hears.
const (
	nbirth = "NBIRTH"
	ndeath = "NDEATH"
	ndata  = "NDATA"
	ncmd   = "NCMD"
	dbirth = "DBIRTH"
	ddeath = "DDEATH"
	ddata  = "DDATA"
	dcmd   = "DCMD"
)

// topics are the names of one edge node.
type topics struct{ group, node string }

func (t topics) of(kind string) string { return namespace + "/" + t.group + "/" + kind + "/" + t.node }

func (t topics) device(kind, device string) string { return t.of(kind) + "/" + device }

// command takes the topic of a command apart; device is "" for the node's own.
func (t topics) command(topic string) (device string, ok bool) {
	if topic == t.of(ncmd) {
		return "", true
	}
	device, ok = strings.CutPrefix(topic, t.of(dcmd)+"/")
	return device, ok && device != ""
}

// stateTopic is where a host application says whether it is there.
func stateTopic(host string) string { return namespace + "/STATE/" + host }

// checkID holds an id against section 4.1: UTF-8 without the characters that
// MQTT gives a meaning.
func checkID(key, id string) error {
	switch {
	case id == "":
		return fmt.Errorf("%s is empty: give it a name", key)
	case !utf8.ValidString(id) || strings.ContainsAny(id, "+/#") || strings.ContainsFunc(id, unicode.IsControl):
		return fmt.Errorf("%s: %q cannot be part of a Sparkplug topic: leave out + / # and control characters", key, id)
	}
	return nil
}
