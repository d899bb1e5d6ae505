package main

import (
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gocv.io/x/gocv"

	"faird/camera/line"
	"faird/model"
	"faird/model/demo"
	"faird/verdict"
)

// lineFrame writes a good part of the demo's line that lies dx, dy off its
// place, and returns where.
func lineFrame(t *testing.T, l *line.Line, path string, n uint64, dx, dy int) string {
	t.Helper()
	frame := gocv.NewMat()
	defer frame.Close()
	l.Render(n, &frame)
	moved, matrix := gocv.NewMat(), gocv.NewMatWithSize(2, 3, gocv.MatTypeCV64F)
	defer moved.Close()
	defer matrix.Close()
	for i, v := range []float64{1, 0, float64(dx), 0, 1, float64(dy)} {
		matrix.SetDoubleAt(i/3, i%3, v)
	}
	if err := gocv.WarpAffineWithParams(frame, &moved, matrix, image.Pt(frame.Cols(), frame.Rows()), gocv.InterpolationNearestNeighbor, gocv.BorderReflect, color.RGBA{}); err != nil {
		t.Fatal(err)
	}
	if !gocv.IMWrite(path, moved) {
		t.Fatalf("%s cannot be written", path)
	}
	return path
}

// The part of the demo's line, ten pixels off, scores as in its place where it
// is aligned, and not where it is not.
func TestScoreOfAPartOffItsPlace(t *testing.T) {
	dir := t.TempDir()
	l := line.New(line.Options{Seed: 5})
	defer l.Close()
	lineFrame(t, l, filepath.Join(dir, "reference.png"), 0, 0, 0)
	const roi = "roi: {x: 64, y: 112, w: 480, h: 480}"
	write(t, dir, "faird.yaml", configText(t, "",
		"  - {name: fixed, model: demo, camera: {url: 'demo://'}, "+roi+"}\n",
		"  - {name: aligned, model: demo, camera: {url: 'demo://'}, "+roi+", align: {reference: reference.png, mark: {x: 224, y: 272, w: 160, h: 160}, search: 40}}\n"))
	const parts = 3
	var places, shifted []string
	for n := range uint64(parts) {
		name := string(rune('a' + n))
		places = append(places, lineFrame(t, l, filepath.Join(dir, name+"0.png"), n, 0, 0))
		shifted = append(shifted, lineFrame(t, l, filepath.Join(dir, name+"10.png"), n, 10, 10))
	}
	off := map[string]float64{}
	for _, station := range []string{"fixed", "aligned"} {
		code, out, errs := run(t, dir, append([]string{"score", "--config", "faird.yaml", "--station", station, "--json", "--map", "maps"}, append(places, shifted...)...)...)
		var s []scored
		if code != 0 {
			t.Fatalf("%s: exit code %d: %s", station, code, errs)
		}
		strict(t, out, &s)
		for n := range parts {
			in, out := s[n], s[n+parts]
			if in.Score == nil || out.Score == nil {
				t.Fatalf("%s: %+v and %+v", station, in, out)
			}
			off[station] += math.Abs(*out.Score-*in.Score) / *in.Score / parts
			if a, b := in.Alignment, out.Alignment; station == "aligned" && math.Hypot(b.X-a.X-10, b.Y-a.Y-10) > 0.2 {
				t.Errorf("moved by 10, 10, found from %+v to %+v", a, b)
			}
		}
	}
	t.Logf("ten pixels change the score by %.1f%%, aligned by %.2f%%", 100*off["fixed"], 100*off["aligned"])
	if off["aligned"] > 0.03 || off["fixed"] < 2*off["aligned"] {
		t.Errorf("ten pixels change the score by %.1f%%, aligned by %.1f%%", 100*off["fixed"], 100*off["aligned"])
	}
	if maps := collectedPNGs(t, filepath.Join(dir, "maps"), 640, 640); maps != 2*parts {
		t.Errorf("%d maps of the camera's size", maps)
	}
}

// What collect saves is what the station judges: the same score, whichever way.
func TestCollectSeesWhatTheStationSees(t *testing.T) {
	dir := t.TempDir()
	l := line.New(line.Options{Seed: 5})
	defer l.Close()
	lineFrame(t, l, filepath.Join(dir, "reference.png"), 0, 0, 0)
	camera := filepath.Join(dir, "camera")
	if err := os.Mkdir(camera, 0o755); err != nil {
		t.Fatal(err)
	}
	frame := lineFrame(t, l, filepath.Join(camera, "a.png"), 3, 4, -7)
	const align = "align: {reference: reference.png, mark: {x: 224, y: 272, w: 160, h: 160}, search: 40}"
	write(t, dir, "faird.yaml", configText(t, "",
		"  - {name: turned, model: demo, "+anyPicture+", camera: {url: 'file://"+camera+"'}, roi: {x: 100, y: 150, w: 400, h: 380}, rotate: 12, flip: vertical, "+align+"}\n",
		"  - {name: two, model: demo, "+anyPicture+", camera: {url: 'file://"+camera+"'}, "+align+", regions: [{name: left, roi: {x: 90, y: 140, w: 200, h: 300}, rotate: 90}, {name: right, roi: {x: 300, y: 140, w: 200, h: 300}}]}\n",
		"  - {name: tiles, model: demo, "+anyPicture+", camera: {url: 'file://"+camera+"'}, roi: {x: 64, y: 112, w: 300, h: 480}, tiles: {}}\n"))
	score := func(args ...string) []scored {
		t.Helper()
		code, out, errs := run(t, dir, append([]string{"score", "--json"}, args...)...)
		var s []scored
		if code != 0 {
			t.Fatalf("exit code %d: %s", code, errs)
		}
		strict(t, out, &s)
		return s
	}
	collect := func(station string) {
		t.Helper()
		if code, _, errs := run(t, dir, "collect", "--config", "faird.yaml", "--station", station, "--count", "1", "--out", station); code != 0 {
			t.Fatalf("exit code %d: %s", code, errs)
		}
	}
	collect("turned")
	daemon := score("--config", "faird.yaml", "--station", "turned", frame)[0]
	saved := score(append([]string{"--model", "demo"}, pngs(t, filepath.Join(dir, "turned"))...)...)[0]
	if *daemon.Score != *saved.Score {
		t.Errorf("turned: the station scores %v, the saved picture %v", *daemon.Score, *saved.Score)
	}
	collect("two")
	daemon = score("--config", "faird.yaml", "--station", "two", frame)[0]
	for _, i := range daemon.Inspected {
		if saved := score(append([]string{"--model", "demo"}, pngs(t, filepath.Join(dir, "two", i.Region))...)...)[0]; *saved.Score != i.Score {
			t.Errorf("region %s: the station scores %v, the saved picture %v", i.Region, i.Score, *saved.Score)
		}
	}
	if len(daemon.Inspected) != 2 || *daemon.Verdict == verdict.NoRead {
		t.Errorf("got %+v", daemon)
	}
	collect("tiles")
	file, err := model.Parse(demo.Model())
	if err != nil {
		t.Fatal(err)
	}
	if n := collectedPNGs(t, filepath.Join(dir, "tiles"), file.Width, file.Height); n != 6 {
		t.Errorf("%d tiles of the model's size, want 2 x 3", n)
	}
}

func pngs(t *testing.T, dir string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*.png"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no pictures in %s: %v", dir, err)
	}
	for _, path := range paths {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := png.DecodeConfig(f); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		f.Close()
	}
	return paths
}

func TestScoreAsAStationBadInput(t *testing.T) {
	dir := t.TempDir()
	flatPNG(t, filepath.Join(dir, "a.png"), 100)
	config := write(t, dir, "faird.yaml", configText(t, "",
		"  - {name: cap, model: demo, camera: {url: 'demo://'}, roi: {x: 50, y: 50, w: 80, h: 80}}\n",
		"  - {name: none, model: none.onnx, camera: {url: 'demo://'}}\n"))
	for name, c := range map[string]struct {
		args []string
		code int
		says string
	}{
		"model and station": {[]string{"--station", "cap", "--model", "demo"}, 2, "leave out --model"},
		"unknown station":   {[]string{"--config", config, "--station", "cup"}, 1, "[cap none]"},
		"no model":          {[]string{"--config", config, "--station", "none"}, 1, "none.onnx"},
	} {
		code, out, errs := run(t, dir, append(append([]string{"score"}, c.args...), "a.png")...)
		if line := strings.TrimSpace(errs); code != c.code || !strings.Contains(line, c.says) || strings.Contains(line, "\n") || out != "" {
			t.Errorf("%s: exit code %d; stderr %q, stdout %q", name, code, line, out)
		}
	}
	code, out, _ := run(t, dir, "score", "--config", config, "--station", "cap", "a.png")
	if code != 0 || !strings.Contains(out, "no_read (unusable image: it is 90x90, the region of interest needs at least 130x130)") {
		t.Errorf("exit code %d: %q", code, out)
	}
}
