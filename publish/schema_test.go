package publish

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"faird/verdict"
)

func compile(t testing.TB, schema []byte) *jsonschema.Schema {
	t.Helper()
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(schema))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("schema.json", document); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func valid(t testing.TB, s *jsonschema.Schema, payload []byte) error {
	t.Helper()
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(payload))
	if err != nil {
		t.Fatalf("%v: %s", err, payload)
	}
	return s.Validate(document)
}

// checkSchemas validates everything that a PLC has seen of the box.
func checkSchemas(t testing.TB, c *plc) {
	t.Helper()
	box, station := compile(t, BoxSchema), compile(t, StationSchema)
	reply, judged := compile(t, ReplySchema), compile(t, verdict.Schema)
	shake := compile(t, HandshakeSchema)
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, m := range c.got {
		s := map[bool]*jsonschema.Schema{
			m.topic == "state":                   box,
			strings.HasSuffix(m.topic, "/state"): station,
			strings.HasSuffix(m.topic, "/reply"): reply,

			strings.HasSuffix(m.topic, "/handshake"):                                      shake,
			strings.HasSuffix(m.topic, "/verdict") || strings.HasSuffix(m.topic, "/last"): judged,
		}[true]
		if s == nil || m.payload == "" || m.payload == "{}" {
			continue
		}
		if err := valid(t, s, []byte(m.payload)); err != nil {
			t.Errorf("%s: %v\n%s", m.topic, err, m.payload)
		}
	}
}

func TestSchemas(t *testing.T) {
	x := 0.14
	now := verdict.Time{Time: time.Now()}
	p := &Publisher{id: testBox, queue: newQueue(), table: newTable(), outbox: &memoryOutbox{}}
	p.link.since = now.Time
	p.table.setNames([]string{"cap"})
	online := p.boxState()
	online.Time = now
	full := state(true)
	full.Schema, full.Site, full.Box, full.Station, full.Time = StationV1, "plant1", "edge7", "cap", now
	full.Threshold, full.Review, full.ThresholdFrom, full.Model = &x, &x, "model", "sha256:"+strings.Repeat("0a", 32)
	full.Camera = CameraState{Connected: true, Since: now, Width: 900, Height: 900, FPS: 12.5}
	noWhy := full
	noWhy.Ready = false
	badTrigger := newVerdict("cap", 1, verdict.NoRead)
	badTrigger.Reason = verdict.InvalidTrigger
	tests := []struct {
		name    string
		schema  []byte
		payload []byte
		ok      bool
	}{
		{"online", BoxSchema, encode(online), true},
		{"will", BoxSchema, p.offline("connection lost", time.Time{}), true},
		{"stopped", BoxSchema, p.offline("stopped", now.Time), true},
		{"offline for no reason", BoxSchema, p.offline("", now.Time), false},
		{"station", StationSchema, encode(full), true},
		{"not ready for no reason", StationSchema, encode(noWhy), false},
		{"reply", ReplySchema, encode(Reply{Schema: ReplyV1, OK: true, Time: now}), true},
		{"refusal without a word", ReplySchema, encode(Reply{Schema: ReplyV1, Time: now}), false},
		{"live verdict", verdict.Schema, newEntry(newVerdict("cap", 1, verdict.Pass), 1).payload, true},
		{"historical verdict", verdict.Schema, historical(newEntry(newVerdict("cap", 1, verdict.Fail), 1).payload), true},
		{"invalid trigger", verdict.Schema, newEntry(badTrigger, 0).payload, true},
		{"trigger", TriggerSchema, []byte(`{"id":"t-88","part":7,"time":"2026-11-23T10:15:00Z"}`), true},
		{"trigger of a list", TriggerSchema, []byte(`[]`), false},
		{"command", CommandSchema, []byte(`{"id":"1","command":"threshold","threshold":null}`), true},
		{"unknown command", CommandSchema, []byte(`{"command":"explode"}`), false},
	}
	for _, test := range tests {
		if err := valid(t, compile(t, test.schema), test.payload); (err == nil) != test.ok {
			t.Errorf("%s: %v\n%s", test.name, err, test.payload)
		}
	}
}

func TestHistoricalChangesTheFlagAlone(t *testing.T) {
	v := newVerdict("cap", 1, verdict.Fail)
	v.Detail = `,"historical":false`
	payload := newEntry(v, 1).payload
	late := historical(payload)
	if !bytes.Contains(late, []byte(`"historical":true,"durable":true}`)) ||
		!bytes.Equal(bytes.Replace(late, []byte(`"historical":true`), []byte(`"historical":false`), 1), payload) {
		t.Errorf("%s\nbecame %s", payload, late)
	}
}
