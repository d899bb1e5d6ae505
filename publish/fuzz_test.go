package publish

import (
	"testing"
	"unicode/utf8"
)

// FuzzCommand holds that no payload makes the parser fall over, or lets more
// through than it may.
func FuzzCommand(f *testing.F) {
	for _, seed := range []string{
		"", "{}", "null", "[", "\xff", `{"id":"c-1","command":"pause","by":"plc"}`, `{"command":"threshold","threshold":0.1,"review":0.2}`,
		`{"command":"threshold","threshold":1e999}`, `{"command":"model","model":"../../etc/passwd"}`, `{"command":"save","count":-1}`, `{"command":"save","count":1e3}`,
	} {
		f.Add("cap", []byte(seed))
		f.Add("", []byte(seed))
	}
	f.Fuzz(func(t *testing.T, station string, payload []byte) {
		r := request{station: station}
		err := parseCommand(payload, &r.Command)
		for _, s := range []string{r.ID, r.By, r.Command.Command} {
			if len(s) > fieldLimit || !utf8.ValidString(s) {
				t.Errorf("%q is let through", s)
			}
		}
		if err != nil || r.Check(station) != nil {
			return
		}
		limit, review := r.Threshold.Value, r.Review.Value
		switch {
		case r.Command.Command == CommandSave && (r.Count < 1 || r.Count > MaxSave),
			r.Command.Command == CommandModel && r.Model == "",
			r.Command.Command == CommandThreshold && !r.Threshold.Given,
			limit != nil && !(*limit > 0 && *limit <= MaxThreshold),
			review != nil && (limit == nil || !(*review > 0 && *review < *limit)):
			t.Errorf("%q passes as %+v", payload, r.Command)
		}
	})
}

// FuzzTopic holds that a topic is taken apart as it was put together.
func FuzzTopic(f *testing.F) {
	own := newTopics(Identity{Site: "plant1", Box: "edge7"})
	for _, seed := range []string{"", "faird/plant1/edge7/", own.box("command"), own.station("cap", "trigger"), "faird/plant1/edge7//", "faird/plant1/edge7/a/b/c"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, topic string) {
		station, leaf, ok := own.split(topic)
		if ok && station != "" && own.station(station, leaf) != topic {
			t.Errorf("%q became %q and %q", topic, station, leaf)
		}
	})
}
