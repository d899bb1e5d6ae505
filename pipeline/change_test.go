package pipeline

import (
	"errors"
	"fmt"
	"path/filepath"
	"testing"

	"faird/config"
	"faird/pipeline/shelf"
	"faird/publish"
)

func (w *trialBox) config() *config.Config {
	c := config.Default()
	c.Stations = []config.Station{w.station}
	return &c
}

// limited waits for the judging loop to take up a threshold.
func (w *trialBox) limited(want float64) {
	w.t.Helper()
	waitFor(w.t, fmt.Sprint("threshold ", want), func() bool { return *w.States()["cap"].Threshold == want })
}

func (w *trialBox) prepare() *Change {
	w.t.Helper()
	change, err := w.Prepare(w.t.Context(), w.config())
	w.must(err)
	return change
}

// A threshold that was set while a config was prepared holds after its commit.
func TestAThresholdOutlivesAConfigThatWasPrepared(t *testing.T) {
	w := newTrialBox(t, "mqtt")
	limit := 15.0
	w.station.Validity.BrightnessMin = at(1) // another inspector
	change := w.prepare()
	w.must(command(w.Box, "cap", publish.Command{Command: publish.CommandThreshold, Threshold: given(limit)})(t.Context()))
	w.must(change.Commit(t.Context(), func() {}))
	if s := w.States()["cap"]; *s.Threshold != limit || s.ThresholdFrom != "override" {
		t.Errorf("threshold %g from the %s", *s.Threshold, s.ThresholdFrom)
	}
}

// A model that was promoted while a config was prepared is kept by it, as it
// would be had it come before.
func TestAPromotionOutlivesAConfigThatWasPrepared(t *testing.T) {
	w := newTrialBox(t, "mqtt")
	change := w.prepare()
	w.promote("c")
	w.must(change.Commit(t.Context(), func() {}))
	w.inForce("c")
	w.limited(20)
}

// A model that was put in force by a command gives way to the config, as it would
// had it come before.
func TestAConfigThatWasPreparedReplacesACommandsModel(t *testing.T) {
	w := newTrialBox(t, "mqtt")
	change := w.prepare()
	c := publish.Command{Command: publish.CommandModel, Model: filepath.Join(w.folder, shelf.Folder, "c.onnx")}
	w.must(command(w.Box, "cap", c)(t.Context()))
	w.must(change.Commit(t.Context(), func() {}))
	w.inForce("")
	w.limited(10)
	waitFor(t, "the other models to go", func() bool { return w.models.cache.Len() == 1 })
}

// Of two configs that were prepared at once the second to be committed is
// refused, and changes nothing.
func TestTwoConfigsAtOnce(t *testing.T) {
	w := newTrialBox(t, "mqtt")
	first := w.prepare()
	w.station.Threshold = at(3)
	second := w.prepare()
	w.must(first.Commit(t.Context(), func() {}))
	begun := false
	if err := second.Commit(t.Context(), func() { begun = true }); !errors.Is(err, ErrChanged) || begun {
		t.Errorf("the second: %v, begun %t", err, begun)
	}
	w.limited(10)
}

// A model that loads when its station gets another config is dropped; one whose
// station stays as it is is not.
func TestAConfigWhileAModelLoads(t *testing.T) {
	for name, changed := range map[string]bool{"the station's": true, "another station's": false} {
		t.Run(name, func(t *testing.T) {
			w := newTrialBox(t, "mqtt")
			slow := writeModel(t, filepath.Join(w.folder, "slow.onnx"), 0.7, 15)
			l := holdModel(t, slow, w.Box.models)
			asked := make(chan publish.Reply, 1)
			go func() {
				asked <- w.Command(t.Context(), "cap", publish.Command{Command: publish.CommandModel, Model: slow})
			}()
			l.loads()
			if changed {
				w.station.Threshold = at(3)
				mustApply(t, w.Box, w.station)
			} else {
				mustApply(t, w.Box, w.station, w.lid())
			}
			l.release()
			r := <-asked
			if r.OK == changed {
				t.Errorf("%+v", r)
			}
			w.limited(map[bool]float64{true: 3, false: 15}[changed])
		})
	}
}

func TestDiscardGivesBackWhatWasLoaded(t *testing.T) {
	w := newTrialBox(t, "mqtt")
	w.station.Model = filepath.Join(w.folder, shelf.Folder, "c.onnx")
	change := w.prepare()
	if n := w.models.cache.Len(); n != 2 {
		t.Fatalf("%d models are loaded", n)
	}
	change.Discard()
	change.Discard()
	waitFor(t, "the model to go", func() bool { return w.models.cache.Len() == 1 })
	w.inForce("")
}
