package main

import (
	"encoding/json"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"faird/verdict"
)

func freePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// plc is a client on the broker that keeps what it hears.
type plc struct {
	t      *testing.T
	client mqtt.Client

	mu       sync.Mutex
	messages []message
}

type message struct {
	topic    string
	payload  []byte
	retained bool
}

// clients numbers the PLCs: no two of a broker may share an id.
var clients atomic.Int64

func connect(t *testing.T, url string, change ...func(*mqtt.ClientOptions)) *plc {
	t.Helper()
	p := &plc{t: t}
	o := mqtt.NewClientOptions().AddBroker(url).SetClientID(fmt.Sprintf("plc-%d", clients.Add(1))).SetOrderMatters(true)
	for _, f := range change {
		f(o)
	}
	p.client = mqtt.NewClient(o)
	p.must(p.client.Connect())
	t.Cleanup(func() { p.client.Disconnect(100) })
	p.must(p.client.Subscribe("faird/#", 1, func(_ mqtt.Client, m mqtt.Message) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.messages = append(p.messages, message{m.Topic(), m.Payload(), m.Retained()})
	}))
	return p
}

func (p *plc) must(token mqtt.Token) {
	p.t.Helper()
	if !token.WaitTimeout(10*time.Second) || token.Error() != nil {
		p.t.Fatalf("PLC: %v", token.Error())
	}
}

func (p *plc) send(topic, payload string) {
	p.t.Helper()
	p.must(p.client.Publish(topic, 1, false, payload))
}

// on is what was heard on a topic so far.
func (p *plc) on(topic string) []message {
	p.mu.Lock()
	defer p.mu.Unlock()
	var found []message
	for _, m := range p.messages {
		if m.topic == topic {
			found = append(found, m)
		}
	}
	return found
}

// verdicts are those heard so far of a station of the box faird/plant1/edge7.
func (p *plc) verdicts(station string) []verdict.Verdict {
	p.t.Helper()
	var vs []verdict.Verdict
	for _, m := range p.on("faird/plant1/edge7/" + station + "/verdict") {
		var v verdict.Verdict
		if err := json.Unmarshal(m.payload, &v); err != nil {
			p.t.Fatalf("%s: %v", m.payload, err)
		}
		vs = append(vs, v)
	}
	return vs
}

// last is the newest payload on a topic, decoded; false where there is none.
func (p *plc) last(topic string, into any) bool {
	p.t.Helper()
	all := p.on(topic)
	if len(all) == 0 {
		return false
	}
	if err := json.Unmarshal(all[len(all)-1].payload, into); err != nil {
		p.t.Fatalf("%s: %v", topic, err)
	}
	return true
}

// stateOf waits until the state on topic satisfies is, and returns it.
func (p *plc) stateOf(topic string, limit time.Duration, what string, is func(map[string]any) bool) map[string]any {
	p.t.Helper()
	var state map[string]any
	until(p.t, limit, topic+": "+what, func() bool { state = nil; return p.last(topic, &state) && is(state) })
	return state
}

// configText is a whole config: the box faird/plant1/edge7 on a broker, with stations.
func configText(t *testing.T, broker string, stations ...string) string {
	t.Helper()
	return fmt.Sprintf("site: plant1\nbox: edge7\ninfer: {library: %s, provider: cpu}\nmqtt: {broker: %q, commands: true}\nstore: {path: %s}\nstations:\n%s",
		library(t), broker, filepath.Join(t.TempDir(), "data"), strings.Join(stations, ""))
}
