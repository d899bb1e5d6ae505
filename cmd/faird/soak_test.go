package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"faird/model"
	"faird/verdict"
)

// The soak's length: make soak takes the long way.
var (
	soakFor    = flag.Duration("soak", 6*time.Second, "TestSoak: how long faults go on at least; each is there at least once")
	soakFaults = flag.String("faults", soakAll, "TestSoak: which lanes of faults there are, separated by commas")
)

const (
	soakStations = 2
	soakRate     = 5                // pictures a second and station
	soakRound    = 30 * time.Second // of faults, before all is mended and looked at
	soakMost     = 30 * time.Minute // that a slow machine may take for what is there at least
	soakCalm     = 10 * time.Minute // at most, that a slow machine may take until all is as it should be again
)

// TestSoak is the proof that a box that runs for years does not wear out: one
// process of faird loses cameras, brokers, disk and time, is given other configs
// and models, all at random and at once. Again and again all is mended: then
// every station must be ready again, and goroutines, threads, open files and
// memory are counted. In the end nothing may have grown, and a subscriber must
// have what the history holds, as in TestDelivery. See docs/reliability.md.
func TestSoak(t *testing.T) {
	seed := *proofSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("replay the dice with: make soak DURATION=%s SEED=%d", *soakFor, seed)
	s := newSoak(t, seed)
	began := time.Now()
	s.endure(*soakFor)
	s.drain()
	s.compare(time.Since(began))
	s.judge(began)
}

// soak is a proof whose faird is never killed.
type soak struct {
	*proof
	camera   *lineCamera
	clock    *wallClock // nil: cannot be set
	pid      int
	pictures string
	other    string // models: as good as the first one,
	wrong    string // and one that does not give its own scores
	orders   int
	looks    []held
}

func newSoak(t *testing.T, seed uint64) *soak {
	t.Helper()
	s := &soak{pictures: smallPictures(t), other: tinyModel(t, 0.51)}
	s.camera = newLineCamera(t, s.pictures, time.Second/soakRate)
	sample, err := os.ReadFile(filepath.Join(s.pictures, "0.png"))
	if err != nil {
		t.Fatal(err)
	}
	s.wrong = tinyModel(t, 0.3, model.GoldenSample{PNG: sample, Score: 5, Tolerance: map[string]float64{model.Float32: 1e-3}})
	s.proof = newProof(t, seed, 50, func(p *proof, _ string) string { return s.calm(p) })
	s.asks = 200 * time.Millisecond
	shelf := filepath.Join(s.store, "models")
	s.settle(time.Now().Add(-time.Hour))
	if err := os.MkdirAll(shelf, 0o700); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(s.other)
	if err == nil {
		err = os.WriteFile(filepath.Join(shelf, "other.onnx"), data, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	s.faird.mu.Lock()
	s.pid = s.faird.cmd.Process.Pid
	s.faird.mu.Unlock()
	s.clock = newWallClock(t, s.pid)
	return s
}

// calm is the config of a box at rest: a PLC alone would have verdicts.
func (s *soak) calm(p *proof) string {
	stations := map[string]string{"extra": s.files("mqtt"), "net": s.net("mqtt"), "plc": s.files("mqtt")}
	for i := range soakStations {
		stations[fmt.Sprint("s", i)] = s.files("mqtt")
	}
	return s.file(p, stations)
}

// work is the config of a box whose cameras all give pictures to judge.
func (s *soak) work(dice *rand.Rand) string {
	change := func(text string) string {
		if dice.IntN(3) == 0 {
			text += ", shadow: other"
		}
		return text + fmt.Sprintf(", threshold: %g", 0.2+0.1*float64(dice.IntN(4)))
	}
	modes := []string{"free", "interval, interval: 200ms"}
	stations := map[string]string{"net": change(s.net("free")), "plc": s.files("mqtt")} // to start plc anew would forget its triggers
	for i := range soakStations {
		stations[fmt.Sprint("s", i)] = change(s.files(modes[dice.IntN(len(modes))]))
	}
	if dice.IntN(2) == 0 {
		stations["extra"] = s.files("free")
	}
	return s.file(s.proof, stations)
}

func (s *soak) files(mode string) string {
	return fmt.Sprintf("camera: {url: 'file://%s?loop=true&rate=%d'}, trigger: {mode: %s}", s.pictures, soakRate, mode)
}

func (s *soak) net(mode string) string {
	return fmt.Sprintf("camera: {url: '%s', open_timeout: 2s, read_timeout: 1s}, trigger: {mode: %s}", s.camera.url(), mode)
}

func (s *soak) file(p *proof, stations map[string]string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "site: plant1\nbox: edge7\nlog: {level: error}\ninfer: {library: %s, provider: cpu, threads: 1}\n"+
		"mqtt: {broker: %q, timeout: 2s, keep_alive: 2s, commands: true}\nstore: {path: %s}\n"+
		"archive: {max_bytes: 8MB, min_free: 1MB, sample: 0.05}\nstations:\n", library(p.t), p.proxy.url(), p.store)
	for name, text := range stations {
		if !strings.Contains(text, "threshold: ") {
			text += ", threshold: 0.3"
		}
		fmt.Fprintf(&b, "  - {name: %s, model: %s, review: 0.15, %s}\n", name, p.model, text)
	}
	return b.String()
}

// endure has faults and rests in turn.
func (s *soak) endure(whole time.Duration) {
	lanes := s.lanes(*soakFaults)
	began := time.Now()
	for time.Since(began) < whole || !dealt(lanes) || len(s.looks) < 2 {
		if time.Since(began) > whole+soakMost {
			s.t.Fatalf("not every fault was there within %s", whole+soakMost)
		}
		s.round(lanes, min(soakRound, whole))
		s.rest()
		s.t.Logf("%s: %d verdicts so far, %+v", time.Since(began).Round(time.Second), s.witness.heard(), s.looks[len(s.looks)-1])
	}
}

// round has faults of every lane for a while.
func (s *soak) round(lanes []*lane, long time.Duration) {
	ctx, cancel := context.WithTimeout(s.t.Context(), long)
	defer cancel()
	if err := s.put(s.work(lanes[0].dice), true); err != nil {
		s.t.Fatal(err)
	}
	var running errgroup.Group
	for _, l := range lanes {
		running.Go(func() error { return l.run(ctx, s.count) })
	}
	running.Go(func() error { return s.trigger(ctx) })
	if err := running.Wait(); err != nil {
		time.Sleep(time.Second) // for the end of a daemon that died to be noted
		s.t.Fatal(err, s.died())
	}
}

// died is how the daemon ended unasked, if it did.
func (s *soak) died() string {
	s.faird.mu.Lock()
	defer s.faird.mu.Unlock()
	return strings.Join(s.faird.odd, "\n")
}

// rest mends the clock, the last thing that is wrong; waits until every station
// is as it should be; and counts what faird holds.
func (s *soak) rest() {
	if s.clock != nil {
		if err := s.clock.set(0); err != nil {
			s.t.Fatal(err)
		}
	}
	if err := s.put(s.calm(s.proof), true); err != nil {
		s.t.Fatal(err)
	}
	s.settle(time.Now())
	var h held
	for i := range 5 {
		now, err := holds(s.pid, s.page)
		if err != nil {
			s.t.Fatal(err)
		}
		if i == 0 {
			h = now
		}
		h = h.least(now)
		time.Sleep(100 * time.Millisecond)
	}
	s.looks = append(s.looks, h)
}

// settle waits until every station is as it should be, and has said so since a time.
func (s *soak) settle(since time.Time) {
	began, why := time.Now(), "not looked at"
	for why != "" {
		if died := s.died(); died != "" || time.Since(began) > soakCalm {
			s.t.Fatalf("nothing has been wrong for %s, and %s %s", time.Since(began), why, died)
		}
		time.Sleep(50 * time.Millisecond)
		why = s.rested(since)
	}
}

// rested says what is not yet as it should be since a time, by the states that
// the subscriber has.
func (s *soak) rested(since time.Time) string {
	f, err := model.Read(s.model)
	if err != nil {
		return err.Error()
	}
	var box struct {
		State    string              `json:"state"`
		Time     time.Time           `json:"time"`
		Stations map[string]struct{} `json:"stations"`
		Outbox   struct {
			Rows int `json:"rows"`
		} `json:"outbox"`
	}
	_ = json.Unmarshal(s.witness.retained("faird/plant1/edge7/state"), &box)
	switch {
	case box.State != "online" || box.Time.Before(since) || box.Time.After(time.Now().Add(time.Second)):
		return fmt.Sprintf("the box is %q since %s", box.State, box.Time)
	case box.Outbox.Rows > 0:
		return fmt.Sprintf("%d verdicts wait", box.Outbox.Rows)
	case len(box.Stations) != soakStations+3:
		return fmt.Sprintf("it has %d stations", len(box.Stations))
	}
	for name := range box.Stations {
		var station struct {
			Ready   bool   `json:"ready"`
			Why     string `json:"why"`
			Trigger string `json:"trigger"`
			Model   string `json:"model"`
		}
		_ = json.Unmarshal(s.witness.retained("faird/plant1/edge7/"+name+"/state"), &station)
		if !station.Ready || station.Trigger != "mqtt" || station.Model != f.Hash {
			return fmt.Sprintf("station %s is %+v, want it with model %s", name, station, f.Hash)
		}
	}
	return ""
}

// judge looks at what a proof does not.
func (s *soak) judge(began time.Time) {
	early, late, problems := growth(s.looks)
	s.t.Logf("at first %+v, at the end %+v, at rest %d times", early, late, len(s.looks))
	for _, problem := range problems {
		s.t.Error(problem)
	}
	if s.starts != 2 {
		s.t.Errorf("faird was started %d times, want once for the soak and once to empty the outbox", s.starts)
	}
	good := map[string]int{}
	for _, path := range []string{s.model, s.other} {
		f, err := model.Read(path)
		if err != nil {
			s.t.Fatal(err)
		}
		good[f.Hash] = 0
	}
	l, err := readLedger(s.store)
	if err != nil {
		s.t.Fatal(err)
	}
	jumped := 0
	for _, payload := range l.payloads {
		var v verdict.Verdict
		if err := json.Unmarshal(payload, &v); err != nil {
			s.t.Fatal(err)
		}
		if _, ok := good[v.Model]; !ok {
			s.t.Errorf("station %s has a verdict by model %q", v.Station, v.Model)
		}
		good[v.Model]++
		if at := v.Time.Decided.Time; at.Before(began.Add(-12*time.Hour)) || at.After(began.Add(300*day)) {
			jumped++
		}
	}
	s.t.Logf("verdicts by model: %v; %d in another time", good, jumped)
	if s.clock != nil && strings.Contains(*soakFaults, "clock") && jumped == 0 {
		s.t.Error("the clock was set, and faird did not see it")
	}
}
