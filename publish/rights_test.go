package publish

import (
	"testing"

	"faird/config"
)

func TestRightsOfAStation(t *testing.T) {
	topics := newTopics(testBox)
	users, err := newUsers([]config.User{
		{Name: "cap", Password: "0123456789", Read: "cap", Trigger: "cap", Command: "cap"},
		{Name: "all", Password: "0123456789", Write: true},
		{Name: "plc", Password: "0123456789", Write: true, Command: "none"},
		{Name: "boss", Password: "0123456789", Command: "all", Read: "none"},
	}, false)
	if err != nil {
		t.Fatal(err)
	}
	writes := map[string]string{ // the users who may write there
		"cap/trigger": "all cap plc", "cap/ack": "all cap plc", "lid/trigger": "all plc", "lid/ack": "all plc",
		"cap/command": "all boss cap", "lid/command": "all boss", "command": "all boss",
		"trigger": "", "ack": "", "state": "", "cap/state": "", "cap/verdict": "", "cap/last": "", "command/reply": "",
		"cap/command/reply": "", "+/trigger": "", "cap/trigger/x": "",
	}
	for topic, want := range map[string]string{
		"spBv1.0/plant1/NCMD/edge7": "all boss", "spBv1.0/plant1/DCMD/edge7/cap": "all boss cap", "spBv1.0/plant1/DCMD/edge7/lid": "all boss",
		"spBv1.0/STATE/scada": "all boss cap", "spBv1.0/STATE/a/b": "", "spBv1.0/plant1/DDATA/edge7/cap": "", "spBv1.0/plant1/NCMD/edge7/x/y": "",
		"some/topic": "", "$SYS/x": "", checkTopic: "", "faird/plant1/other/cap/trigger": "",
	} {
		writes["/"+topic] = want
	}
	for topic, want := range writes {
		full := prefix + topic
		if topic[0] == '/' {
			full = topic[1:]
		}
		if got := who4(users, func(u user) bool { return u.mayWrite(topics, full) }); got != want {
			t.Errorf("%s may be written by %q, want %q", full, got, want)
		}
	}
	for topic, want := range map[string]string{ // and read, topics and filters
		prefix + "cap/verdict": "all cap plc", prefix + "lid/verdict": "all plc", prefix + "state": "all cap plc", prefix + "command/reply": "all cap plc",
		prefix + "lid/command/reply": "all plc", prefix + "+/verdict": "all cap plc", "faird/#": "all cap plc", "#": "all cap plc",
		"faird/+/+/lid/verdict": "all plc", "faird/+/+/cap/#": "all cap plc", "$share/g/" + prefix + "lid/#": "all plc", "$share/g/" + prefix + "cap/#": "all cap plc",
		"spBv1.0/plant1/DDATA/edge7/lid": "all plc", "spBv1.0/plant1/DDATA/edge7/cap": "all cap plc", "spBv1.0/plant1/NDATA/edge7": "all cap plc",
		"spBv1.0/STATE/scada": "all cap plc", "$SYS/broker/time": "all cap plc",
	} {
		if got := who4(users, func(u user) bool { return u.mayRead(topics, topic) }); got != want {
			t.Errorf("%s may be read by %q, want %q", topic, got, want)
		}
	}
}

func who4(users map[string]user, may func(user) bool) (names string) {
	for _, name := range []string{"all", "boss", "cap", "plc"} {
		if may(users[name]) {
			if names != "" {
				names += " "
			}
			names += name
		}
	}
	return names
}

// Who may read one station subscribes to everything, and gets what is its own.
func TestReaderOfAStation(t *testing.T) {
	b := inside(t, config.User{Name: "cap", Password: "cap-secret", Read: "cap"}, config.User{Name: "all", Password: "all-secret"})
	b.SetStations([]string{"cap", "lid"})
	one, all := newPLC(t, b.Status().Broker, as("cap", "cap-secret")), newPLC(t, b.Status().Broker, as("all", "all-secret"))
	b.decideMany("lid", 1, 5)
	b.decideMany("cap", 1, 5)
	eventually(t, "all came", func() bool {
		return len(all.on("lid/verdict")) == 5 && len(all.on("cap/verdict")) == 5 && len(one.on("cap/verdict")) == 5
	})
	one.mu.Lock()
	defer one.mu.Unlock()
	for _, m := range one.got {
		if m.topic != "state" && stationOf(b.topics, prefix+m.topic) != "cap" {
			t.Errorf("it has %s", m.topic)
		}
	}
	if len(all.on("lid/last")) == 0 {
		t.Error("who may read everything has no last of lid")
	}
}
