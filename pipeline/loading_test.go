package pipeline

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"faird/config"
	"faird/inspect"
	"faird/model"
	"faird/pipeline/shelf"
	"faird/publish"
	"faird/verdict"
)

// loader holds the loading of one model back until the test releases it.
type loader struct {
	t       *testing.T
	path    string
	began   chan struct{} // told when a load begins
	release func()
}

// holdModel makes a model that does not load before release.
func holdModel(t *testing.T, path string, on ...*models) *loader {
	t.Helper()
	gate := make(chan struct{})
	l := &loader{t: t, path: path, began: make(chan struct{}, 10)}
	var once bool
	l.release = func() {
		if !once {
			once = true
			close(gate)
		}
	}
	for _, m := range on {
		open := m.open
		m.open = func(ctx context.Context, f *model.File) (*inspect.Model, error) {
			if f.Path == path {
				l.began <- struct{}{}
				<-gate // like a call into C: whatever becomes of ctx
			}
			return open(ctx, f)
		}
	}
	t.Cleanup(l.release) // before the box stops
	return l
}

// loads waits until the model begins to load.
func (l *loader) loads() {
	l.t.Helper()
	select {
	case <-l.began:
	case <-time.After(30 * time.Second):
		l.t.Fatal("the model does not begin to load")
	}
}

// soon does something that must not wait for a model that loads, and so ends
// while the model is held.
func soon(t *testing.T, what string, do func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- do(ctx) }()
	select {
	case err := <-done:
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
	case <-ctx.Done():
		t.Fatalf("%s waits for the model that loads", what)
	}
}

func command(b *Box, station string, c publish.Command) func(context.Context) error {
	return func(ctx context.Context) error {
		if r := b.Command(ctx, station, c); !r.OK {
			return errors.New(r.Error)
		}
		return nil
	}
}

// While a model loads on station lid, whoever asked for it, station cap answers
// its triggers and takes another model, and every command is carried out.
func TestNothingWaitsForAModelThatLoads(t *testing.T) {
	for name, load := range map[string]func(ctx context.Context, w *trialBox, slow string) error{
		"a command": func(ctx context.Context, w *trialBox, slow string) error {
			return command(w.Box, "lid", publish.Command{Command: publish.CommandModel, Model: slow})(ctx)
		},
		"a config": func(ctx context.Context, w *trialBox, slow string) error {
			c := config.Default()
			lid := w.lid()
			lid.Model = slow
			c.Stations = []config.Station{w.station, lid}
			return w.Apply(ctx, &c)
		},
		"a station more": func(ctx context.Context, w *trialBox, slow string) error {
			c := config.Default()
			c.Stations = []config.Station{w.station, w.lid(), station("more", slow, pictures(w.t, 1))}
			return w.Apply(ctx, &c)
		},
		"a shadow": func(ctx context.Context, w *trialBox, _ string) error {
			return w.SetShadow(ctx, "lid", "slow", "anna")
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newTrialBox(t, "mqtt")
			slow := writeModel(t, filepath.Join(w.folder, shelf.Folder, "slow.onnx"), 0.7, 15)
			mustApply(t, w.Box, w.station, w.lid())
			l := holdModel(t, slow, w.Box.models, w.Box.shadows)
			loaded := make(chan error, 1)
			go func() { loaded <- load(context.Background(), w, slow) }()
			l.loads()
			w.goesOn()
			select {
			case err := <-loaded:
				t.Fatalf("the model was not held: %v", err)
			default:
			}
			l.release()
			if err := <-loaded; err != nil {
				t.Error(err)
			}
		})
	}
}

func (w *trialBox) lid() config.Station {
	lid := w.station
	lid.Name = "lid"
	return lid
}

// goesOn holds that neither the line nor a command waits.
func (w *trialBox) goesOn() {
	w.t.Helper()
	trigger := func(n int) *verdict.Verdict {
		w.Trigger("cap", publish.Trigger{ID: fmt.Sprint(w.t.Name(), n), Received: time.Now()})
		return w.out.next(w.t, "cap") // within 20 s, or the test fails
	}
	for n := range 10 {
		if v := trigger(n); v.Verdict != verdict.Pass {
			w.t.Fatalf("trigger %d: %s %s %s", n, v.Verdict, v.Reason, v.Detail)
		}
	}
	limit := 12.0
	for _, name := range []string{"cap", "lid", ""} {
		for _, c := range []publish.Command{
			{Command: publish.CommandPause},
			{Command: publish.CommandResume},
			{Command: publish.CommandSave, Count: 1},
			{Command: publish.CommandThreshold, Threshold: &limit},
			{Command: publish.CommandThreshold},
		} {
			if name != "" || c.Command == publish.CommandPause || c.Command == publish.CommandResume {
				soon(w.t, c.Command+" of "+name, command(w.Box, name, c))
			}
		}
	}
	before := w.trial().Model
	other := publish.Command{Command: publish.CommandModel, Model: filepath.Join(w.folder, shelf.Folder, "c.onnx")}
	soon(w.t, "another model", command(w.Box, "cap", other)) // the one before is closed by the judging loop
	for n := range 10 {
		v := trigger(100 + n)
		if v.Verdict != verdict.Pass || v.Model != w.hash["c"] || v.Model == before {
			w.t.Fatalf("trigger %d after another model: %s %s %s by %s", n, v.Verdict, v.Reason, v.Detail, v.Model)
		}
	}
	soon(w.t, "the state", func(context.Context) error { w.States(); w.ModelFile("lid"); return nil })
}

// A model that does not load in time is answered for by the deadline; who asks
// again finds it loading, and is the one for whom it is put in force.
func TestACommandIsAnsweredByItsDeadline(t *testing.T) {
	w := newTrialBox(t, "mqtt")
	slow := writeModel(t, filepath.Join(w.folder, "slow.onnx"), 0.7, 15)
	l := holdModel(t, slow, w.Box.models)
	c := publish.Command{Command: publish.CommandModel, Model: slow}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if r := w.Command(ctx, "cap", c); r.OK || !strings.Contains(r.Error, "still loading") {
		t.Errorf("at the deadline: %+v", r)
	}
	w.inForce("")
	again := make(chan publish.Reply, 1)
	go func() { again <- w.Command(context.Background(), "cap", c) }()
	waitFor(t, "both commands to have asked", func() bool { return w.models.cache.Len() == 2 })
	l.release()
	if r := <-again; !r.OK {
		t.Error(r.Error)
	}
	if n := len(l.began); n != 1 {
		t.Errorf("the model was loaded %d times for two commands, want once", n)
	}
	w.limited(15)
}

// A stop waits for nothing that loads, and names it.
func TestStopNamesWhatStillLoads(t *testing.T) {
	w := newTrialBox(t, "mqtt")
	slow := writeModel(t, filepath.Join(w.folder, "slow.onnx"), 0.7, 15)
	l := holdModel(t, slow, w.Box.models)
	asked := make(chan publish.Reply, 1)
	go func() {
		asked <- w.Command(context.Background(), "cap", publish.Command{Command: publish.CommandModel, Model: slow})
	}()
	l.loads()
	soon(t, "the stop", func(ctx context.Context) error { w.Stop(ctx); return ctx.Err() })
	if r := <-asked; r.OK || !strings.Contains(r.Error, "stopping") {
		t.Errorf("the command was answered %+v", r)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	left := w.Close(ctx)
	if len(left) != 1 || left[0].Name != "loading model "+slow {
		t.Errorf("still at work: %v, want the model that loads", left)
	}
	l.release()
}
