package sparkplug

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"github.com/oklog/ulid/v2"
	"google.golang.org/protobuf/proto"

	pb "faird/publish/sparkplug/sparkplugpb"
)

// scada is a little host application: it follows the state of every node and
// device as the specification has a host do, and notes whatever it may not
// meet. It shares nothing with the node but the schema.
type scada struct {
	t      testing.TB
	id     string
	client mqtt.Client

	mu       sync.Mutex
	messages []message
	problems []string
	node     *tags            // nil: never born
	devices  map[string]*tags // of the node that is alive, or was
	names    map[uint64]string
	bdSeq    uint64
	seq      uint64
	gaps     int
	births   int
}

// message is one Sparkplug message as it came.
type message struct {
	kind, device string
	qos          byte
	retained     bool
	payload      *pb.Payload
}

// tags are the metrics of a node or a device.
type tags struct {
	online  bool
	values  map[string]tag
	history []map[string]any // historical values, message by message
	live    []map[string]any // the others, message by message, births left out
}

type tag struct {
	value    any
	quality  int64 // -1: none given
	datatype pb.DataType
	stale    bool
	at       time.Time
}

func newScada(t testing.TB, broker, id string) *scada {
	t.Helper()
	return newScadaAs(t, broker, id, nil)
}

func newScadaAs(t testing.TB, broker, id string, change func(*mqtt.ClientOptions)) *scada {
	t.Helper()
	h := &scada{t: t, id: id, devices: map[string]*tags{}, names: map[uint64]string{}}
	o := mqtt.NewClientOptions().AddBroker(broker).SetClientID("scada-" + ulid.Make().String()).
		SetProtocolVersion(4).SetCleanSession(true).SetAutoReconnect(false)
	if change != nil {
		change(o)
	}
	o.SetDefaultPublishHandler(func(_ mqtt.Client, m mqtt.Message) { h.hear(m) })
	h.client = mqtt.NewClient(o)
	h.wait(h.client.Connect())
	h.wait(h.client.Subscribe("spBv1.0/#", 1, nil))
	t.Cleanup(func() { h.client.Disconnect(20) })
	return h
}

func (h *scada) wait(token mqtt.Token) {
	h.t.Helper()
	if !token.WaitTimeout(patience) || token.Error() != nil {
		h.t.Fatalf("host: %v", token.Error())
	}
}

// state publishes the host's STATE message.
func (h *scada) state(online bool, at int64) { h.stateOf(h.id, online, at) }

func (h *scada) stateOf(id string, online bool, at int64) {
	h.t.Helper()
	h.wait(h.client.Publish("spBv1.0/STATE/"+id, 1, true, fmt.Sprintf(`{"online":%t,"timestamp":%d}`, online, at)))
}

// write sends an NCMD or, to a device, a DCMD.
func (h *scada) write(device string, metrics ...*pb.Payload_Metric) {
	h.t.Helper()
	topic := "spBv1.0/plant1/NCMD/edge7"
	if device != "" {
		topic = "spBv1.0/plant1/DCMD/edge7/" + device
	}
	payload, err := proto.Marshal(&pb.Payload{Timestamp: proto.Uint64(millis(time.Now())), Metrics: metrics})
	if err != nil {
		h.t.Fatal(err)
	}
	h.wait(h.client.Publish(topic, 0, false, payload))
}

func (h *scada) problem(format string, args ...any) {
	h.problems = append(h.problems, fmt.Sprintf(format, args...))
}

func (h *scada) hear(m mqtt.Message) {
	level := strings.Split(m.Topic(), "/")
	if level[1] == "STATE" || level[2] == "NCMD" || level[2] == "DCMD" {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	one := message{kind: level[2], qos: m.Qos(), retained: m.Retained(), payload: &pb.Payload{}}
	if err := proto.Unmarshal(m.Payload(), one.payload); err != nil {
		h.problem("%s: %v", m.Topic(), err)
		return
	}
	if strings.HasPrefix(one.kind, "D") != (len(level) == 5) || level[1] != "plant1" || level[3] != "edge7" {
		h.problem("topic %s", m.Topic())
		return
	}
	if len(level) == 5 {
		one.device = level[4]
	}
	h.messages = append(h.messages, one)
	h.follow(one)
}

func (h *scada) follow(m message) {
	if m.kind != "NDEATH" {
		h.sequence(m)
	}
	switch m.kind {
	case "NBIRTH":
		h.births++
		h.names = map[uint64]string{}
		for _, d := range h.devices {
			d.die(time.Now())
		}
		h.node = h.birth(m)
		h.bdSeq = uint64(h.node.values["bdSeq"].value.(int64))
	case "NDEATH":
		if h.node == nil || m.payload.GetMetrics()[0].GetLongValue() != h.bdSeq {
			return // of a session that is over
		}
		h.node.die(time.Now())
		for _, d := range h.devices {
			d.die(time.Now())
		}
	case "DBIRTH":
		if h.node == nil || !h.node.online {
			h.problem("DBIRTH of %s without an NBIRTH", m.device)
		}
		before := h.devices[m.device]
		h.devices[m.device] = h.birth(m)
		if before != nil {
			h.devices[m.device].history, h.devices[m.device].live = before.history, before.live
		}
	case "DDEATH":
		h.devices[m.device].die(time.UnixMilli(int64(m.payload.GetTimestamp())))
	case "NDATA":
		h.data(m, h.node)
	case "DDATA":
		h.data(m, h.devices[m.device])
	default:
		h.problem("message type %s", m.kind)
	}
}

func (h *scada) sequence(m message) {
	if m.payload.Seq == nil || m.payload.GetSeq() > 255 {
		h.problem("%s: sequence number %v", m.kind, m.payload.Seq)
	}
	want := (h.seq + 1) % 256
	if m.kind == "NBIRTH" {
		want = 0
	}
	if got := m.payload.GetSeq(); got != want {
		h.gaps++
	}
	h.seq = m.payload.GetSeq()
}

func (t *tags) die(at time.Time) {
	if !t.online {
		return
	}
	t.online = false
	for name, v := range t.values {
		v.stale, v.at = true, at
		t.values[name] = v
	}
}

func (h *scada) birth(m message) *tags {
	out := &tags{online: true, values: map[string]tag{}}
	var last uint64
	for _, p := range m.payload.GetMetrics() {
		name := p.GetName()
		switch {
		case p.Name == nil || p.Datatype == nil || p.Timestamp == nil:
			h.problem("%s: metric %v lacks name, datatype or timestamp", m.kind, p)
		case name != "Node Control/Rebirth" && p.Alias == nil:
			h.problem("%s: %s has no alias", m.kind, name)
		case p.GetIsNull() != (p.Value == nil):
			h.problem("%s: %s is null and has a value, or neither", m.kind, name)
		case p.GetTimestamp() < last:
			h.problem("%s: %s is older than the metric before it", m.kind, name)
		}
		last = p.GetTimestamp()
		if p.Alias != nil {
			label := m.device + "\x00" + name
			if other, twice := h.names[p.GetAlias()]; twice && other != label {
				h.problem("%s: %q and %q share an alias", m.kind, label, other)
			}
			h.names[p.GetAlias()] = label
		}
		if _, twice := out.values[name]; twice {
			h.problem("%s: %s is there twice", m.kind, name)
		}
		out.values[name] = decodeTag(p, pb.DataType(p.GetDatatype()))
	}
	return out
}

func (h *scada) data(m message, to *tags) {
	if to == nil || !to.online {
		h.problem("%s of %q before its birth, or after its death", m.kind, m.device)
		return
	}
	historical, values := false, map[string]any{}
	var last uint64
	for _, p := range m.payload.GetMetrics() {
		device, name, _ := strings.Cut(h.names[p.GetAlias()], "\x00")
		def, known := to.values[name]
		switch {
		case p.Alias == nil || !known || device != m.device:
			h.problem("%s of %q: metric %v was not born", m.kind, m.device, p)
			continue
		case p.Name != nil || p.Datatype != nil:
			h.problem("%s: %s comes with name or datatype", m.kind, name)
		case p.Timestamp == nil:
			h.problem("%s: %s has no timestamp", m.kind, name)
		case !p.GetIsHistorical() && p.GetTimestamp() < last:
			h.problem("%s: %s is older than the metric before it", m.kind, name)
		}
		last = p.GetTimestamp()
		v := decodeTag(p, def.datatype)
		values[name] = v.value
		if historical = historical || p.GetIsHistorical(); !p.GetIsHistorical() {
			to.values[name] = v
		}
	}
	if historical {
		to.history = append(to.history, values)
		return
	}
	to.live = append(to.live, values)
}

func decodeTag(p *pb.Payload_Metric, datatype pb.DataType) tag {
	out := tag{quality: -1, datatype: datatype, at: time.UnixMilli(int64(p.GetTimestamp()))}
	if i := slices.Index(p.GetProperties().GetKeys(), "Quality"); i >= 0 {
		out.quality = int64(p.GetProperties().GetValues()[i].GetIntValue())
	}
	switch v := p.GetValue().(type) {
	case *pb.Payload_Metric_BooleanValue:
		out.value = v.BooleanValue
	case *pb.Payload_Metric_DoubleValue:
		out.value = v.DoubleValue
	case *pb.Payload_Metric_StringValue:
		out.value = v.StringValue
	case *pb.Payload_Metric_LongValue:
		out.value = int64(v.LongValue)
	case *pb.Payload_Metric_IntValue:
		out.value = int64(int32(v.IntValue))
	}
	fits := map[pb.DataType]bool{
		pb.DataType_Boolean: is[bool](out.value), pb.DataType_Double: is[float64](out.value), pb.DataType_String: is[string](out.value),
		pb.DataType_Int64: is[int64](out.value), pb.DataType_UInt64: is[int64](out.value), pb.DataType_DateTime: is[int64](out.value),
		pb.DataType_Int32: is[int64](out.value), pb.DataType_UInt32: is[int64](out.value),
	}
	if !fits[datatype] {
		out.value = fmt.Sprintf("%v does not fit %s", p, datatype)
		out.quality = math.MinInt64
	}
	return out
}

func is[T any](v any) bool {
	_, ok := v.(T)
	return ok || v == nil
}

// look asks something of what the host knows.
func (h *scada) look(f func() bool) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return f()
}

// tag is a value as the host has it now; device "" is the node.
func (h *scada) tag(device, name string) tag {
	h.mu.Lock()
	defer h.mu.Unlock()
	from := h.node
	if device != "" {
		from = h.devices[device]
	}
	if from == nil {
		return tag{}
	}
	return from.values[name]
}

func (h *scada) online(device string) bool {
	return h.look(func() bool {
		if device == "" {
			return h.node != nil && h.node.online
		}
		return h.devices[device] != nil && h.devices[device].online
	})
}

// all returns the messages of one kind.
func (h *scada) all(kind string) []message {
	h.mu.Lock()
	defer h.mu.Unlock()
	var out []message
	for _, m := range h.messages {
		if m.kind == kind {
			out = append(out, m)
		}
	}
	return out
}

// ids lists the verdicts of a device, live or historical, as they came.
func (h *scada) ids(device string, historical bool) []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	d := h.devices[device]
	if d == nil {
		return nil
	}
	list := d.live
	if historical {
		list = d.history
	}
	var out []string
	for _, values := range list {
		if id, ok := values["Verdict/ID"].(string); ok {
			out = append(out, id)
		}
	}
	return out
}

// content fails the test with everything the host had to complain about.
func (h *scada) content() {
	h.t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, p := range h.problems {
		h.t.Error(p)
	}
	if h.gaps > 0 {
		h.t.Errorf("%d gaps in the sequence numbers", h.gaps)
	}
	for _, m := range h.messages {
		if m.kind != "NDEATH" && m.qos != 0 || m.retained {
			h.t.Errorf("%s came with QoS %d, retained %t", m.kind, m.qos, m.retained)
		}
	}
}
