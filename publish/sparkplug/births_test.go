package sparkplug

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"
	"github.com/rs/zerolog"
	"google.golang.org/protobuf/proto"

	"faird/config"
	pb "faird/publish/sparkplug/sparkplugpb"
	"faird/verdict"
)

var nop = zerolog.Nop()

func decode(t testing.TB, payload []byte) *pb.Payload {
	t.Helper()
	p := &pb.Payload{}
	if err := proto.Unmarshal(payload, p); err != nil {
		t.Fatal(err)
	}
	return p
}

// deathOf is the bdSeq of an NDEATH, which must say nothing else.
func deathOf(t testing.TB, payload []byte) uint64 {
	t.Helper()
	p := decode(t, payload)
	if p.Seq != nil || len(p.GetMetrics()) != 1 {
		t.Fatalf("death certificate %v, want bdSeq alone and no sequence number", p)
	}
	m := p.GetMetrics()[0]
	if m.GetName() != "bdSeq" || m.GetDatatype() != uint32(pb.DataType_Int64) {
		t.Fatalf("death certificate %v", p)
	}
	return m.GetLongValue()
}

func TestConnectCarriesTheDeathCertificate(t *testing.T) {
	r := up(t, config.Sparkplug{})
	c := packetsOf[*packets.ConnectPacket](r.tap)[0]
	if !c.CleanSession || c.ProtocolVersion != 4 {
		t.Errorf("clean session %t, protocol %d, want a clean session of MQTT 3.1.1", c.CleanSession, c.ProtocolVersion)
	}
	if !c.WillFlag || c.WillQos != 1 || c.WillRetain || c.WillTopic != "spBv1.0/plant1/NDEATH/edge7" {
		t.Errorf("will %t on %s, QoS %d, retained %t", c.WillFlag, c.WillTopic, c.WillQos, c.WillRetain)
	}
	if got := deathOf(t, c.WillMessage); got != 0 {
		t.Errorf("bdSeq %d, want it to start at 0", got)
	}
}

func TestBirthSequence(t *testing.T) {
	r := up(t, config.Sparkplug{})
	r.decide("cap", verdict.Pass)
	r.delivered()
	var kinds []string
	for i, p := range packetsOf[*packets.PublishPacket](r.tap) {
		kind := strings.Split(p.TopicName, "/")[2]
		kinds = append(kinds, kind)
		if p.Qos != 0 || p.Retain {
			t.Errorf("%s with QoS %d, retained %t", p.TopicName, p.Qos, p.Retain)
		}
		body := decode(t, p.Payload)
		if body.GetSeq() != uint64(i) {
			t.Errorf("%s: sequence number %d, want %d", p.TopicName, body.GetSeq(), i)
		}
		if sent := time.UnixMilli(int64(body.GetTimestamp())); time.Since(sent) < -time.Second || time.Since(sent) > time.Minute {
			t.Errorf("%s is of %s", p.TopicName, sent)
		}
	}
	if len(kinds) < 4 || !slices.Equal(kinds[:4], []string{"NBIRTH", "DBIRTH", "DBIRTH", "DDATA"}) {
		t.Errorf("sent %v, want the births first", kinds)
	}
	topics := []string{"spBv1.0/plant1/NBIRTH/edge7", "spBv1.0/plant1/DBIRTH/edge7/cap", "spBv1.0/plant1/DBIRTH/edge7/lid"}
	for i, want := range topics {
		if got := packetsOf[*packets.PublishPacket](r.tap)[i].TopicName; got != want {
			t.Errorf("published on %s, want %s", got, want)
		}
	}
	r.host.content()
}

func TestNodeBirthMetrics(t *testing.T) {
	r := up(t, config.Sparkplug{})
	birth := r.host.all("NBIRTH")[0].payload
	found := 0
	for _, m := range birth.GetMetrics() {
		switch m.GetName() {
		case "Node Control/Rebirth":
			found++
			if m.Alias != nil || m.GetDatatype() != uint32(pb.DataType_Boolean) || m.GetBooleanValue() || m.Value == nil {
				t.Errorf("%v, want a Boolean false without alias", m)
			}
		case "bdSeq":
			found++
			if m.GetDatatype() != uint32(pb.DataType_Int64) || m.GetLongValue() != deathOf(t, packetsOf[*packets.ConnectPacket](r.tap)[0].WillMessage) {
				t.Errorf("%v, want the bdSeq of the will", m)
			}
		}
		if m.GetDatatype() == uint32(pb.DataType_Template) {
			t.Errorf("%v: no templates are defined", m)
		}
	}
	if found != 2 {
		t.Errorf("birth %v lacks bdSeq or Node Control/Rebirth", birth)
	}
	if got := r.host.tag("", "Properties/Version").value; got != "1.2.3" {
		t.Errorf("version %v", got)
	}
	r.host.content()
}

func TestDeviceBirthMetrics(t *testing.T) {
	r := newRig(t, config.Sparkplug{})
	id := r.decide("cap", verdict.Fail) // before there is a session
	r.run().alive()
	for name, want := range map[string]any{
		"Verdict/ID": id, "Verdict/Result": "fail", "Verdict/Score": 0.1, "Ready": true, "Threshold": 0.14, "Model": "sha256:m",
		"Review": nil, "Why": nil, "Camera/Connected": true, "Device Control/Pause": false, "Counts/Pass": int64(0),
	} {
		if got := r.host.tag("cap", name); got.value != want || got.datatype == 0 {
			t.Errorf("cap: %s is %+v, want %v", name, got, want)
		}
	}
	for _, m := range verdictMetrics(nil) {
		if got := r.host.tag("lid", m.name); got.value != nil || got.quality != 500 || got.datatype != m.kind {
			t.Errorf("lid: %s is %+v, want null and stale before the first verdict", m.name, got)
		}
	}
	for _, name := range []string{"Verdict/ID", "Threshold", "Counts/Pass"} {
		if a, b := r.host.tag("cap", name), r.host.tag("lid", name); a.datatype != b.datatype {
			t.Errorf("%s has two datatypes", name)
		}
	}
	r.host.content()
}

// A verdict from before the process is the device's current value.
func TestBirthRecallsTheNewestVerdict(t *testing.T) {
	r := newRig(t, config.Sparkplug{})
	r.decide("lid", verdict.Review)
	r.feed.last["lid"] = r.feed.rows[0].Payload
	r.renew(config.Sparkplug{})
	r.run().alive()
	if got := r.host.tag("lid", "Verdict/Result"); got.value != "review" || got.quality != 192 {
		t.Errorf("%+v, want review, good", got)
	}
}

func TestBdSeqCountsConnects(t *testing.T) {
	r := newRig(t, config.Sparkplug{})
	r.bdSeq = 254
	r.run().alive()
	for n := range 3 {
		r.tap.cut()
		eventually(t, "born again", func() bool { return r.host.look(func() bool { return r.host.births == n+2 }) })
	}
	var deaths []uint64
	for _, c := range packetsOf[*packets.ConnectPacket](r.tap) {
		deaths = append(deaths, deathOf(t, c.WillMessage))
	}
	if !slices.Equal(deaths, []uint64{254, 255, 0, 1}) {
		t.Errorf("wills with bdSeq %v, want one more with every CONNECT, and 0 after 255", deaths)
	}
	for i, m := range r.host.all("NBIRTH") {
		for _, metric := range m.payload.GetMetrics() {
			if metric.GetName() == "bdSeq" && metric.GetLongValue() != deaths[i] {
				t.Errorf("birth %d with bdSeq %d, want %d", i, metric.GetLongValue(), deaths[i])
			}
		}
	}
}

func TestSequenceWraps(t *testing.T) {
	r := up(t, config.Sparkplug{})
	for range 300 {
		r.decide("cap", verdict.Pass)
		r.decide("lid", verdict.Fail)
	}
	r.delivered()
	eventually(t, "all verdicts", func() bool { return len(r.host.ids("cap", false)) == 300 && len(r.host.ids("lid", false)) == 300 })
	r.host.content()
	highest := uint64(0)
	for _, m := range r.host.all("DDATA") {
		highest = max(highest, m.payload.GetSeq())
	}
	if highest != 255 {
		t.Errorf("the highest sequence number is %d", highest)
	}
}

func TestSubscriptionsComeBeforeTheBirth(t *testing.T) {
	r := newRig(t, config.Sparkplug{PrimaryHost: "scada"})
	r.host.state(true, 1)
	r.run().alive()
	want := map[string]bool{
		"spBv1.0/plant1/NCMD/edge7": true, "spBv1.0/STATE/scada": true,
		"spBv1.0/plant1/DCMD/edge7/cap": true, "spBv1.0/plant1/DCMD/edge7/lid": true,
	}
	for _, p := range r.tap.all() {
		switch p := p.(type) {
		case *packets.SubscribePacket:
			for i, topic := range p.Topics {
				if !want[topic] || p.Qoss[i] != 1 {
					t.Errorf("subscribed to %s with QoS %d", topic, p.Qoss[i])
				}
				delete(want, topic)
			}
		case *packets.PublishPacket:
			if len(want) > 0 {
				t.Errorf("%s came before the subscriptions to %v", p.TopicName, want)
			}
			return
		}
	}
}

func TestMetricNamesDifferInMoreThanCase(t *testing.T) {
	seen := map[string]bool{}
	check := func(list []metric) {
		for _, m := range list {
			name := strings.ToLower(m.name)
			if seen[name] || strings.Contains(m.name, "//") || strings.ContainsAny(m.name, `.,\@#$%^&*()[]{}|!`+"`"+`~:;'"<>?`) {
				t.Errorf("the name %q is there twice, or hosts will not like it", m.name)
			}
			seen[name] = true
		}
	}
	check(append(verdictMetrics(nil), stateMetrics(state(true), time.Now())...))
	clear(seen)
	check(nodeMetrics(testBox, verdict.Waiting{}, time.Now()))
}

func TestMetricForms(t *testing.T) {
	at := time.UnixMilli(1_700_000_000_123)
	tests := []struct {
		kind  pb.DataType
		value any
		check func(*pb.Payload_Metric) bool
	}{
		{pb.DataType_Boolean, true, func(m *pb.Payload_Metric) bool { return m.GetBooleanValue() }},
		{pb.DataType_Double, 0.25, func(m *pb.Payload_Metric) bool { return m.GetDoubleValue() == 0.25 }},
		{pb.DataType_String, "x", func(m *pb.Payload_Metric) bool { return m.GetStringValue() == "x" }},
		{pb.DataType_Int32, int64(-1), func(m *pb.Payload_Metric) bool { return m.GetIntValue() == math.MaxUint32 }},
		{pb.DataType_UInt32, int64(7), func(m *pb.Payload_Metric) bool { return m.GetIntValue() == 7 }},
		{pb.DataType_Int64, int64(-1), func(m *pb.Payload_Metric) bool { return m.GetLongValue() == math.MaxUint64 }},
		{pb.DataType_UInt64, int64(7), func(m *pb.Payload_Metric) bool { return m.GetLongValue() == 7 }},
		{pb.DataType_DateTime, moment(at), func(m *pb.Payload_Metric) bool { return m.GetLongValue() == 1_700_000_000_123 }},
		{pb.DataType_String, nil, func(m *pb.Payload_Metric) bool { return m.GetIsNull() && m.Value == nil }},
	}
	for _, test := range tests {
		m := metric{name: "a", kind: test.kind, value: test.value, at: at.In(time.FixedZone("east", 3600)), quality: good}
		birth, data := m.encode(3, true, false), m.encode(3, false, true)
		if !test.check(birth) || birth.GetDatatype() != uint32(test.kind) || birth.GetName() != "a" || birth.GetAlias() != 3 || birth.IsHistorical != nil {
			t.Errorf("%s: birth %v", test.kind, birth)
		}
		if !test.check(data) || data.Datatype != nil || data.Name != nil || data.GetAlias() != 3 || !data.GetIsHistorical() {
			t.Errorf("%s: data %v", test.kind, data)
		}
		if birth.GetTimestamp() != 1_700_000_000_123 {
			t.Errorf("%s: timestamp %d is not UTC", test.kind, birth.GetTimestamp())
		}
	}
}

func TestQualityProperty(t *testing.T) {
	for q, want := range map[quality]uint32{bad: 0, good: 192, stale: 500} {
		p := metric{name: "a", kind: pb.DataType_Boolean, value: true, quality: q}.encode(1, true, false).GetProperties()
		if len(p.GetKeys()) != 1 || len(p.GetValues()) != 1 || p.GetKeys()[0] != "Quality" {
			t.Fatalf("%v", p)
		}
		if v := p.GetValues()[0]; v.GetType() != 3 || v.GetIntValue() != want {
			t.Errorf("quality %v, want an Int32 of %d", v, want)
		}
	}
}

func TestIDs(t *testing.T) {
	for _, id := range []string{"a+b", "a/b", "#", "a\x00b", "\xff", "a\nb"} {
		for _, c := range []config.Sparkplug{{Group: id}, {Node: id}, {PrimaryHost: id}} {
			if _, err := New(c, testBox, &memoryFeed{}, &wire{}, nop); err == nil || !strings.Contains(err.Error(), "sparkplug.") {
				t.Errorf("%+v: %v, want an error that names the key", c, err)
			}
		}
	}
	n, err := New(config.Sparkplug{Group: "Grüße", Node: "Kante 7"}, testBox, &memoryFeed{}, &wire{}, nop)
	if err != nil || n.topics.device(dbirth, "Deckel") != "spBv1.0/Grüße/DBIRTH/Kante 7/Deckel" {
		t.Errorf("%v", err)
	}
	if n, err = New(config.Sparkplug{}, testBox, &memoryFeed{}, &wire{}, nop); err != nil || n.topics.of(ndata) != "spBv1.0/plant1/NDATA/edge7" {
		t.Errorf("the ids are not those of the box: %v", err)
	}
}

func TestDeviceIDs(t *testing.T) {
	r := newRig(t, config.Sparkplug{})
	var logged strings.Builder
	r.log = zerolog.New(&logged)
	r.SetStations([]string{"cap", "cap", "a/b", "#", "", "lid", "Lid"})
	r.SetStation("Lid", state(true))
	r.SetStation("a/b", state(true))
	r.run().alive()
	eventually(t, "the devices", func() bool { return r.host.online("Lid") })
	time.Sleep(100 * time.Millisecond)
	if n := len(r.host.all("DBIRTH")); n != 3 {
		t.Errorf("%d devices were born, want cap, lid and Lid", n)
	}
	r.stop()
	for _, want := range []string{"left out of Sparkplug", "differ in case alone"} {
		if !strings.Contains(logged.String(), want) {
			t.Errorf("%q is not in the log: %s", want, &logged)
		}
	}
	r.host.content()
}
