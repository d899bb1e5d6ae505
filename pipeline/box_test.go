package pipeline

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"faird/config"
	"faird/fair"
	"faird/model"
	"faird/model/graph"
	"faird/publish"
	"faird/verdict"
)

const side = 32

// writeModel makes a model file whose network restores every picture to one
// grey, so that its scores follow from the picture alone.
func writeModel(t testing.TB, path string, grey float32, threshold float64, golden ...model.GoldenSample) string {
	t.Helper()
	g := graph.New("grey")
	nothing := g.Mul(g.Input("highpass", graph.Free, 1, side, side), g.Scalar(0))
	values := make([]float32, 3*side*side)
	for i := range values {
		values[i] = grey
	}
	g.Output("restored", g.Add(g.Concat(1, nothing, nothing, nothing), g.Const(values, 1, 3, side, side)))
	onnx, err := g.Build()
	if err != nil {
		t.Fatal(err)
	}
	f, err := model.New(onnx, model.Spec{
		Width: side, Height: side, Channels: 1, Filter: fair.DefaultFilter(), Scoring: fair.DefaultScoring(),
		Calibration: &model.Calibration{N: 10, Mean: 0.1, Std: 0.1, Threshold: threshold, FalseReject: 0.001, Confidence: 0.95},
		Golden:      golden,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := model.Write(path, f); err != nil {
		t.Fatal(err)
	}
	return path
}

// pictures is a folder of n grey pictures, each with a white square.
func pictures(t testing.TB, n int) string {
	t.Helper()
	dir := t.TempDir()
	for k := range n {
		m := image.NewGray(image.Rect(0, 0, 64, 64))
		for i := range m.Pix {
			m.Pix[i] = 128
		}
		for i := range 400 {
			m.Set(20+i%20, 20+i/20, color.White)
		}
		f, err := os.Create(filepath.Join(dir, fmt.Sprintf("%d.png", k)))
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(png.Encode(f, m), f.Close()); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// memory keeps thresholds as the store does.
type memory map[string]Thresholds

func (m memory) Override(_ context.Context, s string) (*Thresholds, error) {
	if t, ok := m[s]; ok {
		return &t, nil
	}
	return nil, nil
}

func (m memory) SetOverride(_ context.Context, s string, t Thresholds, _ string) error {
	m[s] = t
	return nil
}

func (m memory) ClearOverride(_ context.Context, s string) error {
	delete(m, s)
	return nil
}

func newTestBox(t *testing.T) (*Box, *fakeOutlet) {
	t.Helper()
	out := &fakeOutlet{verdicts: make(chan *verdict.Verdict, 1000), repeats: make(chan *verdict.Verdict, 10)}
	b := NewBox(Deps{
		Site: "plant1", Box: "edge7", Folder: t.TempDir(), Log: zerolog.Nop(),
		Clock: func() verdict.Clock { return verdict.ClockUnknown },
	}, config.Infer{Provider: "cpu", Threads: 1}, memory{})
	b.Connect(out)
	t.Cleanup(func() { stopBox(t, b) })
	return b, out
}

// stopBox stops a box and fails the test where something goes on.
func stopBox(t *testing.T, b *Box) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	b.Stop(ctx)
	if left := b.Close(ctx); len(left) > 0 {
		t.Errorf("not stopped: %v", left)
	}
}

func station(name, model, folder string) config.Station {
	s := config.DefaultStation()
	s.Name, s.Model, s.Camera.URL = name, model, "file://"+folder+"?loop=true&rate=20"
	return s
}

func apply(t *testing.T, b *Box, stations ...config.Station) error {
	t.Helper()
	c := config.Default()
	c.Stations = stations
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return b.Apply(ctx, &c)
}

func mustApply(t *testing.T, b *Box, stations ...config.Station) {
	t.Helper()
	if err := apply(t, b, stations...); err != nil {
		t.Fatal(err)
	}
}

// next is the next verdict of a station.
func (o *fakeOutlet) next(t *testing.T, station string) *verdict.Verdict {
	t.Helper()
	limit := time.After(20 * time.Second)
	for {
		select {
		case v := <-o.verdicts:
			if v.Station == station {
				return v
			}
		case <-limit:
			t.Fatalf("no verdict of station %s", station)
		}
	}
}

func TestStationsShareAModel(t *testing.T) {
	b, out := newTestBox(t)
	dir := pictures(t, 3)
	m := writeModel(t, filepath.Join(t.TempDir(), "m.onnx"), 0.5, 10)
	copied := filepath.Join(t.TempDir(), "copy.onnx")
	data, err := os.ReadFile(m)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(copied, data, 0o600); err != nil {
		t.Fatal(err)
	}
	mustApply(t, b, station("a", m, dir), station("b", copied, dir))
	if n := b.models.cache.Len(); n != 1 {
		t.Errorf("%d models are loaded for two stations with the same file, want 1", n)
	}
	for _, name := range []string{"a", "b"} {
		if v := out.next(t, name); v.Verdict != verdict.Pass || v.Score == nil || *v.Score <= 0 {
			t.Errorf("station %s: %s %s", name, v.Verdict, v.Detail)
		}
	}
	mustApply(t, b, station("a", m, dir))
	if n := b.models.cache.Len(); n != 1 {
		t.Errorf("%d models are loaded for the station that is left", n)
	}
	stopBox(t, b)
	if n := b.models.cache.Len(); n != 0 {
		t.Errorf("%d models are still open after the last station", n)
	}
}

func TestBadConfigChangesNothing(t *testing.T) {
	b, out := newTestBox(t)
	dir := pictures(t, 3)
	m := writeModel(t, filepath.Join(t.TempDir(), "m.onnx"), 0.5, 10)
	mustApply(t, b, station("a", m, dir))
	before := b.station("a")
	plain := station("b", m, dir)
	plain.IgnoreMask = filepath.Join(dir, "none.png")
	for name, bad := range map[string]config.Station{
		"missing model": station("b", filepath.Join(dir, "none.onnx"), dir),
		"missing mask":  plain,
	} {
		changed := station("a", m, dir)
		low := 0.001
		changed.Threshold = &low
		if err := apply(t, b, changed, bad); err == nil || !strings.Contains(err.Error(), "station b") || !strings.Contains(err.Error(), "none.") {
			t.Errorf("%s: error %v does not name the station and the file", name, err)
		}
	}
	if b.station("a") != before || b.station("b") != nil {
		t.Error("the stations changed")
	}
	if v := out.next(t, "a"); *v.Threshold != 10 {
		t.Errorf("threshold %g is in force, want the old one", *v.Threshold)
	}
	waitFor(t, "models that nobody uses to go", func() bool {
		return b.models.cache.Len() == 1 && b.models.cache.Claims(before.view.model) == 1
	})
}

func TestThresholdChangeKeepsTheStation(t *testing.T) {
	b, out := newTestBox(t)
	dir := pictures(t, 3)
	s := station("a", writeModel(t, filepath.Join(t.TempDir(), "m.onnx"), 0.5, 10), dir)
	mustApply(t, b, s)
	before := b.station("a")
	out.next(t, "a")
	low := 0.001
	s.Threshold = &low
	mustApply(t, b, s)
	if b.station("a") != before {
		t.Error("the station was started again")
	}
	until(t, "the new threshold", func() bool { v := out.next(t, "a"); return *v.Threshold == low && v.Verdict == verdict.Fail })
}

func TestNoThresholdAnywhere(t *testing.T) {
	b, _ := newTestBox(t)
	g := graph.New("plain")
	nothing := g.Mul(g.Input("highpass", graph.Free, 1, side, side), g.Scalar(0))
	g.Output("restored", g.Concat(1, nothing, nothing, nothing))
	onnx, err := g.Build()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "plain.onnx")
	if err := os.WriteFile(path, onnx, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := apply(t, b, station("a", path, pictures(t, 1))); err == nil || !strings.Contains(err.Error(), "threshold") {
		t.Errorf("%v, want a refusal that speaks of the threshold", err)
	}
}

func TestGoldenSamplesThatDoNotFit(t *testing.T) {
	b, out := newTestBox(t)
	dir := pictures(t, 1)
	png, err := os.ReadFile(filepath.Join(dir, "0.png"))
	if err != nil {
		t.Fatal(err)
	}
	wrong := model.GoldenSample{PNG: shrink(t, png), Score: 5, Tolerance: map[string]float64{model.Float32: 1e-3}}
	m := filepath.Join(t.TempDir(), "m.onnx")
	mustApply(t, b, station("a", writeModel(t, m, 0.5, 10, wrong), dir)) // a station that starts says so
	if s := b.States()["a"]; s.Ready || !strings.Contains(s.Why, "golden sample 0") {
		t.Errorf("ready %t, why %q: want not ready because of the golden sample", s.Ready, s.Why)
	}
	writeModel(t, m, 0.5, 10)
	mustApply(t, b, station("a", m, dir)) // mended: it judges
	good := out.next(t, "a")
	writeModel(t, m, 0.4, 10, wrong)
	if err := apply(t, b, station("a", m, dir)); err == nil || !strings.Contains(err.Error(), "golden") {
		t.Errorf("%v: a model that works must not be replaced by one that does not", err)
	}
	if v := out.next(t, "a"); v.Model != good.Model {
		t.Error("the working model was replaced")
	}
	reply := b.Command(context.Background(), "a", publish.Command{Command: publish.CommandModel, Model: m})
	if reply.OK || !strings.Contains(reply.Error, "golden") {
		t.Errorf("%+v: the command must refuse it too", reply)
	}
}

func TestCommandSwapsTheModelBetweenFrames(t *testing.T) {
	b, out := newTestBox(t)
	dir := pictures(t, 3)
	first := writeModel(t, filepath.Join(t.TempDir(), "1.onnx"), 0.5, 10)
	second := writeModel(t, filepath.Join(t.TempDir(), "2.onnx"), 0.3, 0.001)
	mustApply(t, b, station("a", first, dir))
	last := out.next(t, "a")
	if r := b.Command(context.Background(), "a", publish.Command{Command: publish.CommandModel, Model: second}); !r.OK {
		t.Fatal(r.Error)
	}
	until(t, "the new model", func() bool {
		v := out.next(t, "a")
		if v.Sequence != last.Sequence+1 {
			t.Fatalf("sequence %d after %d", v.Sequence, last.Sequence)
		}
		last = v
		return *v.Threshold == 0.001
	})
	waitFor(t, "the old model to go", func() bool { return b.models.cache.Len() == 1 })
}

func TestOverride(t *testing.T) {
	b, out := newTestBox(t)
	dir := pictures(t, 3)
	s := station("a", writeModel(t, filepath.Join(t.TempDir(), "m.onnx"), 0.5, 10), dir)
	mustApply(t, b, s)
	low := 0.001
	mustCommand(t, b, publish.Command{Command: publish.CommandThreshold, Threshold: given(low)})
	until(t, "the override", func() bool { return *out.next(t, "a").Threshold == low })
	mustApply(t, b, s) // a reload does not undo it
	if got := b.States()["a"]; *got.Threshold != low || got.ThresholdFrom != "override" {
		t.Errorf("threshold %g from %s after a reload, want the override", *got.Threshold, got.ThresholdFrom)
	}
	mustCommand(t, b, publish.Command{Command: publish.CommandThreshold, Threshold: publish.Limit{Given: true}})
	if got := b.States()["a"]; *got.Threshold != 10 || got.ThresholdFrom != "model" {
		t.Errorf("threshold %g from %s after it was cleared, want the model's", *got.Threshold, got.ThresholdFrom)
	}
}

// given is a threshold that a command sets.
func given(v float64) publish.Limit { return publish.Limit{Given: true, Value: &v} }

func mustCommand(t *testing.T, b *Box, c publish.Command) {
	t.Helper()
	if r := b.Command(context.Background(), "a", c); !r.OK {
		t.Fatal(r.Error)
	}
}

func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for limit := time.Now().Add(20 * time.Second); !is(); {
		if time.Now().After(limit) {
			t.Fatalf("%s: not in time", what)
		}
	}
}

// shrink is the picture at the model's size.
func shrink(t *testing.T, data []byte) []byte {
	t.Helper()
	m := image.NewGray(image.Rect(0, 0, side, side))
	var b strings.Builder
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return []byte(b.String())
}
