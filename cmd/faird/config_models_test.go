package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"faird/model"
)

// A model that does not give its own golden scores is named with its station,
// before any daemon is stopped for it.
func TestConfigCheckProvesModels(t *testing.T) {
	dir := t.TempDir()
	picture := filepath.Join(dir, "good.png")
	squarePNG(t, picture, 32, grey)
	png, err := os.ReadFile(picture)
	if err != nil {
		t.Fatal(err)
	}
	wrong := tinyModel(t, 0.3, model.GoldenSample{PNG: png, Score: 5, Tolerance: map[string]float64{model.Float32: 1e-3}})
	for name, c := range map[string]struct {
		model string
		code  int
		says  []string
	}{
		"right": {"demo", 0, []string{"station cap: its models give their golden scores", "is right"}},
		"wrong": {wrong, 1, []string{"station cap", "golden sample 0", "cannot be trusted"}},
	} {
		t.Run(name, func(t *testing.T) {
			text := configText(t, "", "  - {name: cap, camera: {url: 'demo://'}, model: '"+c.model+"', threshold: 0.5}\n")
			config := write(t, t.TempDir(), "faird.yaml", text)
			if code, out, errs := run(t, dir, "config", "check", "--config", config); code != 0 {
				t.Fatalf("without --models: %d, %s%s", code, out, errs)
			}
			code, out, errs := run(t, dir, "config", "check", "--models", "--config", config)
			if code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
			for _, s := range c.says {
				if !strings.Contains(out+errs, s) {
					t.Errorf("%q is not said in:\n%s%s", s, out, errs)
				}
			}
		})
	}
}
