package sparkplug

import (
	"context"
	"encoding/json"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"github.com/rs/zerolog"
	"google.golang.org/protobuf/proto"

	"faird/config"
	"faird/publish"
	pb "faird/publish/sparkplug/sparkplugpb"
)

// write is a metric to be written by name.
func write(name string, value any) *pb.Payload_Metric {
	m := metric{value: value}
	switch v := value.(type) {
	case int:
		m.value, m.kind = int64(v), pb.DataType_UInt32
	case float64, bool, string, nil:
	default:
		panic("no such value")
	}
	out := m.encode(0, false, false)
	out.Name = proto.String(name)
	return out
}

func TestWrites(t *testing.T) {
	set := func(v float64) publish.Limit { return publish.Limit{Given: true, Value: &v} }
	tests := map[string]struct {
		writes []*pb.Payload_Metric
		want   []publish.Command
		err    string
	}{
		"threshold":              {[]*pb.Payload_Metric{write(threshold, 0.14)}, []publish.Command{{Command: "threshold", Threshold: set(0.14)}}, ""},
		"threshold, cleared":     {[]*pb.Payload_Metric{write(threshold, nil)}, []publish.Command{{Command: "threshold", Threshold: publish.Limit{Given: true}}}, ""},
		"both":                   {[]*pb.Payload_Metric{write(review, 0.1), write(threshold, 0.14)}, []publish.Command{{Command: "threshold", Threshold: set(0.14), Review: set(0.1)}}, ""},
		"review alone":           {[]*pb.Payload_Metric{write(review, 0.1)}, []publish.Command{{Command: "threshold", Review: set(0.1)}}, ""},
		"review, cleared":        {[]*pb.Payload_Metric{write(review, nil)}, []publish.Command{{Command: "threshold", Review: publish.Limit{Given: true}}}, ""},
		"model":                  {[]*pb.Payload_Metric{write(modelName, "/m.onnx")}, []publish.Command{{Command: "model", Model: "/m.onnx"}}, ""},
		"pause":                  {[]*pb.Payload_Metric{write(pause, true)}, []publish.Command{{Command: "pause"}}, ""},
		"resume":                 {[]*pb.Payload_Metric{write(pause, false)}, []publish.Command{{Command: "resume"}}, ""},
		"save":                   {[]*pb.Payload_Metric{write(save, 7)}, []publish.Command{{Command: "save", Count: 7}}, ""},
		"float":                  {[]*pb.Payload_Metric{{Name: proto.String(threshold), Value: &pb.Payload_Metric_FloatValue{FloatValue: 0.5}}}, []publish.Command{{Command: "threshold", Threshold: set(0.5)}}, ""},
		"not a number":           {[]*pb.Payload_Metric{write(threshold, math.NaN())}, nil, "out of range"},
		"infinite":               {[]*pb.Payload_Metric{write(threshold, math.Inf(1))}, nil, "out of range"},
		"negative":               {[]*pb.Payload_Metric{write(review, -1.0)}, nil, "out of range"},
		"absurd":                 {[]*pb.Payload_Metric{write(threshold, 1e6)}, nil, "out of range"},
		"upside down":            {[]*pb.Payload_Metric{write(threshold, 0.1), write(review, 0.2)}, nil, "below the threshold"},
		"too many":               {[]*pb.Payload_Metric{write(save, publish.MaxSave+1)}, nil, "count must be 1 to 10000"},
		"none":                   {[]*pb.Payload_Metric{write(save, 0)}, nil, "count must be 1 to 10000"},
		"twice":                  {[]*pb.Payload_Metric{write(threshold, 0.1), write(threshold, 0.2)}, nil, "written twice"},
		"neither value nor null": {[]*pb.Payload_Metric{{Name: proto.String(threshold)}}, nil, "is_null"},
		"value and null":         {[]*pb.Payload_Metric{{Name: proto.String(threshold), IsNull: proto.Bool(true), Value: &pb.Payload_Metric_DoubleValue{DoubleValue: 0.5}}}, nil, "is_null"},
		"model in Latin-1":       {[]*pb.Payload_Metric{write(modelName, "m\xe4.onnx")}, nil, "UTF-8"},
		"text as threshold":      {[]*pb.Payload_Metric{write(threshold, "0.2")}, nil, "write a Double"},
		"number as model":        {[]*pb.Payload_Metric{write(modelName, 3)}, nil, "write a String"},
		"no model":               {[]*pb.Payload_Metric{write(modelName, "")}, nil, "write a String"},
		"text as pause":          {[]*pb.Payload_Metric{write(pause, "yes")}, nil, "write a Boolean"},
		"text as save":           {[]*pb.Payload_Metric{write(save, "7")}, nil, "write a UInt32"},
		"not writable":           {[]*pb.Payload_Metric{write("Verdict/Result", "pass")}, nil, "cannot be written"},
		"unknown":                {[]*pb.Payload_Metric{write("Explode", true)}, nil, "cannot be written"},
		"half of it wrong":       {[]*pb.Payload_Metric{write(threshold, 0.14), write("Explode", true)}, nil, "cannot be written"},
		"unknown alias":          {[]*pb.Payload_Metric{{Alias: proto.Uint64(9999), Value: &pb.Payload_Metric_BooleanValue{BooleanValue: true}}}, nil, "alias 9999"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := &wire{}
			n, err := New(config.Sparkplug{}, testBox, &memoryFeed{}, w, nop)
			if err != nil {
				t.Fatal(err)
			}
			n.SetStation("cap", state(true))
			payload, err := proto.Marshal(&pb.Payload{Metrics: test.writes})
			if err != nil {
				t.Fatal(err)
			}
			n.receive(&incoming{topic: "spBv1.0/plant1/DCMD/edge7/cap", payload: payload})
			got := w.obeyed()
			for i := range got {
				if got[i].By != sparkplug {
					t.Errorf("by %q", got[i].By)
				}
				if got[i].Digest != publish.Digest(payload) {
					t.Errorf("message %q", got[i].Digest)
				}
				got[i].By, got[i].Digest = "", ""
			}
			want, _ := json.Marshal(test.want)
			if is, _ := json.Marshal(got); string(is) != string(want) {
				t.Errorf("asked for %s, want %s", is, want)
			}
			if len(n.replies) != 1 || !strings.Contains(n.replies[0].Error, test.err) || n.replies[0].OK != (test.err == "") {
				t.Errorf("replies %+v, want the error %q", n.replies, test.err)
			}
			if r := n.replies[0]; !r.OK && (r.Digest != publish.Digest(payload) || time.Since(r.Time.Time) > patience) {
				t.Errorf("%+v has no time, or nothing to match it by", r)
			}
		})
	}
}

func TestDamagedCommands(t *testing.T) {
	tests := map[string]struct {
		m    incoming
		says string
	}{
		"not protobuf": {incoming{topic: "spBv1.0/plant1/DCMD/edge7/cap", payload: []byte("pause")}, "not a Sparkplug B payload"},
		"too long":     {incoming{topic: "spBv1.0/plant1/NCMD/edge7", payload: make([]byte, payloadLimit+1)}, "bytes"},
		"retained":     {incoming{topic: "spBv1.0/plant1/NCMD/edge7", payload: []byte{}, retained: true}, ""},
		"nothing":      {incoming{topic: "spBv1.0/plant1/NCMD/edge7", payload: []byte{}}, ""},
		"another node": {incoming{topic: "spBv1.0/plant1/NCMD/edge8", payload: []byte("x")}, ""},
		"no device":    {incoming{topic: "spBv1.0/plant1/DCMD/edge7/", payload: []byte("x")}, ""},
	}
	for name, test := range tests {
		n, err := New(config.Sparkplug{}, testBox, &memoryFeed{}, &wire{}, nop)
		if err != nil {
			t.Fatal(err)
		}
		n.receive(&test.m)
		if n.rebirth || (len(n.replies) == 1) != (test.says != "") || test.says != "" && !strings.Contains(n.replies[0].Error, test.says) {
			t.Errorf("%s: replies %+v, want %q", name, n.replies, test.says)
		}
	}
}

// incoming is a message as the broker delivers it.
type incoming struct {
	mqtt.Message
	topic    string
	payload  []byte
	retained bool
}

func (m *incoming) Topic() string   { return m.topic }
func (m *incoming) Payload() []byte { return m.payload }
func (m *incoming) Retained() bool  { return m.retained }

// plant is a handler of the daemon that notes what it is asked.
type plant struct {
	mu       sync.Mutex
	commands []publish.Command
}

func (p *plant) Trigger(string, publish.Trigger) {}

func (p *plant) Ack(string, publish.Ack) {}

func (p *plant) Command(_ context.Context, _ string, c publish.Command) publish.Reply {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.commands = append(p.commands, c)
	return publish.Reply{OK: true}
}

func (p *plant) done() []publish.Command {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.commands)
}

// works is a node beside a publisher with the built-in broker.
func works(t *testing.T, commands bool, users ...config.User) (*Node, *plant, string) {
	t.Helper()
	h := &plant{}
	c := config.MQTT{Commands: commands, Builtin: config.Builtin{Listen: "127.0.0.1:0", Users: users}}
	p, err := publish.New(c, testBox, nil, h, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	n, err := New(config.Sparkplug{}, testBox, &memoryFeed{}, p, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	n.SetStations([]string{"cap"})
	n.SetStation("cap", state(true))
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = p.Run(ctx) })
	wg.Go(func() { _ = n.Run(ctx) })
	t.Cleanup(func() { cancel(); wg.Wait() })
	eventually(t, "born", func() bool { return n.Status().Born })
	return n, h, p.Status().Broker
}

func login(name, password string) func(*mqtt.ClientOptions) {
	return func(o *mqtt.ClientOptions) { o.SetUsername(name).SetPassword(password).SetClientID("panel-" + name) }
}

// replied waits for the n-th reply of a device.
func (h *scada) replied(device, id string) (r publish.Reply) {
	h.t.Helper()
	name := reply
	if device == "" {
		name = nodeReply
	}
	eventually(h.t, "the reply to "+id, func() bool {
		text, _ := h.tag(device, name).value.(string)
		return text != "" && json.Unmarshal([]byte(text), &r) == nil && (id == "" || r.ID == id)
	})
	return r
}

func TestCommandsOverSparkplug(t *testing.T) {
	_, plant, url := works(t, true, config.User{Name: "hmi", Password: "plc-secret", Write: true})
	host := newScadaAs(t, url, "scada", login("hmi", "plc-secret"))
	host.write("", write(rebirth, true))
	eventually(t, "the births", func() bool { return host.online("cap") })

	save := `{"id":"s-1","command":"save","count":3,"by":"maria"}`
	host.write("cap", write(command, save))
	if r := host.replied("cap", "s-1"); !r.OK || r.Command != "save" || r.Station != "cap" {
		t.Errorf("%+v", r)
	}
	host.write("cap", write(command, strings.Replace(save, "3", "4", 1)))
	eventually(t, "the refusal", func() bool { return !host.replied("cap", "s-1").OK })
	host.write("cap", write(command, save)) // again: the same answer, not done again
	eventually(t, "the same answer", func() bool { return host.replied("cap", "s-1").OK })
	if done := plant.done(); len(done) != 1 || done[0].Who() != "maria (user hmi, client panel-hmi)" {
		t.Errorf("done: %+v, want it once, with who asked", done)
	}

	host.write("", write(nodeCommand, `{"id":"p-1","command":"pause"}`))
	if r := host.replied("", "p-1"); !r.OK || r.Station != "" {
		t.Errorf("%+v", r)
	}
	host.write("cap", write(command, `{"id":"x-1","command":"dance"}`))
	if r := host.replied("cap", "x-1"); r.OK || !strings.Contains(r.Error, "dance") {
		t.Errorf("%+v", r)
	}
	host.write("cap", write(threshold, 0.2))
	eventually(t, "the threshold", func() bool { return len(plant.done()) == 3 })
	if c := plant.done()[2]; *c.Threshold.Value != 0.2 || c.Who() != "Sparkplug (user hmi, client panel-hmi)" {
		t.Errorf("%+v by %s", c, c.Who())
	}
	host.content()
}

func TestCommandsAreOffUnlessAllowed(t *testing.T) {
	_, plant, url := works(t, false, config.User{Name: "hmi", Password: "plc-secret", Write: true})
	host := newScadaAs(t, url, "scada", login("hmi", "plc-secret"))
	host.write("", write(rebirth, true)) // the protocol's own, and obeyed
	eventually(t, "the births", func() bool { return host.online("cap") })
	host.write("cap", write(pause, true))
	if r := host.replied("cap", ""); r.OK || !strings.Contains(r.Error, "mqtt.commands") {
		t.Errorf("%+v", r)
	}
	if len(plant.done()) != 0 {
		t.Errorf("done: %+v", plant.done())
	}
}

func TestCommandsNeedTheRight(t *testing.T) {
	_, plant, url := works(t, true, config.User{Name: "hmi", Password: "plc-secret", Write: true}, config.User{Name: "viewer", Password: "viewer-secret"})
	reader := newScadaAs(t, url, "scada", login("viewer", "viewer-secret"))
	payload, err := proto.Marshal(&pb.Payload{Metrics: []*pb.Payload_Metric{write(pause, true)}})
	if err != nil {
		t.Fatal(err)
	}
	token := reader.client.Publish("spBv1.0/plant1/DCMD/edge7/cap", 1, false, payload)
	if token.WaitTimeout(patience); token.Error() == nil {
		t.Error("a user without the right may write")
	}
	writer := newScadaAs(t, url, "scada", login("hmi", "plc-secret"))
	writer.write("cap", write(pause, false))
	eventually(t, "the one with the right", func() bool { return len(plant.done()) == 1 })
	if c := plant.done()[0]; c.Command != publish.CommandResume {
		t.Errorf("%+v is done, want the writer's alone", c)
	}
}

func TestWriteByAlias(t *testing.T) {
	r := up(t, config.Sparkplug{})
	var alias uint64
	for _, m := range r.host.all("DBIRTH")[0].payload.GetMetrics() {
		if m.GetName() == threshold {
			alias = m.GetAlias()
		}
	}
	m := write("", 0.3)
	m.Name, m.Alias = nil, proto.Uint64(alias)
	r.host.write("cap", m)
	eventually(t, "the command", func() bool { return len(r.wire.obeyed()) == 1 })
	if c := r.wire.obeyed()[0]; c.Command != publish.CommandThreshold || *c.Threshold.Value != 0.3 {
		t.Errorf("%+v", c)
	}
	r.host.content()
}
