package main

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"faird/publish/mosquitto"
	"faird/verdict"
)

// storePath is the folder that a config of configText keeps its data in.
func storePath(t *testing.T, config string) string {
	t.Helper()
	m := regexp.MustCompile(`store: \{path: ([^}]+)\}`).FindStringSubmatch(config)
	if m == nil {
		t.Fatal("no store.path in the config")
	}
	return m[1]
}

func TestReload(t *testing.T) {
	broker := mosquitto.New(t)
	plc := connect(t, broker.URL())
	dir := t.TempDir()
	text := configText(t, broker.URL(), free("cap", "demo://?seed=7&rate=5&defects=0"))
	path := write(t, dir, "faird.yaml", text)
	p := start(t, dir, nil, "run", "--config", path)
	plc.stateOf(cap0+"/state", time.Minute, "ready", ready)
	until(t, 20*time.Second, "verdicts", func() bool { return len(plc.verdicts("cap")) > 2 })

	// A threshold takes effect without a restart and without a missing sequence number.
	write(t, dir, "faird.yaml", strings.Replace(text, "model: demo", "model: demo, threshold: 0.0001", 1))
	plc.stateOf(cap0+"/state", 10*time.Second, "threshold from the config", func(s map[string]any) bool { return s["threshold_from"] == "config" })
	n := len(plc.verdicts("cap"))
	until(t, 10*time.Second, "more verdicts", func() bool { return len(plc.verdicts("cap")) > n+2 })
	vs := plc.verdicts("cap")
	if v := vs[len(vs)-1]; v.Verdict != verdict.Fail || *v.Threshold != 0.0001 {
		t.Errorf("%s with threshold %g after the reload, want fail with 0.0001", v.Verdict, *v.Threshold)
	}
	for i, v := range vs {
		if v.Sequence != uint64(i+1) {
			t.Fatalf("verdict %d has sequence %d: one was lost or repeated", i, v.Sequence)
		}
	}

	// A bad file changes nothing and says why.
	write(t, dir, "faird.yaml", strings.Replace(text, "model: demo", "model: demo, treshold: 0.3", 1))
	until(t, 10*time.Second, "the mistake in the log", func() bool { return strings.Contains(p.errs.String(), "treshold") })
	n = len(plc.verdicts("cap"))
	until(t, 10*time.Second, "verdicts go on", func() bool { return len(plc.verdicts("cap")) > n })
	if v := plc.verdicts("cap")[n]; *v.Threshold != 0.0001 {
		t.Errorf("threshold %g after a bad file, want the old 0.0001", *v.Threshold)
	}

	// A station more, by SIGHUP; and the first one gone.
	write(t, dir, "faird.yaml", strings.Replace(text, "name: cap", "name: lid", 1))
	if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	plc.stateOf(boxTop+"/lid/state", 20*time.Second, "ready", ready)
	until(t, 10*time.Second, "the removed station's retained state is cleared", func() bool {
		all := plc.on(cap0 + "/state")
		return len(all[len(all)-1].payload) == 0
	})
	if code, _ := p.stop(); code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
}

func TestIgnoreMaskReload(t *testing.T) {
	broker := mosquitto.New(t)
	plc := connect(t, broker.URL())
	dir := t.TempDir()
	mask := write(t, dir, "mask.png", "")
	squarePNG(t, mask, 640, black)
	text := configText(t, broker.URL(), fmt.Sprintf(
		"  - {name: cap, model: demo, "+anyPicture+", ignore_mask: %s, camera: {url: '%s'}, trigger: {mode: free}}\n", mask, demoCam))
	path := write(t, dir, "faird.yaml", text)
	p := start(t, dir, nil, "run", "--config", path)
	until(t, time.Minute, "verdicts", func() bool { return len(plc.verdicts("cap")) > 0 })
	first := plc.verdicts("cap")[0]
	if first.Score == nil || *first.Score <= 0 {
		t.Fatalf("%s %s with an empty mask, want a score above 0", first.Verdict, first.Detail)
	}
	cornerPNG(t, mask, 640) // all but a corner of the belt is ignored
	if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	until(t, 20*time.Second, "the mask is in force", func() bool {
		vs := plc.verdicts("cap")
		last := vs[len(vs)-1]
		return last.Score != nil && *last.Score < *first.Score/2
	})
	if err := os.WriteFile(mask, []byte("no picture"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	until(t, 20*time.Second, "the broken mask in the log", func() bool { return strings.Contains(p.errs.String(), "mask.png") })
	n := len(plc.verdicts("cap"))
	until(t, 10*time.Second, "verdicts go on", func() bool { return len(plc.verdicts("cap")) > n })
}
