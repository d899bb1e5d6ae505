package publish

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"github.com/oklog/ulid/v2"
	"github.com/rs/zerolog"
	"go.uber.org/goleak"

	"faird/config"
	"faird/verdict"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 20 * time.Second // for what must come; a machine may be busy

// eventually waits for what must become true.
func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %s: %s", patience, what)
		}
	}
}

// memoryOutbox is an outbox that the tests look into.
type memoryOutbox struct {
	mu     sync.Mutex
	rows   []verdict.Pending
	gone   int // of rows; their payload is nil
	newest int64
	err    error
}

func (o *memoryOutbox) commit(v *verdict.Verdict) int64 {
	stored := *v
	stored.Durable = true
	o.mu.Lock()
	defer o.mu.Unlock()
	o.newest++
	o.rows = append(o.rows, verdict.Pending{Key: o.newest, Station: v.Station, Payload: encode(&stored)})
	return o.newest
}

func (o *memoryOutbox) Backlog(_ context.Context, after int64, limit int) ([]verdict.Pending, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	var out []verdict.Pending
	at, _ := o.find(after + 1)
	for ; at < len(o.rows) && len(out) < limit; at++ {
		if o.rows[at].Payload != nil {
			out = append(out, o.rows[at])
		}
	}
	return out, o.err
}

func (o *memoryOutbox) find(key int64) (int, bool) {
	return slices.BinarySearchFunc(o.rows, key, func(p verdict.Pending, key int64) int { return cmp.Compare(p.Key, key) })
}

func (o *memoryOutbox) Delivered(_ context.Context, keys []int64) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err != nil {
		return o.err
	}
	for _, key := range keys {
		if at, ok := o.find(key); ok && o.rows[at].Payload != nil {
			o.rows[at].Payload = nil
			o.gone++
		}
	}
	return nil
}

func (o *memoryOutbox) Newest() int64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.newest
}

func (o *memoryOutbox) Last(context.Context, string) ([]byte, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.rows) == 0 {
		return nil, nil // not asked for once it is delivered
	}
	return o.rows[len(o.rows)-1].Payload, nil
}

func (o *memoryOutbox) Waiting() verdict.Waiting {
	return verdict.Waiting{Rows: int64(o.len())}
}

func (o *memoryOutbox) len() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.rows) - o.gone
}

func (o *memoryOutbox) fail(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.err = err
}

// plant is a handler that notes what it is asked.
type plant struct {
	mu       sync.Mutex
	triggers []Trigger
	commands []Command
	acks     []Ack
	answer   func(Command) Reply
}

func (h *plant) Trigger(_ string, t Trigger) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.triggers = append(h.triggers, t)
}

func (h *plant) Command(_ context.Context, _ string, c Command) Reply {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.commands = append(h.commands, c)
	if h.answer != nil {
		return h.answer(c)
	}
	return Reply{OK: true}
}

func (h *plant) Ack(_ string, a Ack) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.acks = append(h.acks, a)
}

func (h *plant) acked() []Ack {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]Ack(nil), h.acks...)
}

func (h *plant) heard() []Trigger {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]Trigger(nil), h.triggers...)
}

// box is a publisher at work.
type box struct {
	*Publisher
	outbox *memoryOutbox
	plant  *plant
	logged *lockedBuffer
	stop   func() // waits for Run
	cut    context.CancelFunc
}

var testBox = Identity{Site: "plant1", Box: "edge7", Version: "1.2.3"}

const prefix = "faird/plant1/edge7/"

func newBox(t testing.TB, c config.MQTT, withOutbox bool) *box {
	t.Helper()
	b := &box{plant: &plant{}, logged: &lockedBuffer{}}
	var outbox Outbox
	if withOutbox {
		b.outbox = &memoryOutbox{}
		outbox = b.outbox
	}
	p, err := New(c, testBox, outbox, b.plant, zerolog.New(b.logged))
	if err != nil {
		t.Fatal(err)
	}
	p.backoff = backoff{min: 20 * time.Millisecond, max: 100 * time.Millisecond}
	b.Publisher = p
	return b
}

func (b *box) run(t testing.TB) *box {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- b.Run(ctx) }()
	b.cut = cancel
	b.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("run: %v", err)
		}
	})
	t.Cleanup(func() { b.stop() })
	return b
}

func (b *box) connected(t testing.TB) *box {
	t.Helper()
	eventually(t, "connected to the broker", func() bool { return b.Status().Connected })
	return b
}

// decide commits and publishes, as a station does.
func (b *box) decide(v *verdict.Verdict) {
	var key int64
	if b.outbox != nil {
		key = b.outbox.commit(v)
	}
	b.Verdict(v, key)
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// plc subscribes to everything and notes it.
type plc struct {
	client mqtt.Client
	mu     sync.Mutex
	got    []message
}

type message struct {
	topic    string // below the prefix
	payload  string
	retained bool
	qos      byte
}

func newPLC(t testing.TB, url string, change ...func(*mqtt.ClientOptions)) *plc {
	t.Helper()
	c := newClient(t, url, change...)
	wait(t, c.client.Subscribe("faird/#", 1, nil))
	return c
}

// newClient subscribes to nothing.
func newClient(t testing.TB, url string, change ...func(*mqtt.ClientOptions)) *plc {
	t.Helper()
	c := &plc{}
	o := mqtt.NewClientOptions().AddBroker(url).SetClientID("plc-" + ulid.Make().String()).SetProtocolVersion(4).
		SetAutoReconnect(false).SetCleanSession(true)
	for _, f := range change {
		f(o)
	}
	o.SetDefaultPublishHandler(func(_ mqtt.Client, m mqtt.Message) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.got = append(c.got, message{strings.TrimPrefix(m.Topic(), prefix), string(m.Payload()), m.Retained(), m.Qos()})
	})
	c.client = mqtt.NewClient(o)
	wait(t, c.client.Connect())
	t.Cleanup(func() { c.client.Disconnect(50) })
	return c
}

func wait(t testing.TB, token mqtt.Token) {
	t.Helper()
	if !token.WaitTimeout(patience) {
		t.Fatal("no answer from the broker")
	}
	if err := token.Error(); err != nil {
		t.Fatal(err)
	}
}

func (c *plc) send(t testing.TB, topic, payload string, retained bool) {
	t.Helper()
	wait(t, c.client.Publish(prefix+topic, 1, retained, payload))
}

// on returns the messages of a topic so far.
func (c *plc) on(topic string) []message {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []message
	for _, m := range c.got {
		if m.topic == topic {
			out = append(out, m)
		}
	}
	return out
}

func (c *plc) verdicts(t testing.TB, station string) []verdict.Verdict {
	t.Helper()
	var out []verdict.Verdict
	for _, m := range c.on(station + "/verdict") {
		var v verdict.Verdict
		if err := json.Unmarshal([]byte(m.payload), &v); err != nil {
			t.Fatal(err)
		}
		out = append(out, v)
	}
	return out
}

// newest returns the last payload of a topic, decoded.
func newest[T any](t testing.TB, c *plc, topic string) (out T, ok bool) {
	t.Helper()
	all := c.on(topic)
	if len(all) == 0 {
		return out, false
	}
	return newestOf[T](t, all[len(all)-1])
}

func newestOf[T any](t testing.TB, m message) (out T, ok bool) {
	t.Helper()
	if m.payload == "" {
		return out, false
	}
	if err := json.Unmarshal([]byte(m.payload), &out); err != nil {
		t.Fatal(err)
	}
	return out, true
}

func newVerdict(station string, sequence uint64, kind verdict.Kind) *verdict.Verdict {
	v := &verdict.Verdict{
		Schema: verdict.SchemaV1, ID: ulid.Make().String(), Site: "plant1", Box: "edge7", Station: station,
		Sequence: sequence, Verdict: kind, Regions: []verdict.Region{},
		Time: verdict.Times{Decided: verdict.Time{Time: time.Now()}, Clock: verdict.Synchronised, Exposure: verdict.Measured},
	}
	if kind == verdict.NoRead {
		v.Reason = verdict.NoFrame
	} else {
		score := 0.1
		v.Score = &score
	}
	return v
}

func state(ready bool) StationState {
	s := StationState{Ready: ready, Provider: "cpu", Trigger: "mqtt"}
	if !ready {
		s.Why = "camera lost"
	}
	return s
}

var errDisk = errors.New("disk on strike")
