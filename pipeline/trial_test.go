package pipeline

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"faird/config"
	"faird/model/trust"
	"faird/pipeline/shelf"
	"faird/publish"
	"faird/store"
	"faird/verdict"
)

// trialBox is a box with a real store, models m (in the config) and b and c (on
// the shelf), and pictures that m passes and b fails.
type trialBox struct {
	*Box
	t       *testing.T
	out     *fakeOutlet
	store   *store.Store
	folder  string
	station config.Station
	hash    map[string]string // by name, "" the config's
	trust   trust.Keys
}

func newTrialBox(t *testing.T, mode string) *trialBox {
	t.Helper()
	w := &trialBox{t: t, folder: t.TempDir(), hash: map[string]string{}}
	for name, threshold := range map[string]float64{"m": 10, "b": 1e-9, "c": 20} {
		path := filepath.Join(w.folder, shelf.Folder, name+".onnx")
		if name == "m" {
			path = filepath.Join(w.folder, "m.onnx")
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		f, err := ReadModel(writeModel(t, path, 0.5, threshold))
		if err != nil {
			t.Fatal(err)
		}
		w.hash[strings.TrimPrefix(name, "m")] = f.Hash
	}
	w.station = station("cap", filepath.Join(w.folder, "m.onnx"), pictures(t, 3))
	w.station.Trigger.Mode, w.station.Trigger.Deadline = mode, time.Minute
	w.station.Camera.OpenTimeout, w.station.Camera.ReadTimeout = time.Minute, time.Minute
	w.start()
	t.Cleanup(w.stop)
	return w
}

// start is the box as it is after a restart.
func (w *trialBox) start() {
	w.t.Helper()
	var err error
	if w.store, err = store.Open(config.Store{Path: w.folder}, zerolog.Nop()); err != nil {
		w.t.Fatal(err)
	}
	w.out = &fakeOutlet{verdicts: make(chan *verdict.Verdict, 10000), repeats: make(chan *verdict.Verdict, 10)}
	w.Box = NewBox(Deps{
		Site: "plant1", Box: "edge7", Folder: w.folder, Log: zerolog.Nop(), Ledger: w.store, Choices: w.store,
		Clock: func() verdict.Clock { return verdict.ClockUnknown }, Trust: w.trust,
	}, config.Infer{Provider: "cpu", Threads: 1}, kept{w.store})
	w.Connect(w.out)
	mustApply(w.t, w.Box, w.station)
}

func (w *trialBox) stop() {
	stopBox(w.t, w.Box)
	_ = w.store.Close()
	if n := w.Box.models.cache.Len() + w.Box.shadows.cache.Len(); n != 0 {
		w.t.Errorf("%d models are still open", n)
	}
}

func (w *trialBox) restart() {
	w.t.Helper()
	w.stop()
	w.start()
}

func (w *trialBox) trial() Trial {
	w.t.Helper()
	tr, err := w.Trial("cap")
	if err != nil {
		w.t.Fatal(err)
	}
	return tr
}

// must fails the test where a change is refused.
func (w *trialBox) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *trialBox) promote(name string) {
	w.t.Helper()
	w.must(w.SetShadow(w.t.Context(), "cap", name, "anna"))
	w.must(w.Promote(w.t.Context(), "cap", w.hash[name], "anna"))
}

// kept keeps thresholds in the store, as the daemon does.
type kept struct{ *store.Store }

func (k kept) Override(ctx context.Context, s string) (*Thresholds, error) {
	o, err := k.Store.Override(ctx, s)
	if err != nil || o == nil {
		return nil, err
	}
	return &Thresholds{Threshold: o.Threshold, Review: o.Review, Origin: "override"}, nil
}

func (k kept) SetOverride(ctx context.Context, s string, t Thresholds, who string) error {
	return k.Store.SetOverride(ctx, s, store.Override{Threshold: t.Threshold, Review: t.Review, Who: who, At: time.Now()})
}

func TestShadowIsComparedAndPromotedAndUndone(t *testing.T) {
	w := newTrialBox(t, "free")
	w.must(w.SetShadow(t.Context(), "cap", "b", "anna"))
	pair := store.Pair{Station: "cap", Model: w.hash["b"], Against: w.hash[""]}
	waitFor(t, "comparisons", func() bool {
		a, err := w.store.Agreement(t.Context(), pair, 100)
		return err == nil && a.Count[verdict.Pass][verdict.Fail] > 0 && len(a.Count) == 1
	})
	if tr := w.trial(); tr.Name != "" || tr.Model != w.hash[""] || tr.Choice != nil || tr.Shadow == nil || tr.Shadow.Name != "b" || tr.Shadow.Model != w.hash["b"] || tr.Shadow.Limits.Threshold != 1e-9 {
		t.Errorf("in shadow: %+v", tr)
	}
	w.restart() // the shadow outlives it
	if tr := w.trial(); tr.Shadow == nil || tr.Shadow.Model != w.hash["b"] {
		t.Fatalf("after a restart: %+v", tr)
	}
	if err := w.Promote(t.Context(), "cap", w.hash["c"], "anna"); !errors.Is(err, ErrChanged) {
		t.Errorf("another one than is in shadow was promoted: %v", err)
	}
	w.must(w.Promote(t.Context(), "cap", w.hash["b"], "anna"))
	w.settled("b", 1e-9)
	if tr := w.trial(); tr.Shadow != nil || tr.Choice.Was != w.hash[""] || tr.Choice.Before != "" || tr.Choice.Who != "anna" {
		t.Errorf("promoted: %+v %+v", tr, tr.Choice)
	}
	w.restart()
	w.settled("b", 1e-9)
	mustApply(t, w.Box, w.station) // a reload of the config does not undo it
	w.settled("b", 1e-9)
	if err := w.Undo(t.Context(), "cap", w.hash[""], "anna"); !errors.Is(err, ErrChanged) {
		t.Errorf("somebody undid what was undone already: %v", err)
	}
	w.must(w.Undo(t.Context(), "cap", w.hash["b"], "anna"))
	w.settled("", 10)
	w.restart()
	w.settled("", 10)
	w.must(w.Undo(t.Context(), "cap", w.hash[""], "anna")) // the undoing too
	w.settled("b", 1e-9)
}

// settled waits for a verdict of the model with this name and holds its threshold
// and the box's state against it.
func (w *trialBox) settled(name string, threshold float64) {
	w.t.Helper()
	for {
		v := w.out.next(w.t, "cap")
		if v.Model != w.hash[name] {
			continue
		}
		if *v.Threshold != threshold {
			w.t.Errorf("model %q judges with threshold %g, want %g", name, *v.Threshold, threshold)
		}
		break
	}
	if tr := w.trial(); tr.Name != name || tr.Model != w.hash[name] {
		w.t.Errorf("in force is %q, %s, want %q, %s", tr.Name, tr.Model, name, w.hash[name])
	}
}

// Every trigger is answered once, by one model or the other with the threshold
// that is its own, however often models are swapped.
func TestSwapNeitherDropsNorDoublesATrigger(t *testing.T) {
	w := newTrialBox(t, "mqtt")
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if !w.Settled(ctx) {
		t.Fatal("the station is not ready")
	}
	var swaps int
	stop := make(chan struct{})
	var wait sync.WaitGroup
	wait.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			if err := errors.Join(w.SetShadow(ctx, "cap", "c", "anna"), w.Promote(ctx, "cap", w.hash["c"], "anna"), w.Undo(ctx, "cap", w.hash["c"], "anna")); err != nil {
				t.Error(err)
				return
			}
			swaps += 2
		}
	})
	const triggers = 60
	threshold := map[string]float64{w.hash[""]: 10, w.hash["c"]: 20}
	by := map[string]int{}
	for i := range triggers {
		id := fmt.Sprint("t", i)
		w.Trigger("cap", publish.Trigger{ID: id, Received: time.Now()})
		v := w.out.next(t, "cap")
		if v.Trigger == nil || v.Trigger.ID != id || v.Sequence != uint64(i+1) || v.Verdict != verdict.Pass {
			t.Fatalf("trigger %s: %s %s %s, number %d, of %+v", id, v.Verdict, v.Reason, v.Detail, v.Sequence, v.Trigger)
		}
		if *v.Threshold != threshold[v.Model] {
			t.Errorf("trigger %s: threshold %g with model %s", id, *v.Threshold, v.Model)
		}
		by[v.Model]++
	}
	close(stop)
	wait.Wait()
	select {
	case v := <-w.out.verdicts:
		t.Errorf("a verdict too many: %+v", v.Trigger)
	case <-time.After(100 * time.Millisecond):
	}
	t.Logf("%d swaps during %d triggers; verdicts by model %v", swaps, triggers, by)
	if swaps < 4 || len(by) != 2 {
		t.Errorf("%d swaps, verdicts by %d models: too few to show anything", swaps, len(by))
	}
}

func TestTrialsRefuse(t *testing.T) {
	w := newTrialBox(t, "free")
	ctx := t.Context()
	same, err := os.ReadFile(filepath.Join(w.folder, "m.onnx"))
	w.must(err)
	w.must(os.WriteFile(filepath.Join(w.folder, shelf.Folder, "same.onnx"), same, 0o600))
	w.must(os.WriteFile(filepath.Join(w.folder, shelf.Folder, "broken.onnx"), []byte("none"), 0o600))
	for name, err := range map[string]error{
		"no such model": w.SetShadow(ctx, "cap", "none", "anna"), "a path": w.SetShadow(ctx, "cap", "../m", "anna"), "a broken one": w.SetShadow(ctx, "cap", "broken", "anna"),
		"the one in force": w.SetShadow(ctx, "cap", "same", "anna"), "no such station": w.SetShadow(ctx, "lid", "b", "anna"),
		"no shadow": w.Promote(ctx, "cap", w.hash["b"], "anna"), "nothing to undo": w.Undo(ctx, "cap", w.hash[""], "anna"),
	} {
		if err == nil {
			t.Errorf("%s: not refused", name)
		}
	}
	// What was looked at for days is what is promoted.
	w.must(w.SetShadow(ctx, "cap", "b", "anna"))
	writeModel(t, filepath.Join(w.folder, shelf.Folder, "b.onnx"), 0.9, 1)
	if err := w.Promote(ctx, "cap", w.hash["b"], "anna"); !errors.Is(err, ErrChanged) {
		t.Errorf("a file that was replaced is promoted: %v", err)
	}
	w.settled("", 10)
	w.must(w.SetShadow(ctx, "cap", "", "anna"))
	if tr := w.trial(); tr.Shadow != nil {
		t.Errorf("still in shadow: %+v", tr.Shadow)
	}
}

// Somebody who changes the config's model means it; a file that is gone must not
// keep the line from starting.
func TestThePromotedGivesWayToTheConfig(t *testing.T) {
	w := newTrialBox(t, "free")
	w.promote("c")
	w.must(w.store.SetOverride(t.Context(), "cap", store.Override{Threshold: 15, Who: "anna", At: time.Now()}))
	writeModel(t, w.station.Model, 0.6, 12)
	f, err := ReadModel(w.station.Model)
	w.must(err)
	w.hash[""] = f.Hash
	mustApply(t, w.Box, w.station)
	w.settled("", 12)
	w.restart()
	w.settled("", 12)
	w.promote("c")
	w.must(os.Remove(filepath.Join(w.folder, shelf.Folder, "c.onnx")))
	w.restart()
	w.settled("", 12)
}

func TestShadowOfTheConfig(t *testing.T) {
	w := newTrialBox(t, "free")
	w.station.Shadow = "c"
	mustApply(t, w.Box, w.station)
	before := w.Box.station("cap").shadow.Load()
	if tr := w.trial(); tr.Shadow == nil || tr.Shadow.Model != w.hash["c"] {
		t.Fatalf("in shadow: %+v", tr.Shadow)
	}
	mustApply(t, w.Box, w.station)
	if w.Box.station("cap").shadow.Load() != before {
		t.Error("a reload that changes nothing begins the shadow anew")
	}
	w.must(w.SetShadow(t.Context(), "cap", "", "anna"))
	w.restart()
	if tr := w.trial(); tr.Shadow != nil {
		t.Errorf("what an operator took out of shadow is back: %+v", tr.Shadow)
	}
	w.station.Shadow = "none"
	mustApply(t, w.Box, w.station) // the line goes on
	if tr := w.trial(); tr.Shadow == nil || tr.Shadow.Why == "" {
		t.Errorf("a shadow that does not exist: %+v", tr.Shadow)
	}
	w.settled("", 10)
}
