package publish

import (
	"strings"
	"testing"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"faird/config"
	"faird/publish/mosquitto"
)

func TestCommandsAreLoggedWithWhoAndWhen(t *testing.T) {
	b := inside(t, config.User{Name: "hmi", Password: "plc-secret", Write: true})
	plc := newPLC(t, b.Status().Broker, as("hmi", "plc-secret"), func(o *mqtt.ClientOptions) { o.SetClientID("panel-3") })
	plc.send(t, "cap/command", `{"id":"1","command":"pause","by":"maria"}`, false)
	plc.send(t, "cap/command", `{"id":"2","command":"explode"}`, false)
	eventually(t, "replies", func() bool { return len(plc.on("cap/command/reply")) == 2 })
	b.plant.mu.Lock()
	defer b.plant.mu.Unlock()
	if who := b.plant.commands[0].Who(); who != "maria (user hmi, client panel-3)" {
		t.Errorf("the station is told that %q asks", who)
	}
	for _, line := range strings.Split(b.logged.String(), "\n") {
		if strings.Contains(line, `"id":"1"`) && strings.Contains(line, `"by":"maria (user hmi, client panel-3)"`) && strings.Contains(line, `"received":"2`) {
			return
		}
	}
	t.Errorf("who and when are not in the log:\n%s", b.logged)
}

func TestCommandIDOfAnotherCommand(t *testing.T) {
	m := mosquitto.New(t)
	b := newBox(t, config.MQTT{Broker: m.URL(), Commands: true}, true)
	b.SetStations([]string{"cap", "lid"})
	b.run(t).connected(t)
	plc := newPLC(t, m.URL())
	tests := []struct {
		topic, payload string
		done           int
		err            string
	}{
		{"cap/command", `{"id":"1","command":"save","count":3,"by":"ann"}`, 1, ""},
		{"cap/command", `{"id":"1","command":"save","count":3,"by":"bob"}`, 1, ""},
		{"cap/command", `{"id":"1","command":"save","count":4}`, 1, "another command"},
		{"cap/command", `{"id":"1","command":"pause"}`, 1, "another command"},
		{"lid/command", `{"id":"1","command":"pause"}`, 2, ""},
		{"cap/command", `{"command":"save","count":3}`, 3, ""},
		{"cap/command", `{"command":"save","count":3}`, 4, ""}, // without an id each is new
	}
	replies := map[string]int{}
	for _, test := range tests {
		plc.send(t, test.topic, test.payload, false)
		replies[test.topic]++
		topic := test.topic + "/reply"
		eventually(t, "a reply to "+test.payload, func() bool { return len(plc.on(topic)) == replies[test.topic] })
		r, _ := newest[Reply](t, plc, topic)
		if r.OK != (test.err == "") || !strings.Contains(r.Error, test.err) {
			t.Errorf("%s on %s: %+v, want the error %q", test.payload, test.topic, r, test.err)
		}
		b.plant.mu.Lock()
		if n := len(b.plant.commands); n != test.done {
			t.Errorf("%s on %s: %d commands are done, want %d", test.payload, test.topic, n, test.done)
		}
		b.plant.mu.Unlock()
	}
}

func TestSenders(t *testing.T) {
	var s senders
	s.note("a", []byte("x"), "first")
	s.note("a", []byte("x"), "second")
	s.note("ax", nil, "third")
	for _, want := range []string{"first", "second", ""} {
		if got := s.take("a", []byte("x")); got != want {
			t.Errorf("sent by %q, want %q", got, want)
		}
	}
	for range 2 * senderLimit {
		s.note("flood", nil, "flooder")
	}
	if len(s.list) != senderLimit || s.take("ax", nil) != "" {
		t.Errorf("%d senders are remembered, want %d", len(s.list), senderLimit)
	}
}
