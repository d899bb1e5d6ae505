package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"maps"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"golang.org/x/sync/errgroup"

	"faird/config"
	"faird/fair"
	"faird/model"
	"faird/model/graph"
	"faird/store"
)

// The proof's length and its dice: make prove takes the long way.
var (
	proofVerdicts = flag.Int("verdicts", 300, "TestDelivery: how many verdicts to produce at least")
	proofSeed     = flag.Uint64("seed", 0, "TestDelivery: seed of the faults; 0 takes one and prints it")
)

const (
	proofStations = 3
	proofRate     = 100 // pictures a second and station
	proofLimit    = 100 * time.Minute
)

// TestDelivery is the proof that no decided verdict is lost: faird makes verdicts
// while the broker dies, the network is cut and hangs, faird is killed and the
// disk refuses, all at random and at once; then a subscriber must have what the
// history holds. See docs/delivery.md.
func TestDelivery(t *testing.T) {
	seed := *proofSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("replay the dice with: go test ./cmd/faird -run TestDelivery$ -v -verdicts %d -seed %d", *proofVerdicts, seed)
	p := newProof(t, seed, *proofVerdicts, (*proof).config)
	began := time.Now()
	p.produce()
	p.drain()
	p.compare(time.Since(began))
}

// proof is the parts of one run.
type proof struct {
	t       *testing.T
	seed    uint64
	least   int                                // verdicts to be decided
	text    func(p *proof, mode string) string // of the config; mode mqtt makes no verdicts but a PLC's
	broker  *keeper
	proxy   *proxy
	witness *witness
	faird   *service
	store   string
	volume  *volume // nil: nothing can be mounted
	conf    string
	model   string
	page    string        // host:port of faird's
	asked   int           // triggers so far
	asks    time.Duration // least time between two triggers; twice that at most
	mu      sync.Mutex
	faults  []mended
	refused atomic.Int64 // until when (UnixNano) a refusing disk may have ended faird
	starts  int
	strikes int
	resent  map[string]bool // trigger ids that were sent again
}

func newProof(t *testing.T, seed uint64, least int, text func(*proof, string) string) *proof {
	t.Helper()
	p := &proof{
		t: t, seed: seed, least: least, text: text, resent: map[string]bool{}, broker: newKeeper(t), model: tinyModel(t, 0.5),
		page: net.JoinHostPort("127.0.0.1", strconv.Itoa(freePort(t))), asks: 40 * time.Millisecond,
	}
	p.store = filepath.Join(t.TempDir(), "data")
	if p.volume = newVolume(t); p.volume != nil {
		p.store = filepath.Join(p.volume.path, "data")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := p.broker.start(ctx); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.broker.end(syscall.SIGKILL) })
	p.proxy = newProxy(t, p.broker.addr)
	p.witness = newWitness(p.broker.addr)
	t.Cleanup(p.witness.end)
	until(t, 20*time.Second, "the broker keeps the subscriber's session", func() bool {
		info, err := os.Stat(filepath.Join(filepath.Dir(p.broker.conf), "mosquitto.db"))
		return err == nil && info.Size() > 0 && p.witness.connected.Load()
	})
	time.Sleep(1500 * time.Millisecond) // one autosave more, now with the subscription
	p.conf = write(t, t.TempDir(), "faird.yaml", p.text(p, "free"))
	p.serve()
	return p
}

// serve starts faird, as systemd would.
func (p *proof) serve() {
	env := slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "FAIRD_BINARY=") }) // no key of the config
	p.faird = &service{
		args: []string{fairdBinary(p.t), "run", "--config", p.conf}, dir: p.t.TempDir(),
		env:    append(append(env, unitEnvironment(p.t)...), asFaird+"=1", "FAIRD_INFER_LIBRARY="+library(p.t), "FAIRD_WEB_LISTEN="+p.page),
		excuse: func() bool { return time.Now().UnixNano() < p.refused.Load() },
	}
	p.faird.run()
	p.t.Cleanup(func() { _ = p.faird.stop(10 * time.Second) })
}

// unitEnvironment is what the unit gives the daemon.
func unitEnvironment(t *testing.T) (env []string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "systemd", "faird.service"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), "Environment="); ok {
			env = append(env, value)
		}
	}
	if len(env) == 0 {
		t.Fatal("the unit sets no variable: is it read right?")
	}
	return env
}

// fairdBinary is the test's own, which is faird too, or another that is to be proved.
func fairdBinary(t *testing.T) string {
	t.Helper()
	if path := os.Getenv("FAIRD_BINARY"); path != "" {
		return path
	}
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// config has stations that judge as fast as pictures come, or not at all, and
// one that the PLC triggers.
func (p *proof) config(mode string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "site: plant1\nbox: edge7\nlog: {level: error}\ninfer: {library: %s, provider: cpu, threads: 1}\n"+
		"mqtt: {broker: %q, timeout: 2s, keep_alive: 2s}\nstore: {path: %s}\nstations:\n", library(p.t), p.proxy.url(), p.store)
	station := "  - {name: %s, model: %s, threshold: 0.3, review: 0.15, camera: {url: 'file://%s?loop=true&rate=%d'}, trigger: {mode: %s, deadline: 2s}}\n"
	pictures := smallPictures(p.t)
	for i := range proofStations {
		fmt.Fprintf(&b, station, fmt.Sprint("s", i), p.model, pictures, proofRate, mode)
	}
	fmt.Fprintf(&b, station, "plc", p.model, pictures, proofRate, "mqtt")
	return b.String()
}

// produce has faults until there are verdicts enough, and each kind of fault was
// there, then everything mended.
func (p *proof) produce() {
	ctx, cancel := context.WithTimeout(p.t.Context(), proofLimit)
	defer cancel()
	work, enough := context.WithCancel(ctx)
	defer enough()
	lanes := []*lane{
		{faults: []fault{p.brokerDies, p.brokerStops, p.isCut, p.isStalled(false), p.isStalled(true), p.isMute}, pause: 2 * time.Second},
		{faults: []fault{p.fairdDies}, pause: 6 * time.Second},
		{faults: []fault{p.writesFail, p.diskFull}, pause: 8 * time.Second},
	}
	var running errgroup.Group
	for i := range lanes {
		lanes[i].dice = rand.New(rand.NewPCG(p.seed, uint64(i)))
		running.Go(func() error { return lanes[i].run(work, p.count) })
	}
	running.Go(func() error { return p.trigger(work) })
	for said := time.Now(); (p.witness.heard() < p.least || !dealt(lanes)) && ctx.Err() == nil; time.Sleep(50 * time.Millisecond) {
		if time.Since(said) > 10*time.Second {
			said = time.Now()
			p.t.Logf("%d verdicts so far", p.witness.heard())
		}
	}
	enough()
	if err := running.Wait(); err != nil {
		p.t.Error(err)
	}
	if ctx.Err() != nil {
		p.t.Errorf("%d of %d verdicts within %s", p.witness.heard(), p.least, proofLimit)
	}
}

// mended is a fault, when it was over.
type mended struct {
	what string
	at   time.Time
}

func (p *proof) count(what string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults = append(p.faults, mended{what, time.Now()})
}

// tell says how often each fault was there, and when, where something went wrong.
func (p *proof) tell() {
	times := map[string]int{}
	for _, f := range p.faults {
		times[f.what]++
		if p.t.Failed() {
			p.t.Logf("%s mended: %s", f.at.UTC().Format("15:04:05.000"), f.what)
		}
	}
	for _, what := range slices.Sorted(maps.Keys(times)) {
		p.t.Logf("%3d x %s", times[what], what)
	}
}

// trigger plays a PLC that numbers its triggers and sends some of them again.
func (p *proof) trigger(ctx context.Context) error {
	o := mqtt.NewClientOptions().AddBroker("tcp://" + p.broker.addr).SetClientID("plc").SetCleanSession(true).
		SetConnectRetry(true).SetConnectRetryInterval(100 * time.Millisecond).SetMaxReconnectInterval(300 * time.Millisecond)
	plc := mqtt.NewClient(o)
	plc.Connect()
	defer plc.Disconnect(50)
	dice := rand.New(rand.NewPCG(p.seed+uint64(p.asked), 99))
	for nap(ctx, dice, p.asks, 2*p.asks) {
		if !plc.IsConnectionOpen() {
			continue
		}
		p.asked++
		id := p.asked
		if dice.IntN(5) == 0 {
			id = max(1, id-dice.IntN(100))
			p.resent[fmt.Sprint("t-", id)] = true
		}
		plc.Publish("faird/plant1/edge7/plc/trigger", 1, false, fmt.Sprintf(`{"id":"t-%d"}`, id))
	}
	return nil
}

// drain ends production, and waits until nothing is left in the outbox and the
// subscriber has what the broker had.
func (p *proof) drain() {
	if err := p.faird.stop(20 * time.Second); err != nil {
		p.t.Error(err)
	}
	p.reportOdd()
	write(p.t, filepath.Dir(p.conf), "faird.yaml", p.text(p, "mqtt"))
	began := time.Now()
	p.serve()
	until(p.t, 5*time.Minute, "the outbox is empty", func() bool {
		var s struct {
			Time   time.Time `json:"time"`
			Outbox *struct {
				Rows int `json:"rows"`
			} `json:"outbox"`
		}
		err := json.Unmarshal(p.witness.retained("faird/plant1/edge7/state"), &s)
		return err == nil && s.Time.After(began) && s.Outbox != nil && s.Outbox.Rows == 0
	})
	if err := p.faird.stop(20 * time.Second); err != nil {
		p.t.Error(err)
	}
	p.reportOdd()
}

// reportOdd has faird's own deaths fail the proof, but for those that a
// refusing disk excuses: a start on it ends with an error and is tried again.
func (p *proof) reportOdd() {
	p.starts += p.faird.starts
	p.strikes += p.faird.strikes()
	for _, end := range p.faird.odd {
		p.t.Errorf("faird ended by itself: %s", end)
	}
}

func (p *proof) compare(took time.Duration) {
	l, err := readLedger(p.store)
	if err != nil {
		p.t.Fatal(err)
	}
	deadline := time.Now().Add(30 * time.Second)
	for missing := true; missing && time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		missing = false
		p.witness.mu.Lock()
		for id := range l.keys {
			missing = missing || !p.witness.ids[id]
		}
		p.witness.mu.Unlock()
	}
	p.witness.mu.Lock()
	defer p.witness.mu.Unlock()
	l.resent = p.resent
	c := l.judge(p.witness.came)
	for _, problem := range c.problems {
		p.t.Error(problem)
	}
	for station, want := range l.last {
		if got := p.witness.kept["faird/plant1/edge7/"+station+"/last"]; string(got) != string(want) {
			p.t.Errorf("last of %s is\n%s\nthe newest decided is\n%s", station, got, want)
		}
	}
	r, err := store.Verify(context.Background(), config.Store{Path: p.store}, store.VerifyOptions{})
	if err != nil || !r.OK() || r.Pruned > 0 {
		p.t.Errorf("the chain: %+v, %v", r, err)
	}
	p.t.Logf("%d decided in %s with %d starts: %d came live, %d late, %d came again; the disk refused %d times, and %d came undecided, marked durable: false; kinds %v",
		len(l.keys), took.Round(time.Second), p.starts, c.live, c.late, c.again, p.strikes, c.undecided, l.kinds)
	if p.strikes == 0 {
		p.t.Error("the disk never refused")
	}
	if len(l.keys) < p.least {
		p.t.Errorf("only %d verdicts were decided", len(l.keys))
	}
	p.tell()
}

// tinyModel writes a model that restores every picture to one grey, which costs next to nothing.
func tinyModel(t *testing.T, value float32, golden ...model.GoldenSample) string {
	t.Helper()
	const side = 32
	grey := make([]float32, 3*side*side)
	for i := range grey {
		grey[i] = value
	}
	g := graph.New("grey")
	nothing := g.Mul(g.Input("highpass", graph.Free, 1, side, side), g.Scalar(0))
	g.Output("restored", g.Add(g.Concat(1, nothing, nothing, nothing), g.Const(grey, 1, 3, side, side)))
	onnx, err := g.Build()
	if err != nil {
		t.Fatal(err)
	}
	f, err := model.New(onnx, model.Spec{Filter: fair.DefaultFilter(), Scoring: fair.Scoring{K: 3e-4, Smooth: 3, Scales: 2}, Golden: golden})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "tiny.onnx")
	if err := model.Write(path, f); err != nil {
		t.Fatal(err)
	}
	return path
}

// smallPictures writes grey squares with a spot that grows from picture to picture brighter.
func smallPictures(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for n := range 8 {
		m := image.NewGray(image.Rect(0, 0, 32, 32))
		for i := range m.Pix {
			m.Pix[i] = 128
		}
		for i := range 36 {
			m.SetGray(12+i%6, 12+i/6, color.Gray{Y: uint8(128 + 2*n*n)})
		}
		f, err := os.Create(filepath.Join(dir, fmt.Sprintf("%d.png", n)))
		if err == nil {
			err = errors.Join(png.Encode(f, m), f.Close())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
