package publish

import (
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/listeners"
	"github.com/mochi-mqtt/server/v2/packets"

	"faird/config"
	"faird/publish/mosquitto"
)

// A command to a station that there is not is answered where its sender looks,
// and so is one that nothing can be read of.
func TestRefusalsCanBeMatched(t *testing.T) {
	tests := []struct{ topic, payload, station, id, says string }{
		{"nosuch/command", `{"id":"c-1","command":"pause"}`, "nosuch", "c-1", `there is no station "nosuch" on this box: it has cap, lid`},
		{"nosuch/command", `{"id":88,"command":"pause"}`, "nosuch", "88", "there is no station"},
		{"nosuch/command", `pause`, "nosuch", "", "there is no station"},
		{"cap 1/command", `{"id":"c-2","command":"pause"}`, "cap 1", "c-2", "there is no station"},
		{"command/command", `{"id":"c-3","command":"pause"}`, "command", "c-3", "there is no station"},
		{"cap/command", `pause`, "cap", "", "not JSON"},
		{"cap/command", "{\"id\":\"c\xe4\",\"command\":\"pause\"}", "cap", "", "not UTF-8"},
		{"cap/command", `{"id":"c-4","command":"threshold","value":0.7}`, "cap", "c-4", `unknown key "value"`},
		{"cap/command", `{"command":"threshold","value":0.7}`, "cap", "", `unknown key "value"`},
		{"command", `{"id":"c-5","command":"save","count":1}`, "", "c-5", "station's command"},
	}
	brokers(t, func(t *testing.T, c config.MQTT, url func(*box) string, is func(*mqtt.ClientOptions)) {
		b := newBox(t, c, false)
		b.SetStations([]string{"cap", "lid"})
		b.run(t).connected(t)
		plc := newPLC(t, url(b), is)
		for _, test := range tests {
			topic := test.topic + "/reply"
			before := len(plc.on(topic))
			began := time.Now()
			plc.send(t, test.topic, test.payload, false)
			eventually(t, "a reply to "+test.payload, func() bool { return len(plc.on(topic)) > before })
			r, _ := newest[Reply](t, plc, topic)
			if r.OK || r.Station != test.station || r.ID != test.id || !strings.Contains(r.Error, test.says) {
				t.Errorf("%s on %s: %+v, want %q", test.payload, test.topic, r, test.says)
			}
			if r.Digest != Digest([]byte(test.payload)) || r.Time.Before(began.Add(-time.Second)) {
				t.Errorf("%s on %s: %+v has no time, or nothing to match it by", test.payload, test.topic, r)
			}
			if m := plc.on(topic); m[len(m)-1].retained {
				t.Errorf("%s is retained", topic)
			}
		}
		if n := b.Status().Inbound.Refused; n != uint64(len(tests)) || len(b.plant.commands) != 0 {
			t.Errorf("%d are counted as refused of %d; done: %+v", n, len(tests), b.plant.commands)
		}
		checkSchemas(t, plc)
	})
}

// Whoever makes stations up gets some answers, and the box goes on.
func TestStrangersAreBounded(t *testing.T) {
	m := mosquitto.New(t)
	b := newBox(t, config.MQTT{Broker: m.URL(), Commands: true}, false)
	b.SetStations([]string{"cap"})
	b.run(t).connected(t)
	plc := newPLC(t, m.URL())
	const many = 200
	for i := range many {
		plc.send(t, fmt.Sprintf("made-up-%d/command", i), `{"id":"x","command":"pause"}`, false)
	}
	plc.send(t, strings.Repeat("x", stationLimit+1)+"/command", `{"id":"x","command":"pause"}`, false)
	plc.send(t, "cap/command", `{"id":"mine","command":"pause"}`, false)
	eventually(t, "its own station's command", func() bool { return len(plc.on("cap/command/reply")) == 1 })
	eventually(t, "all counted", func() bool { return b.Status().Inbound.Refused == many+1 })
	if n := strings.Count(b.logged.String(), "a command to an unknown station is not answered"); n != 1 {
		t.Errorf("it was logged %d times", n)
	}
	plc.mu.Lock()
	defer plc.mu.Unlock()
	answers := 0
	for _, got := range plc.got {
		if strings.HasSuffix(got.topic, "/command/reply") {
			answers++
		}
	}
	if answers < strangersAtOnce || answers == many+1 {
		t.Errorf("%d answers to %d", answers, many+1)
	}
}

func TestUnknownNamesAFew(t *testing.T) {
	p := &Publisher{table: newTable()}
	var names []string
	for i := range 100 {
		names = append(names, fmt.Sprintf("s%d", i))
	}
	for n, want := range map[int]string{0: "it has none", 1: "it has s0", 16: "s14, s15", 100: "s15 and 84 more"} {
		p.table.setNames(names[:n])
		if err := p.unknown("x"); !strings.HasSuffix(err.Error(), want) {
			t.Errorf("of %d stations: %v, want %q", n, err, want)
		}
	}
}

// strict is a broker that lets the box hear its own stations' topics alone.
type strict struct {
	mochi.HookBase
}

func (*strict) ID() string { return "strict" }

func (*strict) Provides(b byte) bool {
	return b == mochi.OnConnectAuthenticate || b == mochi.OnACLCheck
}

func (*strict) OnConnectAuthenticate(*mochi.Client, packets.Packet) bool { return true }

func (*strict) OnACLCheck(cl *mochi.Client, topic string, write bool) bool {
	return write || strings.HasPrefix(cl.ID, "plc-") || !strings.Contains(topic, "+")
}

func newStrict(t *testing.T) (url string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := mochi.New(&mochi.Options{Logger: slog.New(slog.DiscardHandler)})
	if err := server.AddHook(&strict{}, nil); err != nil {
		t.Fatal(err)
	}
	if err := server.AddListener(listeners.NewNet("strict", l)); err != nil {
		t.Fatal(err)
	}
	if err := server.Serve(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // its Close hangs where a client leaves just then
		eventually(t, "nobody is connected", func() bool { return atomic.LoadInt64(&server.Info.ClientsConnected) == 0 })
		server.Close()
	})
	return "tcp://" + l.Addr().String()
}

// Where the rights end at the box's own stations, their commands still come.
func TestBrokerThatRefusesWildcards(t *testing.T) {
	url := newStrict(t)
	b := newBox(t, config.MQTT{Broker: url, Commands: true}, false)
	b.SetStations([]string{"cap"})
	b.run(t).connected(t)
	plc := newPLC(t, url)
	answered := func(station string) {
		t.Helper()
		plc.send(t, station+"/command", `{"id":"c","command":"pause"}`, false)
		eventually(t, station+"'s reply", func() bool { return len(plc.on(station+"/command/reply")) == 1 })
	}
	answered("cap")
	b.SetStations([]string{"cap", "lid"})
	eventually(t, "lid is heard", func() bool { // subscribed to a moment later
		plc.send(t, "lid/command", `{"id":"c","command":"pause"}`, false)
		time.Sleep(20 * time.Millisecond)
		return len(plc.on("lid/command/reply")) > 0
	})
	if !strings.Contains(b.logged.String(), "refuses the subscription") {
		t.Errorf("log: %s", b.logged)
	}
}
