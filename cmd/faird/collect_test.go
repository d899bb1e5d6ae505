package main

import (
	"fmt"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// collectedPNGs are the pictures in a folder, each whole and of w x h pixels.
func collectedPNGs(t *testing.T, dir string, w, h int) int {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*.png"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		m, err := png.Decode(f)
		if err != nil || m.Bounds().Dx() != w || m.Bounds().Dy() != h {
			t.Errorf("%s: %v, want %dx%d: %v", path, m.Bounds(), w, h, err)
		}
		f.Close()
	}
	return len(paths)
}

func TestCollectFromACamera(t *testing.T) {
	dir := t.TempDir()
	for round := 1; round <= 2; round++ { // the second adds to the first
		code, out, errs := run(t, dir, "collect", "--camera", "demo://?size=128&rate=100", "--count", "3", "--out", "a/good")
		if code != 0 || out != "3 pictures saved in a/good\n" || errs != "" {
			t.Fatalf("exit code %d: %q %q", code, out, errs)
		}
		if n := collectedPNGs(t, filepath.Join(dir, "a", "good"), 128, 128); n != 3*round {
			t.Errorf("%d pictures after round %d", n, round)
		}
	}
}

// A station's pictures are those its model will see, and the model need not
// exist yet.
func TestCollectFromAStation(t *testing.T) {
	dir := t.TempDir()
	config := write(t, dir, "faird.yaml", configText(t, "", "  - {name: cap, model: yet-to-come.onnx, camera: {url: 'demo://?size=200&rate=100'}, roi: {x: 20, y: 40, w: 100, h: 64}}\n"))
	code, out, errs := run(t, dir, "collect", "--config", config, "--station", "cap", "--count", "2", "--every", "10ms", "--out", "good", "--json")
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, errs)
	}
	var c collected
	strict(t, out, &c)
	if n := collectedPNGs(t, filepath.Join(dir, "good"), 100, 64); n != 2 || c != (collected{"good", 2}) {
		t.Errorf("%d pictures, said %+v", n, c)
	}
}

func TestCollectLeavesBrokenPicturesOut(t *testing.T) {
	dir := t.TempDir()
	for i := range 5 {
		flatPNG(t, filepath.Join(dir, fmt.Sprintf("%d.png", i)), 100)
	}
	if err := os.Truncate(filepath.Join(dir, "2.png"), 50); err != nil {
		t.Fatal(err)
	}
	code, out, errs := run(t, dir, "collect", "--camera", "file://"+dir, "--count", "4", "--out", "good")
	if code != 0 || !strings.Contains(errs, "2.png") || out != "4 pictures saved in good\n" {
		t.Errorf("exit code %d: %q %q", code, out, errs)
	}
	if n := collectedPNGs(t, filepath.Join(dir, "good"), 90, 90); n != 4 {
		t.Errorf("%d pictures", n)
	}
}

func TestCollectStops(t *testing.T) {
	p := start(t, t.TempDir(), nil, "collect", "--camera", "demo://?size=128&rate=20", "--count", "100000", "--out", "good")
	until(t, 30*time.Second, "the first pictures", func() bool { return collectedPNGsNow(p.cmd.Dir) > 1 })
	if err := p.cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if code := p.wait(10 * time.Second); code != 1 || !strings.Contains(p.errs.String(), "of 100000 pictures saved in good: stopped") {
		t.Errorf("exit code %d", code)
	}
	collectedPNGs(t, filepath.Join(p.cmd.Dir, "good"), 128, 128)
}

func collectedPNGsNow(dir string) int {
	paths, _ := filepath.Glob(filepath.Join(dir, "good", "*.png")) // the pattern is a good one
	return len(paths)
}

func TestCollectBadInput(t *testing.T) {
	dir := t.TempDir()
	three := filepath.Join(dir, "three")
	if err := os.Mkdir(three, 0o755); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		flatPNG(t, filepath.Join(three, fmt.Sprintf("%d.png", i)), 100)
	}
	station := func(line string) string {
		return write(t, t.TempDir(), "faird.yaml", configText(t, "", "  - {name: cap, model: demo, "+line+"}\n"))
	}
	config := station("camera: {url: 'file://" + three + "'}, roi: {x: 50, y: 50, w: 80, h: 80}")
	gone := station("camera: {url: 'v4l2:///dev/video99', open_timeout: 500ms, read_timeout: 500ms}")
	file := write(t, dir, "file", "")
	for name, c := range map[string]struct {
		args []string
		code int
		says string
	}{
		"nowhere":            {[]string{"--camera", "demo://"}, 2, "--out"},
		"no pictures":        {[]string{"--camera", "demo://", "--out", "good", "--count", "0"}, 2, "--count"},
		"back in time":       {[]string{"--camera", "demo://", "--out", "good", "--every", "-1s"}, 2, "--every"},
		"no camera":          {[]string{"--out", "good"}, 2, "--station"},
		"two cameras":        {[]string{"--out", "good", "--camera", "demo://", "--station", "cap"}, 2, "not both"},
		"unknown scheme":     {[]string{"--out", "good", "--camera", "ftp://cap"}, 1, "ftp"},
		"no config":          {[]string{"--out", "good", "--config", dir + "/none.yaml", "--station", "cap"}, 1, "none.yaml"},
		"unknown station":    {[]string{"--out", "good", "--config", config, "--station", "cup"}, 1, "[cap]"},
		"roi beyond picture": {[]string{"--out", "good", "--config", config, "--station", "cap"}, 1, "90x90"},
		"too few in folder":  {[]string{"--out", dir + "/some", "--camera", "file://" + three, "--count", "5"}, 1, "3 of 5 pictures saved"},
		"missing camera":     {[]string{"--out", "good", "--config", gone, "--station", "cap"}, 1, "video99"},
		"a file as folder":   {[]string{"--out", file, "--camera", "demo://"}, 1, "--out"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, out, errs := run(t, t.TempDir(), append([]string{"collect"}, c.args...)...)
			line := strings.TrimSpace(errs)
			if code != c.code || !strings.Contains(line, c.says) || strings.Contains(line, "\n") || out != "" {
				t.Errorf("exit code %d, want %d; stderr %q, to say %q; stdout %q", code, c.code, line, c.says, out)
			}
		})
	}
	t.Cleanup(func() {
		if n := collectedPNGs(t, filepath.Join(dir, "some"), 90, 90); n != 3 {
			t.Errorf("%d of the folder's three pictures were saved", n)
		}
	})
}
