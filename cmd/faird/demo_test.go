package main

import (
	"encoding/json"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"faird/config"
	"faird/store"
)

// TestDemo runs the demo as a new user would, and follows its own advice to
// watch it.
func TestDemo(t *testing.T) {
	listen := "127.0.0.1:" + strconv.Itoa(freePort(t))
	p := start(t, t.TempDir(), nil, "demo", "--for", "30s", "--page", "127.0.0.1:0", "--rate", "4", "--listen", listen)
	until(t, 2*time.Minute, "the five lines", func() bool { return strings.Contains(p.out.String(), "stop: ") })
	lines := strings.Split(p.out.String(), "\n")[:5]
	for i, want := range []string{"simulated line", "model:", "mosquitto_sub -h 127.0.0.1 -p " + strings.Split(listen, ":")[1], "page:    http://127.0.0.1:", "Ctrl-C"} {
		if !strings.Contains(lines[i], want) {
			t.Errorf("line %d is %q, want it to say %q", i+1, lines[i], want)
		}
	}
	plc := connect(t, "tcp://"+listen)
	until(t, 30*time.Second, "verdicts on the broker", func() bool { return len(plc.on("faird/demo/box1/cap/verdict")) > 3 })
	if code := p.wait(2 * time.Minute); code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
	m := regexp.MustCompile(`(\d+) of (\d+) verdicts published`).FindStringSubmatch(p.out.String())
	if m == nil || m[1] != m[2] || m[1] == "0" {
		t.Errorf("the last line says %v", m)
	}
}

// TestDemoFailsWithoutVerdicts holds that a demo which published nothing says so.
func TestDemoFailsWithoutVerdicts(t *testing.T) {
	s, err := store.Open(config.Store{Path: t.TempDir(), MaxBytes: 1 << 20}, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, c := range []struct {
		good, noRead int
		fails        bool
	}{{0, 0, true}, {0, 5, true}, {1, 0, false}} {
		tally := tally{out: io.Discard, good: c.good, noRead: c.noRead}
		if tally.finish(&daemon{store: s}); (tally.err != nil) != c.fails {
			t.Errorf("%d good and %d not read: error %v", c.good, c.noRead, tally.err)
		}
	}
}

func TestBench(t *testing.T) {
	code, out, errs := run(t, t.TempDir(), "bench", "--frames", "20", "--stations", "3", "--json")
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, errs)
	}
	var r benchReport
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatalf("%q: %v", out, err)
	}
	if r.Provider != "cpu" || r.Frames != 20 || r.FPS <= 0 || r.NetworkFPS <= 0 || r.PeakRSSMB <= 0 {
		t.Errorf("%+v", r)
	}
	if p := r.Published; p == nil || p.Frames != 20 || p.Rate <= 0 {
		t.Fatalf("published: %+v", p)
	}
	if s := r.Together; s == nil || s.Stations != 3 || len(s.Shares) != 3 || s.FPS <= 0 || s.SingleFPS <= 0 || slices.Min(s.Shares) <= 0 {
		t.Fatalf("together: %+v", s)
	}
	r.LatencyMS["published"], r.LatencyMS["decided"] = r.Published.Latency, r.Published.Decided
	for _, stage := range []string{"total", "prepare", "restore", "score", "published", "decided"} {
		if p := r.LatencyMS[stage]; p.P50 <= 0 || p.P50 > p.P95 || p.P95 > p.P99 {
			t.Errorf("%s: %+v", stage, p)
		}
	}
}

func TestVersion(t *testing.T) {
	code, out, _ := run(t, t.TempDir(), "version")
	if code != 0 || !strings.Contains(out, "OpenCV       4.") || !regexp.MustCompile(`ONNX Runtime 1\.\d+`).MatchString(out) {
		t.Errorf("exit code %d: %s", code, out)
	}
}

func TestHelp(t *testing.T) {
	for _, command := range []string{"", "run", "demo", "collect", "train", "calibrate", "eval", "score", "bench", "config", "config check", "config show", "version", "replay", "user", "user add", "token add"} {
		args := append(strings.Fields(command), "--help")
		if code, out, errs := run(t, t.TempDir(), args...); code != 0 || !strings.Contains(out, "Usage:") || errs != "" {
			t.Errorf("faird %s: exit code %d, stdout %q, stderr %q", strings.Join(args, " "), code, out, errs)
		}
	}
}
