package publish

import (
	"context"
	"net"
	"strings"
	"testing"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"github.com/rs/zerolog"

	"faird/config"
	"faird/verdict"
)

func b0() zerolog.Logger { return zerolog.Nop() }

func as(name, password string) func(*mqtt.ClientOptions) {
	return func(o *mqtt.ClientOptions) { o.SetUsername(name).SetPassword(password) }
}

func inside(t *testing.T, users ...config.User) *box {
	t.Helper()
	b := newBox(t, config.MQTT{Commands: true, Builtin: config.Builtin{Listen: "127.0.0.1:0", Users: users}}, true)
	b.SetStations([]string{"cap"})
	return b.run(t).connected(t)
}

func TestBuiltinWhoMayWrite(t *testing.T) {
	users := []config.User{{Name: "plc", Password: "plc-secret", Write: true}, {Name: "viewer", Password: "viewer-secret"}}
	tests := []struct {
		name, topic string
		users       []config.User
		as          func(*mqtt.ClientOptions)
		may         bool
	}{
		{"writer triggers", "cap/trigger", users, as("plc", "plc-secret"), true},
		{"writer acknowledges", "cap/ack", users, as("plc", "plc-secret"), true},
		{"writer commands", "cap/command", users, as("plc", "plc-secret"), true},
		{"writer commands the box", "command", users, as("plc", "plc-secret"), true},
		{"writer forges a verdict", "cap/verdict", users, as("plc", "plc-secret"), false},
		{"writer forges a state", "state", users, as("plc", "plc-secret"), false},
		{"writer forges a reply", "command/reply", users, as("plc", "plc-secret"), false},
		{"writer commands a Sparkplug node", "spBv1.0/plant1/NCMD/edge7", users, as("plc", "plc-secret"), true},
		{"writer commands a Sparkplug device", "spBv1.0/plant1/DCMD/edge7/cap", users, as("plc", "plc-secret"), true},
		{"writer is a Sparkplug host", "spBv1.0/STATE/scada", users, as("plc", "plc-secret"), true},
		{"writer forges a Sparkplug verdict", "spBv1.0/plant1/DDATA/edge7/cap", users, as("plc", "plc-secret"), false},
		{"writer forges a Sparkplug death", "spBv1.0/plant1/NDEATH/edge7", users, as("plc", "plc-secret"), false},
		{"viewer commands a Sparkplug device", "spBv1.0/plant1/DCMD/edge7/cap", users, as("viewer", "viewer-secret"), false},
		{"viewer is a Sparkplug host", "spBv1.0/STATE/scada", users, as("viewer", "viewer-secret"), false},
		{"anybody commands a Sparkplug node", "spBv1.0/plant1/NCMD/edge7", nil, as("", ""), false},
		{"viewer triggers", "cap/trigger", users, as("viewer", "viewer-secret"), false},
		{"viewer commands", "command", users, as("viewer", "viewer-secret"), false},
		{"anybody triggers", "cap/trigger", nil, as("", ""), false},
		{"anybody forges", "cap/last", nil, as("who", "ever"), false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b := inside(t, test.users...)
			c := newPLC(t, b.Status().Broker, test.as) // reading is for all who get in
			token := c.client.Publish(under(test.topic), 1, false, `{"command":"pause","id":"x"}`)
			token.WaitTimeout(patience)
			if may := token.Error() == nil; may != test.may {
				t.Errorf("may write: %t, want %t", may, test.may)
			}
			if !test.may && !strings.Contains(b.logged.String(), "not allowed to write") {
				t.Errorf("log: %s", b.logged)
			}
		})
	}
}

// under is the whole name of one of the box's topics, or of Sparkplug's.
func under(topic string) string {
	if strings.HasPrefix(topic, "spBv1.0/") {
		return topic
	}
	return prefix + topic
}

func TestBuiltinWhoGetsIn(t *testing.T) {
	users := []config.User{{Name: "plc", Password: "plc-secret", Write: true}}
	b := inside(t, users...)
	open := inside(t)
	tests := []struct {
		name string
		b    *box
		as   func(*mqtt.ClientOptions)
		in   bool
	}{
		{"user", b, as("plc", "plc-secret"), true},
		{"wrong password", b, as("plc", "q"), false},
		{"no password", b, as("plc", ""), false},
		{"unknown", b, as("who", "plc-secret"), false},
		{"nobody", b, as("", ""), false},
		{"nobody, where there are no users", open, as("", ""), true},
		{"with the daemon's name", open, as(open.broker.gate.inside.name, "guess"), false},
		{"with a verdict as will", b, func(o *mqtt.ClientOptions) {
			as("plc", "plc-secret")(o)
			o.SetWill(prefix+"cap/verdict", "forged", 1, true)
		}, false},
		{"with a trigger as will", b, func(o *mqtt.ClientOptions) {
			as("plc", "plc-secret")(o)
			o.SetWill(prefix+"cap/trigger", "", 1, false)
		}, true},
	}
	for _, test := range tests {
		o := mqtt.NewClientOptions().AddBroker(test.b.Status().Broker).SetClientID("c").SetProtocolVersion(4)
		test.as(o)
		c := mqtt.NewClient(o)
		token := c.Connect()
		token.WaitTimeout(patience)
		if in := token.Error() == nil; in != test.in {
			t.Errorf("%s: in %t, want %t", test.name, in, test.in)
		}
		c.Disconnect(50)
	}
}

func TestBuiltinAddressTaken(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	b := newBox(t, config.MQTT{Builtin: config.Builtin{Listen: l.Addr().String()}}, false)
	err = b.Run(context.Background())
	if err == nil || !strings.Contains(err.Error(), "mqtt.builtin.listen") || !strings.Contains(err.Error(), l.Addr().String()) {
		t.Errorf("%v: want the key and the address", err)
	}
}

func TestBuiltinBeyondLoopback(t *testing.T) {
	b := newBox(t, config.MQTT{Builtin: config.Builtin{
		Listen: "0.0.0.0:0", Users: []config.User{{Name: "plc", Password: "plc-secret", Write: true}},
	}}, true)
	b.run(t).connected(t)
	c := newPLC(t, b.Status().Broker, as("plc", "plc-secret"))
	b.decide(newVerdict("cap", 1, verdict.Fail))
	eventually(t, "it came", func() bool { return len(c.on("cap/verdict")) == 1 })
	checkSchemas(t, c)
}
