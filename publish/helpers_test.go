package publish

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
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

// mosquitto is the real broker on a free loopback port.
type mosquitto struct {
	t    testing.TB
	dir  string
	addr string
	conf string
	cmd  *exec.Cmd
}

// newMosquitto starts it with extra lines of configuration; {addr} is replaced
// in none of them, the listener is the helper's.
func newMosquitto(t testing.TB, lines ...string) *mosquitto {
	t.Helper()
	m := &mosquitto{t: t, dir: t.TempDir(), addr: freeAddr(t)}
	if len(lines) == 0 {
		lines = []string{"allow_anonymous true"}
	}
	_, port, _ := net.SplitHostPort(m.addr)
	m.conf = filepath.Join(m.dir, "mosquitto.conf")
	text := fmt.Sprintf("listener %s 127.0.0.1\npersistence false\nmax_queued_messages 0\nmax_inflight_messages 0\nset_tcp_nodelay true\n%s\n", port, strings.Join(lines, "\n"))
	if err := os.WriteFile(m.conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	m.start()
	t.Cleanup(m.kill)
	return m
}

func freeAddr(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func (m *mosquitto) start() {
	m.t.Helper()
	path, err := exec.LookPath("mosquitto")
	if err != nil {
		if path = "/usr/sbin/mosquitto"; !exists(path) {
			m.t.Fatal("mosquitto is not installed: apt-get install mosquitto, or make test")
		}
	}
	if os.Getuid() == 0 { // mosquitto would change to a user who cannot read the test's folder
		appendLine(m.t, m.conf, "user root")
	}
	m.cmd = exec.Command(path, "-c", m.conf)
	var out lockedBuffer
	m.cmd.Stderr = &out
	if err := m.cmd.Start(); err != nil {
		m.t.Fatal(err)
	}
	for end := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		if c, err := net.Dial("tcp", m.addr); err == nil {
			c.Close()
			return
		}
		if time.Now().After(end) {
			m.t.Fatalf("mosquitto does not listen: %s", out.String())
		}
	}
}

func exists(path string) bool { _, err := os.Stat(path); return err == nil }

func appendLine(t testing.TB, path, line string) {
	content, err := os.ReadFile(path)
	if err != nil || strings.Contains(string(content), line) {
		return
	}
	if err := os.WriteFile(path, append(content, line+"\n"...), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (m *mosquitto) kill() {
	if m.cmd != nil {
		m.cmd.Process.Kill() //nolint:errcheck // it may have ended
		m.cmd.Wait()         //nolint:errcheck // killed
		m.cmd = nil
	}
}

func (m *mosquitto) url() string { return "tcp://" + m.addr }

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
	wait(t, c.client.Subscribe("faird/#", 1, nil))
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
	if len(all) == 0 || all[len(all)-1].payload == "" {
		return out, false
	}
	if err := json.Unmarshal([]byte(all[len(all)-1].payload), &out); err != nil {
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
