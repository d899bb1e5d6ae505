package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"google.golang.org/protobuf/proto"

	pb "faird/publish/sparkplug/sparkplugpb"

	"faird/publish/mosquitto"
)

const spB = "spBv1.0/plant1/"

// unhurried is a station that a busy machine does not lose its camera of.
const unhurried = "  - {name: cap, model: demo, " + anyPicture + ", camera: {url: '" + demoCam + "', open_timeout: 60s, read_timeout: 30s}, trigger: {mode: free}}\n"

// scada is what a Sparkplug host knows of the box, birth certificates first.
type scada struct {
	t      *testing.T
	client mqtt.Client

	mu         sync.Mutex
	kinds      []string
	seq        uint64
	gaps       int
	online     bool
	names      map[uint64]string // device/metric
	values     map[string]any
	live, late []string // ids of verdicts, as they came
}

func newScada(t *testing.T, url string) *scada {
	t.Helper()
	h := &scada{t: t, names: map[uint64]string{}, values: map[string]any{}}
	h.client = mqtt.NewClient(mqtt.NewClientOptions().AddBroker(url).SetClientID("scada").SetProtocolVersion(4).
		SetDefaultPublishHandler(func(_ mqtt.Client, m mqtt.Message) { h.hear(m) }))
	h.wait(h.client.Connect())
	h.wait(h.client.Subscribe(spB+"#", 1, nil))
	t.Cleanup(func() { h.client.Disconnect(20) })
	return h
}

func (h *scada) wait(token mqtt.Token) {
	h.t.Helper()
	if !token.WaitTimeout(20*time.Second) || token.Error() != nil {
		h.t.Fatal(token.Error())
	}
}

func (h *scada) hear(m mqtt.Message) {
	level := strings.Split(m.Topic(), "/")
	kind, device := level[2], ""
	if len(level) > 4 {
		device = level[4]
	}
	var p pb.Payload
	if strings.HasSuffix(kind, "CMD") || proto.Unmarshal(m.Payload(), &p) != nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.kinds = append(h.kinds, kind)
	switch kind {
	case "NDEATH":
		h.online = false
		return
	case "NBIRTH":
		h.online, h.seq = true, p.GetSeq()
	default:
		if h.seq = (h.seq + 1) % 256; h.seq != p.GetSeq() {
			h.gaps++
		}
	}
	for _, metric := range p.GetMetrics() {
		h.metric(device, kind, metric)
	}
}

func (h *scada) metric(device, kind string, m *pb.Payload_Metric) {
	if strings.HasSuffix(kind, "BIRTH") {
		h.names[m.GetAlias()] = device + "/" + m.GetName()
	}
	name := h.names[m.GetAlias()]
	var value any
	switch v := m.GetValue().(type) {
	case *pb.Payload_Metric_StringValue:
		value = v.StringValue
	case *pb.Payload_Metric_DoubleValue:
		value = v.DoubleValue
	case *pb.Payload_Metric_BooleanValue:
		value = v.BooleanValue
	case *pb.Payload_Metric_LongValue:
		value = int64(v.LongValue)
	}
	if id, ok := value.(string); ok && name == "cap/Verdict/ID" && kind == "DDATA" {
		if m.GetIsHistorical() {
			h.late = append(h.late, id)
		} else {
			h.live = append(h.live, id)
		}
	}
	if !m.GetIsHistorical() {
		h.values[name] = value
	}
}

func (h *scada) is(name string, value any) func() bool {
	return func() bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		return h.values[name] == value
	}
}

func (h *scada) isOnline() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.online
}

func (h *scada) came() (live, late []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.live), slices.Clone(h.late)
}

func (h *scada) publish(topic string, retained bool, payload []byte) {
	h.t.Helper()
	h.wait(h.client.Publish(topic, 1, retained, payload))
}

func (h *scada) state(online bool) {
	h.publish("spBv1.0/STATE/scada", true, fmt.Appendf(nil, `{"online":%t,"timestamp":%d}`, online, time.Now().UnixMilli()))
}

func (h *scada) write(topic, name string, m *pb.Payload_Metric) {
	h.t.Helper()
	m.Name = proto.String(name)
	payload, err := proto.Marshal(&pb.Payload{Timestamp: proto.Uint64(uint64(time.Now().UnixMilli())), Metrics: []*pb.Payload_Metric{m}})
	if err != nil {
		h.t.Fatal(err)
	}
	h.publish(spB+topic, false, payload)
}

// ask sends a command as the plain topics have it, and returns its reply.
func (h *scada) ask(command string) (reply map[string]any) {
	h.t.Helper()
	var asked map[string]any
	if err := json.Unmarshal([]byte(command), &asked); err != nil {
		h.t.Fatal(err)
	}
	h.write("DCMD/edge7/cap", "Device Control/Command", &pb.Payload_Metric{Value: &pb.Payload_Metric_StringValue{StringValue: command}})
	until(h.t, 20*time.Second, "the reply to "+command, func() bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		text, _ := h.values["cap/Device Control/Reply"].(string)
		return json.Unmarshal([]byte(text), &reply) == nil && reply["id"] == asked["id"]
	})
	return reply
}

func TestSparkplugNode(t *testing.T) {
	broker := mosquitto.New(t)
	plc, host := connect(t, broker.URL()), newScada(t, broker.URL())
	dir := t.TempDir()
	text := configText(t, broker.URL(), unhurried) + "sparkplug: {enabled: true, primary_host: scada, grace: 0s}\n"
	p := start(t, dir, nil, "run", "--config", write(t, dir, "faird.yaml", text))
	until(t, time.Minute, "verdicts on the plain topics", func() bool { return len(plc.verdicts("cap")) >= 3 })
	if host.isOnline() {
		t.Fatal("the node was born without its primary host")
	}

	host.state(true)
	until(t, 20*time.Second, "the node's birth", host.isOnline)
	until(t, 20*time.Second, "live verdicts, and what was held", func() bool {
		live, late := host.came()
		return len(live) >= 3 && len(late) >= 3
	})
	host.state(false)
	until(t, 20*time.Second, "the node's death", func() bool { return !host.isOnline() })
	held := plc.verdicts("cap")
	time.Sleep(500 * time.Millisecond)
	host.state(true)
	until(t, 20*time.Second, "the node's birth again", host.isOnline) // a command to a node that is away is lost
	until(t, 30*time.Second, "every verdict", func() bool {
		live, late := host.came()
		all := slices.Concat(live, late)
		for _, v := range held {
			if !slices.Contains(all, v.ID) {
				return false
			}
		}
		return true
	})

	host.write("DCMD/edge7/cap", "Threshold", &pb.Payload_Metric{Value: &pb.Payload_Metric_DoubleValue{DoubleValue: 0.0001}})
	until(t, 20*time.Second, "the threshold", host.is("cap/Threshold", 0.0001))
	until(t, 20*time.Second, "where it is from", host.is("cap/Threshold From", "override"))
	until(t, 20*time.Second, "a verdict under it", host.is("cap/Verdict/Result", "fail"))
	if r := host.ask(`{"id":"m-1","command":"model","model":"/nowhere.onnx"}`); r["ok"] != false {
		t.Errorf("model that does not exist: %v", r)
	}
	if r := host.ask(`{"id":"p-1","command":"pause","by":"maria"}`); r["ok"] != true {
		t.Errorf("pause: %v", r)
	}
	until(t, 20*time.Second, "paused", host.is("cap/Device Control/Pause", true))
	for range 2 { // the second is answered, not done
		if r := host.ask(`{"id":"s-1","command":"save","count":2}`); r["ok"] != true {
			t.Errorf("save: %v", r)
		}
	}
	host.write("DCMD/edge7/cap", "Device Control/Pause", &pb.Payload_Metric{Value: &pb.Payload_Metric_BooleanValue{BooleanValue: false}})
	until(t, 20*time.Second, "resumed", host.is("cap/Ready", true))
	pattern := filepath.Join(storePath(t, text), "saved", "cap", "*.png")
	until(t, 20*time.Second, "the pictures", func() bool { saved, _ := filepath.Glob(pattern); return len(saved) == 2 })
	if r := host.ask(`{"id":"s-1","command":"save","count":2}`); r["ok"] != true {
		t.Errorf("save, a third time: %v", r)
	}
	live, _ := host.came()
	until(t, 20*time.Second, "more verdicts", func() bool { now, _ := host.came(); return len(now) >= len(live)+5 })
	if saved, _ := filepath.Glob(pattern); len(saved) != 2 {
		t.Errorf("%d pictures are saved, want the 2 asked for once", len(saved))
	}
	if !strings.Contains(p.errs.String()+p.out.String(), "maria") {
		t.Error("who asked is not in the log")
	}

	_ = p.cmd.Process.Kill()
	until(t, 20*time.Second, "the will", func() bool { return !host.isOnline() })
	if host.gaps > 0 {
		t.Errorf("%d gaps in the sequence", host.gaps)
	}
}

// What the node had not delivered when it was killed comes after the restart.
func TestSparkplugFeedSurvivesKill(t *testing.T) {
	broker := mosquitto.New(t)
	plc, host := connect(t, broker.URL()), newScada(t, broker.URL())
	dir := t.TempDir()
	config := write(t, dir, "faird.yaml", configText(t, broker.URL(), unhurried)+"sparkplug: {enabled: true, primary_host: scada}\n")
	p := start(t, dir, nil, "run", "--config", config)
	until(t, time.Minute, "verdicts on the plain topics", func() bool { return len(plc.verdicts("cap")) >= 5 })
	_ = p.cmd.Process.Kill()
	<-p.exited
	decided := plc.verdicts("cap")
	host.state(true)
	start(t, dir, nil, "run", "--config", config)
	until(t, time.Minute, "every verdict from before", func() bool {
		_, late := host.came()
		for _, v := range decided {
			if !slices.Contains(late, v.ID) {
				return false
			}
		}
		return true
	})
}
