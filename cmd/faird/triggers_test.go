package main

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"faird/publish/mosquitto"
	"faird/verdict"
)

const (
	cap0    = "faird/plant1/edge7/cap"
	boxTop  = "faird/plant1/edge7"
	demoCam = "demo://?seed=7&rate=10&defects=0"
)

// anyPicture lets a station judge pictures that the demo's model was not
// calibrated on.
const anyPicture = "validity: {dark_max: 1, saturated_max: 1, brightness_min: 0, brightness_max: 255, sharpness_min: 0, colour_min: -1, aspect_min: 0, aspect_max: 100}"

// triggered is a station on the simulated line that waits for the PLC.
func triggered(name, camera string, deadline time.Duration) string {
	return fmt.Sprintf("  - {name: %s, model: demo, "+anyPicture+", camera: {url: '%s', read_timeout: 500ms}, trigger: {mode: mqtt, deadline: %s}}\n",
		name, camera, deadline)
}

func free(name, camera string) string {
	return fmt.Sprintf("  - {name: %s, model: demo, "+anyPicture+", camera: {url: '%s'}, trigger: {mode: free}}\n", name, camera)
}

func ready(s map[string]any) bool { return s["ready"] == true }

func TestTriggerOverMQTT(t *testing.T) {
	broker := mosquitto.New(t)
	plc := connect(t, broker.URL())
	dir := t.TempDir()
	p := start(t, dir, nil, "run", "--config", write(t, dir, "faird.yaml", configText(t, broker.URL(),
		triggered("cap", demoCam, 3*time.Second), triggered("dead", "file:///nowhere/*.png?loop=true&rate=1", 400*time.Millisecond))))
	plc.stateOf(cap0+"/state", time.Minute, "ready", ready)

	sent := time.Now()
	plc.send(cap0+"/trigger", `{"id":"t-1","part":"A-1009"}`)
	plc.send(cap0+"/trigger", ``)
	plc.send(cap0+"/trigger", `{"id":`)
	plc.send(boxTop+"/dead/trigger", `{"id":"d-1"}`)
	until(t, 20*time.Second, "an answer to every trigger", func() bool {
		return len(plc.verdicts("cap")) >= 3 && len(plc.verdicts("dead")) >= 1
	})
	byID := map[string]verdict.Verdict{}
	for _, v := range plc.verdicts("cap") {
		byID[v.Trigger.ID+string(v.Reason)] = v
	}
	judged, ok := byID["t-1"]
	if !ok || judged.Trigger.Part != "A-1009" || judged.Score == nil {
		t.Fatalf("t-1 was not judged: %+v", byID)
	}
	if judged.Time.Captured.Before(sent) {
		t.Errorf("the picture was taken at %s, before the trigger at %s", judged.Time.Captured, sent)
	}
	if _, ok := byID[string(verdict.InvalidTrigger)]; !ok {
		t.Errorf("the unreadable trigger was not answered as such: %+v", byID)
	}
	if d := plc.verdicts("dead")[0]; d.Verdict != verdict.NoRead || d.Reason != verdict.CameraLost || d.Trigger.ID != "d-1" {
		t.Errorf("the dead camera's answer is %s %s for %+v", d.Verdict, d.Reason, d.Trigger)
	}

	plc.send(cap0+"/trigger", `{"id":"t-1","part":"A-1009"}`)
	until(t, 10*time.Second, "the redelivered trigger's answer", func() bool { return len(plc.verdicts("cap")) >= 4 })
	if again := plc.verdicts("cap")[3]; again.ID != judged.ID {
		t.Errorf("redelivery was answered with %s, want the same verdict %s", again.ID, judged.ID)
	}
	time.Sleep(time.Second)
	if n := len(plc.verdicts("cap")); n != 4 {
		t.Errorf("%d verdicts for 4 deliveries", n)
	}

	var last verdict.Verdict
	if !plc.last(cap0+"/last", &last) || last.Station != "cap" {
		t.Error("no last verdict is retained")
	}
	if words := plc.on(cap0 + "/result"); len(words) < 3 || string(words[0].payload) == "" {
		t.Errorf("%d bare results", len(words))
	}
	if code, took := p.stop(); code != 0 || took > 5*time.Second {
		t.Errorf("stopped with exit code %d after %s, want 0 within 5 s", code, took)
	}
	plc.stateOf(boxTop+"/state", 5*time.Second, "offline", func(s map[string]any) bool { return s["state"] == "offline" })
}

func TestStateAfterBrokerRestart(t *testing.T) {
	broker := mosquitto.New(t)
	dir := t.TempDir()
	start(t, dir, nil, "run", "--config", write(t, dir, "faird.yaml", configText(t, broker.URL(), triggered("cap", demoCam, 2*time.Second))))
	connect(t, broker.URL()).stateOf(cap0+"/state", time.Minute, "ready", ready)
	broker.Kill()
	time.Sleep(500 * time.Millisecond)
	broker.Start() // it has lost what it retained
	plc := connect(t, broker.URL())
	plc.stateOf(boxTop+"/state", 30*time.Second, "online", func(s map[string]any) bool { return s["state"] == "online" })
	plc.stateOf(cap0+"/state", 10*time.Second, "ready", ready)
	plc.send(cap0+"/trigger", `{"id":"after"}`)
	until(t, 10*time.Second, "a verdict after the restart", func() bool { return len(plc.verdicts("cap")) == 1 })
}

func TestWillWhenKilled(t *testing.T) {
	broker := mosquitto.New(t)
	plc := connect(t, broker.URL())
	dir := t.TempDir()
	p := start(t, dir, nil, "run", "--config", write(t, dir, "faird.yaml", configText(t, broker.URL(), triggered("cap", demoCam, 2*time.Second))))
	plc.stateOf(boxTop+"/state", time.Minute, "online", func(s map[string]any) bool { return s["state"] == "online" })
	_ = p.cmd.Process.Kill()
	plc.stateOf(boxTop+"/state", 10*time.Second, "offline", func(s map[string]any) bool { return s["state"] == "offline" })
}

func TestCommands(t *testing.T) {
	broker := mosquitto.New(t)
	plc := connect(t, broker.URL())
	dir := t.TempDir()
	text := configText(t, broker.URL(), triggered("cap", demoCam, 2*time.Second))
	start(t, dir, nil, "run", "--config", write(t, dir, "faird.yaml", text))
	plc.stateOf(cap0+"/state", time.Minute, "ready", ready)
	replies := 0
	ask := func(command string) map[string]any {
		t.Helper()
		plc.send(cap0+"/command", command)
		replies++
		until(t, 10*time.Second, "a reply to "+command, func() bool { return len(plc.on(cap0+"/command/reply")) >= replies })
		var r map[string]any
		plc.last(cap0+"/command/reply", &r)
		return r
	}
	if r := ask(`{"id":"c1","command":"pause","by":"ann"}`); r["ok"] != true || r["id"] != "c1" {
		t.Errorf("pause: %v", r)
	}
	plc.stateOf(cap0+"/state", 5*time.Second, "paused", func(s map[string]any) bool { return s["paused"] == true && s["ready"] == false })
	plc.send(cap0+"/trigger", `{"id":"while paused"}`)
	until(t, 5*time.Second, "a no_read", func() bool { return len(plc.verdicts("cap")) == 1 })
	if v := plc.verdicts("cap")[0]; v.Reason != verdict.Paused {
		t.Errorf("%s %s, want paused", v.Verdict, v.Reason)
	}
	if r := ask(`{"id":"c2","command":"resume"}`); r["ok"] != true {
		t.Errorf("resume: %v", r)
	}
	if r := ask(`{"id":"c3","command":"threshold","threshold":0.0001,"by":"ann"}`); r["ok"] != true {
		t.Errorf("threshold: %v", r)
	}
	plc.stateOf(cap0+"/state", 5*time.Second, "the override", func(s map[string]any) bool { return s["threshold_from"] == "override" })
	if r := ask(`{"id":"c4","command":"save","count":1}`); r["ok"] != true {
		t.Errorf("save: %v", r)
	}
	plc.send(cap0+"/trigger", `{"id":"low threshold"}`)
	until(t, 5*time.Second, "a verdict", func() bool { return len(plc.verdicts("cap")) == 2 })
	if v := plc.verdicts("cap")[1]; v.Verdict != verdict.Fail {
		t.Errorf("%s with threshold %v, want fail", v.Verdict, v.Threshold)
	}
	if r := ask(`{"id":"c5","command":"model","model":"/nowhere.onnx"}`); r["ok"] != false || r["error"] == "" {
		t.Errorf("model that does not exist: %v", r)
	}
	if r := ask(`{"id":"c6","command":"dance"}`); r["ok"] != false {
		t.Errorf("unknown command: %v", r)
	}
	until(t, 5*time.Second, "one picture saved", func() bool {
		saved, err := filepath.Glob(filepath.Join(storePath(t, text), "saved", "cap", "*_fail_*.png"))
		return err == nil && len(saved) == 1
	})
}
