package sparkplug

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/rs/zerolog"

	"faird/config"
	"faird/publish"
	"faird/publish/mosquitto"
	"faird/verdict"
)

// memoryFeed is a feed that the tests look into.
type memoryFeed struct {
	mu     sync.Mutex
	rows   []verdict.Pending
	newest int64
	err    error
	last   map[string][]byte
}

func (f *memoryFeed) commit(v *verdict.Verdict) int64 {
	stored := *v
	stored.Durable = true
	payload, err := json.Marshal(&stored)
	if err != nil {
		panic(err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.newest++
	f.rows = append(f.rows, verdict.Pending{Key: f.newest, Station: v.Station, Payload: payload})
	return f.newest
}

func (f *memoryFeed) Backlog(_ context.Context, after int64, limit int) ([]verdict.Pending, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	at, _ := slices.BinarySearchFunc(f.rows, after+1, func(p verdict.Pending, key int64) int { return cmp.Compare(p.Key, key) })
	return slices.Clone(f.rows[at:min(len(f.rows), at+limit)]), f.err
}

func (f *memoryFeed) Delivered(_ context.Context, keys []int64) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil {
		return f.err
	}
	gone := map[int64]bool{}
	for _, key := range keys {
		gone[key] = true
	}
	f.rows = slices.DeleteFunc(f.rows, func(p verdict.Pending) bool { return gone[p.Key] })
	return nil
}

func (f *memoryFeed) Newest() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.newest
}

func (f *memoryFeed) Last(_ context.Context, station string) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.last[station], f.err
}

func (f *memoryFeed) Waiting() verdict.Waiting { return verdict.Waiting{Rows: int64(f.len())} }

func (f *memoryFeed) len() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.rows)
}

func (f *memoryFeed) refuse(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
}

var errDisk = errors.New("disk on strike")

// wire is a Broker for tests of the protocol alone: commands end in it.
type wire struct {
	url string

	mu    sync.Mutex
	asked []string
	done  []publish.Command
}

func (w *wire) Access(suffix string) (publish.Access, error) {
	return publish.Access{
		Section: "mqtt", Broker: w.url, ClientID: "faird" + suffix, Timeout: 5 * time.Second, KeepAlive: 30 * time.Second,
	}, nil
}

func (w *wire) Sender(string, []byte) string { return "" }

func (w *wire) Ask(station string, payload []byte, _ string, answer func(publish.Reply)) {
	w.mu.Lock()
	w.asked = append(w.asked, station+": "+string(payload))
	w.mu.Unlock()
	answer(publish.Reply{Schema: publish.ReplyV1, Station: station, OK: true})
}

func (w *wire) Do(station string, c publish.Command, answer func(publish.Reply)) {
	w.mu.Lock()
	w.done = append(w.done, c)
	w.mu.Unlock()
	answer(publish.Reply{Schema: publish.ReplyV1, Station: station, Command: c.Command, OK: true})
}

func (w *wire) obeyed() []publish.Command {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.done)
}

// rig is a node at work on a real broker.
type rig struct {
	*Node
	t    testing.TB
	mq   *mosquitto.Broker
	tap  *tap
	feed *memoryFeed
	wire *wire
	host *scada
	stop func()
}

var testBox = publish.Identity{Site: "plant1", Box: "edge7", Version: "1.2.3"}

// newRig makes one that does not run yet, with the stations cap and lid.
func newRig(t testing.TB, c config.Sparkplug) *rig {
	t.Helper()
	r := &rig{t: t, mq: mosquitto.New(t), feed: &memoryFeed{last: map[string][]byte{}}}
	r.tap = newTap(t, r.mq.Addr)
	r.wire = &wire{url: r.tap.url()}
	r.host = newScada(t, "tcp://"+r.mq.Addr, "scada")
	r.renew(c)
	return r
}

// renew makes another node on the same feed, as a restart does.
func (r *rig) renew(c config.Sparkplug) {
	r.t.Helper()
	n, err := New(c, testBox, r.feed, r.wire, zerolog.Nop())
	if err != nil {
		r.t.Fatal(err)
	}
	n.backoff = backoff{min: 20 * time.Millisecond, max: 100 * time.Millisecond}
	r.Node = n
	n.SetStations([]string{"cap", "lid"})
	n.SetStation("cap", state(true))
	n.SetStation("lid", state(true))
}

func (r *rig) run() *rig {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	n := r.Node
	go func() { ended <- n.Run(ctx) }()
	r.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			r.t.Errorf("run: %v", err)
		}
	})
	r.t.Cleanup(r.stop)
	return r
}

// up runs a node and waits until the host sees all of it.
func up(t testing.TB, c config.Sparkplug) *rig {
	t.Helper()
	r := newRig(t, c).run()
	r.alive()
	return r
}

func (r *rig) alive() {
	r.t.Helper()
	eventually(r.t, "the host sees the node and its devices", func() bool {
		return r.host.online("") && r.host.online("cap") && r.host.online("lid")
	})
}

// decide commits and publishes, as a station does, and returns the id.
func (r *rig) decide(station string, kind verdict.Kind) string {
	v := newVerdict(station, uint64(r.feed.Newest()+1), kind)
	r.Verdict(v, r.feed.commit(v))
	return v.ID
}

// delivered waits until nothing waits in the feed.
func (r *rig) delivered() {
	r.t.Helper()
	eventually(r.t, "the feed is empty", func() bool { return r.feed.len() == 0 })
}

func newVerdict(station string, sequence uint64, kind verdict.Kind) *verdict.Verdict {
	limit := 0.14
	v := &verdict.Verdict{
		Schema: verdict.SchemaV1, ID: ulid.Make().String(), Site: "plant1", Box: "edge7", Station: station,
		Sequence: sequence, Verdict: kind, Regions: []verdict.Region{}, Threshold: &limit, Model: "sha256:m",
		Time: verdict.Times{Decided: verdict.Time{Time: time.Now()}, Clock: verdict.Synchronised, Exposure: verdict.Measured},
	}
	if kind == verdict.NoRead {
		v.Reason = verdict.NoFrame
	} else {
		score := 0.1
		v.Score = &score
		v.Time.Captured = verdict.Time{Time: time.Now()}
	}
	return v
}

func state(ready bool) publish.StationState {
	limit := 0.14
	s := publish.StationState{
		Ready: ready, Provider: "cpu", Trigger: "mqtt", Model: "sha256:m", Threshold: &limit, ThresholdFrom: "model",
		Camera: publish.CameraState{Connected: ready},
	}
	if !ready {
		s.Why = "camera lost"
	}
	return s
}

// waiting is how many live verdicts are not sent yet.
func (r *rig) waiting() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.queue.live)
}
