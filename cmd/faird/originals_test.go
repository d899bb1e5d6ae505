package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"faird/publish/mosquitto"
	"faird/verdict"
)

// TestOriginals runs the daemon on the 17 camera-sized pictures, through
// mosquitto, and holds its verdicts against faird score and against scores that
// were computed independently.
func TestOriginals(t *testing.T) {
	pictures := shared(t, "datasets", "originals")
	network := shared(t, "models", "bottle_c16_128.onnx")
	var expected map[string]float64
	readJSON(t, shared(t, "models", "bottle_originals_scores.json"), &expected)
	files, err := filepath.Glob(filepath.Join(pictures, "*", "*.png"))
	if err != nil || len(files) != len(expected) {
		t.Fatalf("%d pictures for %d expected scores: %v", len(files), len(expected), err)
	}

	broker := mosquitto.New(t)
	plc := connect(t, broker.URL())
	dir := t.TempDir()
	path := write(t, dir, "faird.yaml", configText(t, broker.URL(), fmt.Sprintf(
		"  - {name: cap, model: %s, threshold: 0.14, camera: {url: 'file://%s/*/*.png'}, trigger: {mode: free}}\n", network, pictures)))
	p := start(t, dir, nil, "run", "--config", path)
	until(t, time.Minute, "17 verdicts", func() bool { return len(plc.verdicts("cap")) >= len(files) })
	if code, took := p.stop(); code != 0 || took > 5*time.Second {
		t.Errorf("stopped with exit code %d after %s, want 0 within 5 s", code, took)
	}

	scores := scoreJSON(t, network, files)
	vs := plc.verdicts("cap")
	if len(vs) != len(files) {
		t.Fatalf("%d verdicts for %d pictures", len(vs), len(files))
	}
	count := map[verdict.Kind]int{}
	for i, v := range vs {
		rel, _ := filepath.Rel(pictures, files[i])
		count[v.Verdict]++
		if v.Sequence != uint64(i+1) || filepath.Base(v.Source) != filepath.Base(files[i]) {
			t.Errorf("verdict %d is number %d of %s, want %s", i, v.Sequence, v.Source, rel)
		}
		if v.Score == nil || math.Abs(*v.Score-*scores[i].Score) > 1e-6 {
			t.Errorf("%s: score %v, faird score says %g", rel, v.Score, *scores[i].Score)
		}
		if math.Abs(*scores[i].Score-expected[rel]) > 1.5e-3 {
			t.Errorf("%s: score %g, independently %g", rel, *scores[i].Score, expected[rel])
		}
		if !v.Durable || v.Historical || v.Provider != "cpu" || len(v.Model) != 71 {
			t.Errorf("%s: durable %t, historical %t, provider %s, model %s", rel, v.Durable, v.Historical, v.Provider, v.Model)
		}
	}
	if count[verdict.Pass] != 8 || count[verdict.Fail] != 9 {
		t.Errorf("%v, want 8 pass and 9 fail", count)
	}
}

// scoreJSON is what faird score --json says of the files.
func scoreJSON(t *testing.T, network string, files []string) []scored {
	t.Helper()
	code, out, errs := run(t, t.TempDir(), append([]string{"score", "--json", "--model", network}, files...)...)
	if code != 0 {
		t.Fatalf("faird score: exit code %d: %s", code, errs)
	}
	var s []scored
	if err := json.Unmarshal([]byte(out), &s); err != nil {
		t.Fatalf("faird score --json printed %q: %v", out, err)
	}
	if len(s) != len(files) {
		t.Fatalf("faird score judged %d of %d files", len(s), len(files))
	}
	return s
}

func readJSON(t *testing.T, path string, into any) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(data, into)
	}
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}
