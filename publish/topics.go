package publish

import "strings"

// topics are the names under faird/<site>/<box>/.
type topics struct{ prefix string }

func newTopics(id Identity) topics { return topics{"faird/" + id.Site + "/" + id.Box + "/"} }

func (t topics) box(leaf string) string              { return t.prefix + leaf }
func (t topics) station(station, leaf string) string { return t.prefix + station + "/" + leaf }

// command returns the command topic of a station, or of the box where station is "".
func (t topics) command(station string) string {
	if station == "" {
		return t.box("command")
	}
	return t.station(station, "command")
}

// split takes a topic apart; station is "" for the box's own.
func (t topics) split(topic string) (station, leaf string, ok bool) {
	rest, ok := strings.CutPrefix(topic, t.prefix)
	if !ok {
		return "", "", false
	}
	if station, leaf, ok := strings.Cut(rest, "/"); ok {
		return station, leaf, true
	}
	return "", rest, true
}
