package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"faird/model"
	"faird/publish/mosquitto"
	"faird/verdict"
)

// upright is a daemon, its broker and a PLC that compares what is retained with
// what happened.
type upright struct {
	*testing.T
	broker   *mosquitto.Broker
	plc      *plc
	faird    *process
	dir      string
	pictures string
	models   [2]string
	asked    int
}

func newUpright(t *testing.T) *upright {
	x := &upright{
		T: t, broker: mosquitto.New(t), dir: t.TempDir(), pictures: smallPictures(t),
		models: [2]string{tinyModel(t, 0.5), tinyModel(t, 0.4)},
	}
	write(t, x.dir, "faird.yaml", configText(t, x.broker.URL(), fmt.Sprintf(
		"  - {name: cap, model: %s, threshold: 0.3, camera: {url: 'file://%s?loop=true&rate=20', read_timeout: 1s, backoff_min: 100ms, backoff_max: 200ms}, trigger: {mode: mqtt, deadline: 3s}}\n",
		x.models[0], x.pictures)))
	x.start()
	return x
}

func (x *upright) start() {
	x.faird = start(x.T, x.dir, nil, "run", "--config", filepath.Join(x.dir, "faird.yaml"))
	x.plc = connect(x.T, x.broker.URL())
}

// forget is a broker that comes back without anything that it kept.
func (x *upright) forget() {
	x.broker.Kill()
	x.broker.Start()
	x.plc = connect(x.T, x.broker.URL())
}

// state waits until both retained states say the same: whether the station is
// ready, and if not, that why holds these words.
func (x *upright) state(ready bool, why string) map[string]any {
	x.Helper()
	x.plc.stateOf(boxTop+"/state", time.Minute, fmt.Sprintf("online, cap ready %t %q", ready, why), func(s map[string]any) bool {
		stations, _ := s["stations"].(map[string]any)
		cap, _ := stations["cap"].(map[string]any)
		return s["state"] == "online" && cap["ready"] == ready && strings.Contains(fmt.Sprint(cap["why"]), why)
	})
	return x.plc.stateOf(cap0+"/state", time.Minute, fmt.Sprintf("ready %t %q", ready, why), func(s map[string]any) bool {
		return s["ready"] == ready && strings.Contains(fmt.Sprint(s["why"]), why)
	})
}

// judge asks for a verdict and returns it.
func (x *upright) judge() verdict.Verdict {
	x.Helper()
	x.asked++
	id := fmt.Sprint("t-", x.asked)
	x.plc.send(cap0+"/trigger", fmt.Sprintf(`{"id":%q}`, id))
	var v verdict.Verdict
	until(x.T, 20*time.Second, "an answer to "+id, func() bool {
		return x.plc.last(cap0+"/verdict", &v) && v.Trigger != nil && v.Trigger.ID == id
	})
	x.last(v)
	return v
}

// last waits until the retained verdict is this one.
func (x *upright) last(want verdict.Verdict) {
	x.Helper()
	var v verdict.Verdict
	until(x.T, 20*time.Second, "last is "+want.ID, func() bool { return x.plc.last(cap0+"/last", &v) && v.ID == want.ID })
	if v.Historical || v.Verdict != want.Verdict {
		x.Errorf("last is %s, historical %t; want %s as it was decided", v.Verdict, v.Historical, want.Verdict)
	}
}

func (x *upright) command(text string) map[string]any {
	x.Helper()
	replies := len(x.plc.on(cap0 + "/command/reply"))
	x.plc.send(cap0+"/command", text)
	until(x.T, 20*time.Second, "a reply to "+text, func() bool { return len(x.plc.on(cap0+"/command/reply")) > replies })
	var r map[string]any
	x.plc.last(cap0+"/command/reply", &r)
	return r
}

func TestStateAndLastTellTheTruth(t *testing.T) {
	x := newUpright(t)
	first := x.state(true, "")
	v := x.judge()
	if v.Model != first["model"] || v.Provider != first["provider"] || *v.Threshold != first["threshold"] || !strings.HasPrefix(v.Config, "sha256:") {
		t.Errorf("the verdict names %s, %s, %v, config %s; the state %v", v.Model, v.Provider, *v.Threshold, v.Config, first)
	}

	x.forget()
	x.state(true, "")
	x.last(v)

	// Both lose everything but the disk.
	_ = x.faird.cmd.Process.Kill()
	x.plc.stateOf(boxTop+"/state", 20*time.Second, "offline", func(s map[string]any) bool { return s["state"] == "offline" })
	x.forget()
	x.start()
	x.state(true, "")
	x.last(v)

	if code, _ := x.faird.stop(); code != 0 {
		t.Errorf("stopped with exit code %d", code)
	}
	x.plc.stateOf(boxTop+"/state", 20*time.Second, "offline", func(s map[string]any) bool { return s["state"] == "offline" && s["why"] == "stopped" })
	x.start()
	x.state(true, "")
	if next := x.judge(); next.Sequence != v.Sequence+1 || next.ID == v.ID {
		t.Errorf("sequence %d after %d", next.Sequence, v.Sequence)
	}
}

func TestStateAndLastWhilePaused(t *testing.T) {
	x := newUpright(t)
	x.state(true, "")
	if r := x.command(`{"id":"c-1","command":"pause","by":"ann"}`); r["ok"] != true {
		t.Fatal(r)
	}
	if s := x.state(false, "paused"); s["paused"] != true {
		t.Errorf("%v", s)
	}
	v := x.judge()
	if v.Reason != verdict.Paused {
		t.Errorf("%s %s while paused", v.Verdict, v.Reason)
	}
	if v.Model == "" || v.Config == "" || v.Provider != "cpu" || v.Threshold == nil || *v.Threshold != 0.3 {
		t.Errorf("the no_read does not name its origin: %+v", v)
	}
	x.forget()
	x.state(false, "paused")
	x.last(v)
	if r := x.command(`{"id":"c-2","command":"resume"}`); r["ok"] != true {
		t.Fatal(r)
	}
	x.state(true, "")
	if v := x.judge(); v.Verdict == verdict.NoRead {
		t.Errorf("%s %s after the pause", v.Verdict, v.Reason)
	}
}

func TestStateAndLastWhenTheCameraIsLost(t *testing.T) {
	x := newUpright(t)
	x.state(true, "")
	x.judge()
	away := x.pictures + "-away"
	if err := os.Rename(x.pictures, away); err != nil {
		t.Fatal(err)
	}
	if s := x.state(false, "camera"); s["camera"].(map[string]any)["connected"] != false {
		t.Errorf("%v", s)
	}
	v := x.judge()
	if v.Reason != verdict.CameraLost && v.Reason != verdict.NotReady {
		t.Errorf("%s %s %s without a camera", v.Verdict, v.Reason, v.Detail)
	}
	x.forget()
	x.state(false, "camera")
	x.last(v)
	if err := os.Rename(away, x.pictures); err != nil {
		t.Fatal(err)
	}
	x.state(true, "")
	if v := x.judge(); v.Verdict == verdict.NoRead {
		t.Errorf("%s %s %s with the camera back", v.Verdict, v.Reason, v.Detail)
	}
}

// A model comes into force with its name and its verdicts; one that does not
// give its own scores never does, and the answer says by how much.
func TestStateAndLastAcrossAModelSwap(t *testing.T) {
	x := newUpright(t)
	before := x.state(true, "")
	x.judge()
	if r := x.command(fmt.Sprintf(`{"id":"c-1","command":"model","model":%q}`, x.models[1])); r["ok"] != true {
		t.Fatal(r)
	}
	after := x.plc.stateOf(cap0+"/state", 20*time.Second, "the new model", func(s map[string]any) bool { return s["model"] != before["model"] })
	v := x.judge()
	if v.Model != after["model"] || after["ready"] != true {
		t.Errorf("the verdict is %s's, the state says %v", v.Model, after)
	}
	png, err := os.ReadFile(filepath.Join(x.pictures, "7.png"))
	if err != nil {
		t.Fatal(err)
	}
	wrong := tinyModel(t, 0.3, model.GoldenSample{PNG: png, Score: 0.25, Tolerance: map[string]float64{model.Float32: 1e-3}})
	r := x.command(fmt.Sprintf(`{"id":"c-2","command":"model","model":%q}`, wrong))
	if words := fmt.Sprint(r["error"]); r["ok"] != false || !strings.Contains(words, "golden sample 0 scores 0.") || !strings.Contains(words, "expected 0.250000 within 0.001") {
		t.Errorf("a model that does not give its own scores: %v", r)
	}
	if again := x.judge(); again.Model != v.Model {
		t.Errorf("the old model was not kept: %s", again.Model)
	}
	x.forget()
	if s := x.state(true, ""); s["model"] != v.Model {
		t.Errorf("the state says %v", s["model"])
	}
	// At a start the same model leaves the station not ready.
	conf := filepath.Join(x.dir, "faird.yaml")
	text, err := os.ReadFile(conf)
	if err != nil {
		t.Fatal(err)
	}
	x.faird.stop()
	write(t, x.dir, "faird.yaml", strings.Replace(string(text), x.models[0], wrong, 1))
	x.start()
	s := x.state(false, "expected 0.250000 within 0.001")
	if v := x.judge(); v.Reason != verdict.NotReady || v.Score != nil {
		t.Errorf("%s %s of a station whose model cannot be trusted: %v", v.Verdict, v.Reason, s)
	}
}
