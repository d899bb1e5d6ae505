package pipeline

import (
	"maps"
	"path/filepath"
	"slices"
	"testing"

	"faird/config"
	"faird/publish"
	"faird/verdict"
)

// listener notes the stations that it is told of; it takes every verdict.
type listener struct {
	fakeOutlet
	told []string
}

func (l *listener) Verdict(*verdict.Verdict, int64)                {}
func (l *listener) SetStation(name string, _ publish.StationState) { l.told = append(l.told, name) }

// A station is shown as being started from the moment that the config names it
// until it is there, or turns out not to come. The outlet hears nothing of that.
func TestStationsAreShownWhileTheyStart(t *testing.T) {
	b, _ := newTestBox(t)
	out := &listener{}
	b.Connect(out)
	dir := pictures(t, 2)
	m := writeModel(t, filepath.Join(t.TempDir(), "m.onnx"), 0.5, 1)
	names := func() []string { return slices.Sorted(maps.Keys(b.States())) }
	c := config.Default()
	c.Stations = []config.Station{station("cap", m, dir)}
	change, err := b.Prepare(t.Context(), &c)
	if err != nil {
		t.Fatal(err)
	}
	if st := b.States()["cap"]; st.Ready || st.Why != Starting || st.Trigger != "free" {
		t.Errorf("before it is there: %+v", st)
	}
	if _, err := b.Trial("cap"); err == nil {
		t.Error("it has models before it is there")
	}
	b.Announce()
	if len(out.told) > 0 {
		t.Errorf("the outlet was told of %v", out.told)
	}
	if err := change.Commit(t.Context(), func() {}); err != nil {
		t.Fatal(err)
	}
	if st := b.States()["cap"]; st.Why == Starting || st.Model == "" {
		t.Errorf("once it is there: %+v", st)
	}

	c.Stations = append(c.Stations, station("lid", filepath.Join(dir, "none.onnx"), dir))
	if _, err := b.Prepare(t.Context(), &c); err == nil {
		t.Fatal("a station without a model")
	}
	if got := names(); !slices.Equal(got, []string{"cap"}) {
		t.Errorf("after a config that was not taken: %v", got)
	}
}
