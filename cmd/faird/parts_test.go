package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"faird/publish"
	"faird/publish/mosquitto"
	"faird/verdict"
)

// live are the verdicts that were not sent late.
func (p *plc) live() []verdict.Verdict {
	return slices.DeleteFunc(p.verdicts("cap"), func(v verdict.Verdict) bool { return v.Historical })
}

// newVerdict sends a trigger and returns the verdict that comes for it.
func (p *plc) newVerdict(payload string) verdict.Verdict {
	p.t.Helper()
	before := len(p.live())
	p.send(cap0+"/trigger", payload)
	until(p.t, time.Minute, "an answer to "+payload, func() bool { return len(p.live()) > before })
	return p.live()[before]
}

func (p *plc) invalid(payload, id, part, says string) {
	p.t.Helper()
	if v := p.newVerdict(payload); v.Reason != verdict.InvalidTrigger || v.Trigger.ID != id || v.Trigger.Part != part || !strings.Contains(v.Detail, says) {
		p.t.Errorf("%q: %s %s %q for %+v, want invalid_trigger for %q %q: %s", payload, v.Verdict, v.Reason, v.Detail, v.Trigger, id, part, says)
	}
}

// No part ever gets another's verdict, whatever a PLC sends, and whatever
// happens to the daemon in between.
func TestAVerdictBelongsToOnePart(t *testing.T) {
	broker := mosquitto.New(t)
	plc := connect(t, broker.URL())
	dir := t.TempDir()
	conf := write(t, dir, "faird.yaml", configText(t, broker.URL(), triggered("cap", demoCam, 20*time.Second)))
	p := start(t, dir, nil, "run", "--config", conf)
	plc.stateOf(cap0+"/state", time.Minute, "ready", ready)

	first := plc.newVerdict(`{"id":"t-1","part":"A"}`)
	if first.Score == nil || first.Trigger.Part != "A" {
		t.Fatalf("t-1 is not judged: %+v", first)
	}
	plc.invalid(`{"id":"t-1","part":"B"}`, "t-1", "B", `the part "A"`)
	plc.invalid(`{"id":"t-1"}`, "t-1", "", "no part")
	if v := plc.newVerdict(`{"id":"t-1","part":"A"}`); v.ID != first.ID {
		t.Errorf("the first part is answered with %s, want %s", v.ID, first.ID)
	}
	plc.invalid("{\"id\":\"T\xe4\"}", "", "", "not UTF-8")
	plc.invalid("{\"id\":\"T\xf6\"}", "", "", "not UTF-8")
	plc.invalid(`{"id":"t-2","id":"t-3"}`, "", "", `"id" is there twice`)
	plc.invalid(`1`, "", "", "want a JSON object, got a number")

	// Whole string buffers.
	nul := plc.newVerdict(`{"id":"nul","part":"N"}` + strings.Repeat("\x00", 80))
	mark := plc.newVerdict("\xef\xbb\xbf" + `{"id":"mark"}`)
	if nul.Score == nil || nul.Trigger.ID != "nul" || nul.Trigger.Part != "N" || mark.Score == nil || mark.Trigger.ID != "mark" {
		t.Errorf("%+v, %+v: want both judged", nul.Trigger, mark.Trigger)
	}
	if v := plc.newVerdict(strings.Repeat("\x00", 80)); v.Score == nil || v.Trigger.ID != "" {
		t.Errorf("an empty buffer is answered %s %s %q", v.Verdict, v.Reason, v.Detail)
	}

	_ = p.cmd.Process.Kill()
	<-p.exited
	plc.stateOf(boxTop+"/state", time.Minute, "offline", func(s map[string]any) bool { return s["state"] == "offline" })
	start(t, dir, nil, "run", "--config", conf)
	plc.stateOf(boxTop+"/state", time.Minute, "online and ready", func(s map[string]any) bool {
		stations, _ := s["stations"].(map[string]any)
		station, _ := stations["cap"].(map[string]any)
		return s["state"] == "online" && ready(station)
	})
	plc.invalid(`{"id":"t-1","part":"B"}`, "t-1", "B", `the part "A"`)
	if v := plc.newVerdict(`{"id":"t-1","part":"A"}`); v.ID != first.ID {
		t.Errorf("after the restart the first part is answered with %s, want %s", v.ID, first.ID)
	}
	plc.invalid(`{"id":"nul","part":"A"}`, "nul", "A", `the part "N"`)
}

func TestCommandsThatAreNotQuiteRight(t *testing.T) {
	broker := mosquitto.New(t)
	plc := connect(t, broker.URL())
	dir := t.TempDir()
	start(t, dir, nil, "run", "--config", write(t, dir, "faird.yaml", configText(t, broker.URL(), triggered("cap", demoCam, 20*time.Second))))
	plc.stateOf(cap0+"/state", time.Minute, "ready", ready)
	ask := func(station, command string) (r publish.Reply) {
		t.Helper()
		topic := boxTop + "/" + station + "/command"
		before := len(plc.on(topic + "/reply"))
		plc.send(topic, command)
		until(t, time.Minute, "a reply to "+command, func() bool { return len(plc.on(topic+"/reply")) > before })
		plc.last(topic+"/reply", &r)
		if r.Digest != publish.Digest([]byte(command)) || r.Time.IsZero() {
			t.Errorf("%s: %+v has no time, or nothing to match it by", command, r)
		}
		return r
	}
	limits := func(threshold, review any) {
		t.Helper()
		plc.stateOf(cap0+"/state", time.Minute, "the thresholds", func(s map[string]any) bool {
			return s["threshold"] == threshold && s["review"] == review && s["threshold_from"] == "override"
		})
	}
	if r := ask("cap", `{"id":1,"command":"threshold","threshold":0.5,"review":0.25}`); !r.OK || r.ID != "1" {
		t.Errorf("%+v", r)
	}
	limits(0.5, 0.25)
	for command, says := range map[string]string{
		`{"id":"2","command":"threshold","value":0.7}`:         `unknown key "value"`,
		`{"id":"2","command":"threshold"}`:                     "threshold is missing",
		`{"id":"2","command":"threshold","threshold":1000000}`: "out of range",
		`{"id":"2","command":"threshold","threshold":0.2}`:     "review is 0.25 and stays so",
	} {
		if r := ask("cap", command); r.OK || r.ID != "2" || !strings.Contains(r.Error, says) {
			t.Errorf("%s: %+v, want %q", command, r, says)
		}
	}
	if r := ask("cap", `{"id":"3","command":"threshold","threshold":0.75}`); !r.OK {
		t.Errorf("%+v", r)
	}
	limits(0.75, 0.25)
	if r := ask("lid", `{"id":"4","command":"pause"}`); r.OK || r.ID != "4" || r.Station != "lid" || !strings.Contains(r.Error, "it has cap") {
		t.Errorf("%+v", r)
	}
}
