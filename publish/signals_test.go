package publish

import (
	"strings"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"faird/config"
	"faird/publish/handshake"
	"faird/verdict"
)

// shaken is a status with its number as the acquisition's.
func shaken(n uint64) *HandshakeState {
	return &HandshakeState{Session: "s", Status: handshake.Status{
		Ready: true, Acquisition: handshake.Acquisition{Number: n}, Buffer: handshake.Buffer{Depth: 1},
	}}
}

func numbers(t *testing.T, c *plc) []uint64 {
	t.Helper()
	var out []uint64
	for _, m := range c.on("cap/handshake") {
		if m.payload != "" {
			s, _ := newestOf[HandshakeState](t, m)
			out = append(out, s.Acquisition.Number)
		}
	}
	return out
}

func TestHandshakeIsToldInOrderAndRetained(t *testing.T) {
	brokers(t, func(t *testing.T, c config.MQTT, url func(*box) string, is func(*mqtt.ClientOptions)) {
		c.Timeout = time.Minute // on another connection only the newest would come
		b := newBox(t, c, true)
		b.SetStations([]string{"cap", "lid"})
		b.SetHandshake("cap", shaken(1)) // before there is a connection
		b.SetHandshake("lid", nil)
		b.run(t).connected(t)
		plc := newPLC(t, url(b), is)
		eventually(t, "the first", func() bool { return len(numbers(t, plc)) == 1 })
		const many = 200
		for n := uint64(2); n <= many; n++ {
			b.SetHandshake("cap", shaken(n))
		}
		eventually(t, "every one", func() bool { return len(numbers(t, plc)) == many })
		for i, n := range numbers(t, plc) {
			if n != uint64(i+1) {
				t.Fatalf("status %d is at %d: out of order", n, i)
			}
		}
		checkSchemas(t, plc)
		late := newPLC(t, url(b), is)
		eventually(t, "the newest is retained", func() bool {
			got := late.on("cap/handshake")
			return len(got) == 1 && got[0].retained && numbers(t, late)[0] == many
		})
		b.SetStations([]string{"lid"})
		eventually(t, "cleared", func() bool {
			got := plc.on("cap/handshake")
			return got[len(got)-1].payload == ""
		})
	})
}

func TestHandshakeAfterAnOutage(t *testing.T) {
	b, p, _, m := viaProxy(t, true)
	b.SetHandshake("cap", shaken(1))
	b.run(t).connected(t)
	b.away(t, p)
	m.Kill()
	for n := uint64(2); n <= 50; n++ {
		b.SetHandshake("cap", shaken(n)) // nobody is there: only the newest will do
	}
	m.Start() // it has lost what it retained
	c := newPLC(t, m.URL())
	c.send(t, "lid/handshake", `{"ready":true}`, true) // as an earlier config may have left it
	b.SetHandshake("lid", nil)
	p.refuse(false)
	eventually(t, "the newest", func() bool { got := numbers(t, c); return len(got) > 0 && got[len(got)-1] == 50 })
	if got := numbers(t, c); len(got) != 1 {
		t.Errorf("statuses %v, want the newest alone", got)
	}
	eventually(t, "what was left is cleared", func() bool {
		got := c.on("lid/handshake")
		return got[len(got)-1].payload == ""
	})
}

func TestAcks(t *testing.T) {
	on, off := true, false
	long := strings.Repeat("x", 1<<20)
	tests := []struct {
		name, payload string
		want          *Ack // nil: refused
	}{
		{"id", `{"id":"01JD"}`, &Ack{ID: "01JD"}},
		{"bare id", `01JD`, &Ack{ID: "01JD"}},
		{"quoted id", ` "01JD" `, &Ack{ID: "01JD"}},
		{"bit set", `{"id":"01JD","ack":true}`, &Ack{ID: "01JD", Level: &on}},
		{"bit set, of the result shown", `{"ack":1}`, &Ack{Level: &on}},
		{"bit cleared", `{"ack":0}`, &Ack{Level: &off}},
		{"more keys", `{"id":"01JD","shift":3}`, &Ack{ID: "01JD"}},
		{"empty", ``, nil},
		{"names nothing", `{}`, nil},
		{"cut off", `{"id":"01JD"`, nil},
		{"neither", `{"ack":"perhaps"}`, nil},
		{"1 MB", `{"id":"` + long + `"}`, nil},
		{"long id", long[:300], nil},
	}
	brokers(t, func(t *testing.T, c config.MQTT, url func(*box) string, is func(*mqtt.ClientOptions)) {
		b := newBox(t, c, false)
		b.SetStations([]string{"cap"})
		b.run(t).connected(t)
		plc := newPLC(t, url(b), is)
		good, bad := 0, uint64(0)
		for _, test := range tests {
			plc.send(t, "cap/ack", test.payload, false)
			if test.want == nil {
				bad++
				eventually(t, test.name, func() bool { return b.Status().Inbound.Invalid == bad })
				continue
			}
			good++
			eventually(t, test.name, func() bool { return len(b.plant.acked()) == good })
			got := b.plant.acked()[good-1]
			if got.ID != test.want.ID || !sameBit(got.Level, test.want.Level) {
				t.Errorf("%s: %+v", test.name, got)
			}
		}
		if len(b.plant.acked()) != good {
			t.Errorf("%d acknowledgements, want %d", len(b.plant.acked()), good)
		}
	})
}

func sameBit(a, b *bool) bool { return a == b || a != nil && b != nil && *a == *b }

func TestTriggerLevels(t *testing.T) {
	on, off := true, false
	for payload, want := range map[string]*bool{
		`{"id":"t","trigger":true}`: &on, `{"trigger":1}`: &on, `{"trigger":false}`: &off, `{"trigger":0}`: &off, `{"id":"t"}`: nil, ``: nil,
	} {
		if got := parseTrigger([]byte(payload)); got.Err != nil || !sameBit(got.Level, want) {
			t.Errorf("%s: %+v", payload, got)
		}
	}
}

func TestHandshakeSchema(t *testing.T) {
	full := shaken(3)
	full.Schema, full.Site, full.Box, full.Station, full.Time = HandshakeV1, "plant1", "edge7", "cap", newVerdict("cap", 1, verdict.Pass).Time.Decided
	score := 0.2
	full.ResultsValid, full.Result = true, &handshake.Result{ID: "01JD", Sequence: 1, Verdict: verdict.Fail, Score: &score}
	without := *full
	without.Result = nil
	for name, test := range map[string]struct {
		schema  []byte
		payload []byte
		ok      bool
	}{
		"a result":               {HandshakeSchema, encode(full), true},
		"valid without a result": {HandshakeSchema, encode(without), false},
		"ack":                    {AckSchema, []byte(`{"id":"01JD"}`), true},
		"ack by bit":             {AckSchema, []byte(`{"ack":1}`), true},
		"ack of nothing":         {AckSchema, []byte(`{}`), false},
		"trigger by bit":         {TriggerSchema, []byte(`{"trigger":true}`), true},
		"trigger by word":        {TriggerSchema, []byte(`{"trigger":"on"}`), false},
	} {
		if err := valid(t, compile(t, test.schema), test.payload); (err == nil) != test.ok {
			t.Errorf("%s: %v\n%s", name, err, test.payload)
		}
	}
}
