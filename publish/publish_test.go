package publish

import (
	"fmt"
	"strings"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"faird/config"
	"faird/publish/mosquitto"
	"faird/verdict"
)

// brokers runs a test against mosquitto and against the one inside.
func brokers(t *testing.T, test func(t *testing.T, c config.MQTT, url func(*box) string, plcIs func(*mqtt.ClientOptions))) {
	t.Run("mosquitto", func(t *testing.T) {
		m := mosquitto.New(t)
		test(t, config.MQTT{Broker: m.URL(), Commands: true}, func(*box) string { return m.URL() }, func(*mqtt.ClientOptions) {})
	})
	t.Run("built in", func(t *testing.T) {
		c := config.MQTT{Commands: true, Builtin: config.Builtin{
			Listen: "127.0.0.1:0", Users: []config.User{{Name: "plc", Password: "plc-secret", Write: true}},
		}}
		test(t, c, func(b *box) string { return b.Status().Broker },
			func(o *mqtt.ClientOptions) { o.SetUsername("plc").SetPassword("plc-secret") })
	})
}

func TestTopicsOfDesign(t *testing.T) {
	brokers(t, func(t *testing.T, c config.MQTT, url func(*box) string, is func(*mqtt.ClientOptions)) {
		b := newBox(t, c, true)
		b.SetStations([]string{"cap"})
		b.SetStation("cap", state(true))
		b.run(t).connected(t)
		plc := newPLC(t, url(b), is)
		v := newVerdict("cap", 1, verdict.Fail)
		b.decide(v)
		eventually(t, "everything has come", func() bool {
			return len(plc.on("cap/verdict"))*len(plc.on("cap/result"))*len(plc.on("cap/last"))*len(plc.on("cap/state"))*len(plc.on("state")) > 0
		})
		eventually(t, "the outbox is empty", func() bool { return b.outbox.len() == 0 })
		if got := plc.verdicts(t, "cap"); len(got) != 1 || got[0].ID != v.ID || got[0].Historical || !got[0].Durable {
			t.Errorf("verdicts %+v", got)
		}
		if got := plc.on("cap/result"); len(got) != 1 || got[0].payload != "fail" {
			t.Errorf("result %v: want the bare word", got)
		}
		for _, m := range append(plc.on("cap/verdict"), append(plc.on("cap/result"), plc.on("cap/last")...)...) {
			if m.qos != 1 || m.retained {
				t.Errorf("%+v: want QoS 1, and no retained flag while subscribed", m)
			}
		}
		checkSchemas(t, plc)
		late := newPLC(t, url(b), is) // sees what is retained, and nothing else
		eventually(t, "retained messages", func() bool { return len(late.on("cap/last"))*len(late.on("state"))*len(late.on("cap/state")) > 0 })
		for topic, retained := range map[string]bool{"cap/last": true, "state": true, "cap/state": true, "cap/verdict": false, "cap/result": false} {
			if got := late.on(topic); (len(got) > 0 && got[0].retained) != retained {
				t.Errorf("%s: %v, want retained %t", topic, got, retained)
			}
		}
	})
}

func TestStateOfBoxAndStations(t *testing.T) {
	brokers(t, func(t *testing.T, c config.MQTT, url func(*box) string, is func(*mqtt.ClientOptions)) {
		b := newBox(t, c, true)
		b.SetStations([]string{"cap", "lid"})
		b.SetStation("cap", state(false))
		b.run(t).connected(t)
		plc := newPLC(t, url(b), is)
		eventually(t, "cap not ready", func() bool {
			s, ok := newest[StationState](t, plc, "cap/state")
			return ok && !s.Ready && s.Why == "camera lost" && s.Station == "cap" && s.Site == "plant1"
		})
		b.SetStation("cap", state(true))
		eventually(t, "cap ready, lid starting", func() bool {
			s, ok := newest[BoxState](t, plc, "state")
			return ok && s.State == "online" && s.Version == "1.2.3" && s.Stations["cap"].Ready && s.Stations["lid"].Why == "starting"
		})
		n := len(plc.on("cap/state"))
		b.SetStation("cap", state(true)) // no change
		counted := state(true)
		counted.Counts.Pass = 7
		b.SetStation("cap", counted)
		eventually(t, "counts follow", func() bool {
			s, _ := newest[StationState](t, plc, "cap/state")
			return s.Counts.Pass == 7
		})
		if got := len(plc.on("cap/state")); got != n+1 {
			t.Errorf("%d states for one change", got-n)
		}
		b.SetStations([]string{"lid"})
		eventually(t, "cap is cleared", func() bool {
			all := plc.on("cap/state")
			return all[len(all)-1].payload == ""
		})
		b.stop()
		if c.Broker == "" {
			return // its broker ends with it
		}
		eventually(t, "offline", func() bool {
			s, _ := newest[BoxState](t, plc, "state")
			return s.State == "offline" && s.Why == "stopped" && !s.Time.IsZero()
		})
		checkSchemas(t, plc)
	})
}

func TestTriggers(t *testing.T) {
	long := strings.Repeat("x", 1<<20)
	when := time.Date(2026, 11, 23, 10, 15, 0, 0, time.UTC)
	tests := []struct {
		name, payload string
		want          Trigger
		bad           string
	}{
		{"empty", "", Trigger{}, ""},
		{"object", `{"id":"t-88","part":"A-1009","time":"2026-11-23T10:15:00Z"}`, Trigger{ID: "t-88", Part: "A-1009", Time: when}, ""},
		{"nothing in it", `{}`, Trigger{}, ""},
		{"numbers", `{"id":88,"part":1009}`, Trigger{ID: "88", Part: "1009"}, ""},
		{"nulls", `{"id":null,"part":null,"time":null}`, Trigger{}, ""},
		{"more keys", `{"id":"t","shift":3}`, Trigger{ID: "t"}, ""},
		{"not JSON", `trigger!`, Trigger{}, "trigger"},
		{"an array", `[1]`, Trigger{}, "trigger"},
		{"cut off", `{"id":"t-88"`, Trigger{ID: "t-88"}, "trigger"},
		{"cut off further on", `{"id":"t-88","part":17,"time`, Trigger{ID: "t-88", Part: "17"}, "trigger"},
		{"wrong at the end", `{"shift":[3],"part":"A","id":"t-88",}`, Trigger{ID: "t-88", Part: "A"}, "trigger"},
		{"wrong part", `{"id":"t-88","part":{}}`, Trigger{ID: "t-88"}, `field "part" must be a string or a number, got an object`},
		{"wrong time", `{"id":"t-88","time":"noon"}`, Trigger{ID: "t-88"}, "RFC 3339"},
		{"long part", `{"id":"t-88","part":"` + long[:300] + `"}`, Trigger{ID: "t-88", Part: long[:256]}, "has 300 bytes, at most 256"},
		{"1 MB part", `{"id":"t-88","part":"` + long + `"}`, Trigger{ID: "t-88"}, "at most"},
		{"1 MB id", `{"id":"` + long + `"}`, Trigger{}, "at most"},
		{"neither given nor taken back", `{"id":"t-88","trigger":"yes"}`, Trigger{ID: "t-88"}, `field "trigger" must be true, false, 1 or 0, got a string`},
	}
	brokers(t, func(t *testing.T, c config.MQTT, url func(*box) string, is func(*mqtt.ClientOptions)) {
		b := newBox(t, c, false)
		b.SetStations([]string{"cap"})
		b.run(t).connected(t)
		plc := newPLC(t, url(b), is)
		plc.send(t, "lid/trigger", `{"id":"another station's"}`, false)
		for i, test := range tests {
			plc.send(t, "cap/trigger", test.payload, false)
			eventually(t, test.name, func() bool { return len(b.plant.heard()) > i })
			got := b.plant.heard()[i]
			if got.ID != test.want.ID || got.Part != test.want.Part || !got.Time.Equal(test.want.Time) || time.Since(got.Received) > patience {
				t.Errorf("%s: %+.300v", test.name, got)
			}
			if (got.Err != nil) != (test.bad != "") || got.Err != nil && !strings.Contains(got.Err.Error(), test.bad) {
				t.Errorf("%s: error %.300v, want %q", test.name, got.Err, test.bad)
			}
		}
		plc.send(t, "cap/trigger", `{"id":"t-1"}`, true) // not flagged for who is there already
		eventually(t, "the last one", func() bool { return len(b.plant.heard()) == len(tests)+1 })
		if n := b.Status().Inbound.Invalid; n != 11 {
			t.Errorf("%d invalid triggers counted, want 11", n)
		}
	})
}

func TestRetainedTriggersAreIgnored(t *testing.T) {
	m := mosquitto.New(t)
	plc := newPLC(t, m.URL())
	plc.send(t, "cap/trigger", `{"id":"stale"}`, true)
	plc.send(t, "cap/command", `{"id":"c","command":"pause"}`, true)
	b := newBox(t, config.MQTT{Broker: m.URL(), Commands: true}, false)
	b.SetStations([]string{"cap"})
	b.run(t).connected(t)
	plc.send(t, "cap/trigger", `{"id":"fresh"}`, false)
	eventually(t, "the fresh one", func() bool { return len(b.plant.heard()) > 0 })
	eventually(t, "both counted", func() bool { return b.Status().Inbound.Retained == 2 })
	if got := b.plant.heard(); len(got) != 1 || got[0].ID != "fresh" || len(b.plant.commands) != 0 {
		t.Errorf("heard %+v, %+v", got, b.plant.commands)
	}
	if !strings.Contains(b.logged.String(), "retained") {
		t.Error("nothing in the log")
	}
}

func TestCommands(t *testing.T) {
	tests := []struct {
		name, topic, payload string
		ok                   bool
		want                 string
	}{
		{"threshold", "cap/command", `{"id":"1","command":"threshold","threshold":0.2,"review":0.1,"by":"maria"}`, true, ""},
		{"clear", "cap/command", `{"id":"2","command":"threshold","threshold":null}`, true, ""},
		{"pause all", "command", `{"id":"3","command":"pause"}`, true, ""},
		{"save", "cap/command", `{"id":"4","command":"save","count":5}`, true, ""},
		{"model", "cap/command", `{"id":"5","command":"model","model":"a.onnx"}`, true, ""},
		{"refused by the station", "cap/command", `{"id":"6","command":"resume"}`, false, "not paused"},
		{"unknown", "cap/command", `{"id":"7","command":"explode"}`, false, `unknown command "explode"`},
		{"missing", "cap/command", `{"id":"8"}`, false, "command is missing"},
		{"not JSON", "cap/command", `pause`, false, "command"},
		{"threshold of a box", "command", `{"id":"10","command":"threshold","threshold":1}`, false, "<station>/command"},
		{"no count", "cap/command", `{"id":"11","command":"save"}`, false, "count"},
		{"no model", "cap/command", `{"id":"12","command":"model"}`, false, "model is missing"},
		{"upside down", "cap/command", `{"id":"13","command":"threshold","threshold":0.1,"review":0.2}`, false, "review"},
		{"long", "cap/command", `{"id":"14","command":"` + strings.Repeat("x", 20000) + `"}`, false, "bytes"},
	}
	brokers(t, func(t *testing.T, c config.MQTT, url func(*box) string, is func(*mqtt.ClientOptions)) {
		b := newBox(t, c, false)
		b.plant.answer = func(c Command) Reply {
			if c.Command == CommandResume {
				return Reply{Error: "not paused"}
			}
			return Reply{OK: true}
		}
		b.SetStations([]string{"cap"})
		b.run(t).connected(t)
		plc := newPLC(t, url(b), is)
		for _, test := range tests {
			before := len(plc.on(test.topic + "/reply"))
			plc.send(t, test.topic, test.payload, false)
			eventually(t, "reply to "+test.name, func() bool { return len(plc.on(test.topic+"/reply")) > before })
			r, _ := newest[Reply](t, plc, test.topic+"/reply")
			if r.OK != test.ok || !strings.Contains(r.Error, test.want) || test.ok && r.Error != "" {
				t.Errorf("%s: %+v, want ok %t, %q", test.name, r, test.ok, test.want)
			}
			var id string
			if _, err := fmt.Sscanf(test.payload, `{"id":%q`, &id); err == nil && r.ID != id && test.name != "long" {
				t.Errorf("%s: reply to %q, want %q", test.name, r.ID, id)
			}
		}
		n := len(b.plant.commands)
		plc.send(t, "cap/command", tests[0].payload, false) // again
		eventually(t, "the same reply", func() bool {
			r, _ := newest[Reply](t, plc, "cap/command/reply")
			return r.ID == "1" && r.OK
		})
		if len(b.plant.commands) != n {
			t.Error("the same command was done twice")
		}
		checkSchemas(t, plc)
	})
}

func TestCommandsAreOffByDefault(t *testing.T) {
	m := mosquitto.New(t)
	b := newBox(t, config.MQTT{Broker: m.URL()}, false)
	b.run(t).connected(t)
	plc := newPLC(t, m.URL())
	plc.send(t, "command", `{"id":"1","command":"pause"}`, false)
	eventually(t, "reply", func() bool { return len(plc.on("command/reply")) > 0 })
	if r, _ := newest[Reply](t, plc, "command/reply"); r.OK || r.ID != "1" || !strings.Contains(r.Error, "mqtt.commands") {
		t.Errorf("reply %+v", r)
	}
	if len(b.plant.commands) != 0 || b.Status().Inbound.Refused != 1 {
		t.Errorf("done %v, status %+v", b.plant.commands, b.Status().Inbound)
	}
}
