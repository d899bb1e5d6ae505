package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"faird/fair"
	"faird/model"
)

// labelled makes a folder of eight grey squares that pass for good, each with
// stripes of its own, and four white ones.
func labelled(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, kind := range []string{"good", "white"} {
		if err := os.MkdirAll(filepath.Join(dir, kind), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 8 {
		stripesPNG(t, filepath.Join(dir, "good", fmt.Sprintf("%d.png", i)), i)
	}
	for i := range 4 {
		flatPNG(t, filepath.Join(dir, "white", fmt.Sprintf("%d.png", i)), uint8(252+i))
	}
	return dir
}

// flatPNG writes an image of one grey.
func flatPNG(t *testing.T, path string, grey uint8) {
	t.Helper()
	greyPNG(t, path, func(int, int) uint8 { return grey })
}

// stripesPNG writes an image of faint stripes, a quarter of the image apart, that
// run in direction i of eight: each direction shows another part.
func stripesPNG(t *testing.T, path string, i int) {
	t.Helper()
	sin, cos := math.Sincos(float64(i) * math.Pi / 8)
	greyPNG(t, path, func(x, y int) uint8 {
		across := float64(x)*cos + float64(y)*sin
		return uint8(120 + 12*math.Sin(2*math.Pi*across/22))
	})
}

// greyPNG writes an image of 90x90 pixels of these greys.
func greyPNG(t *testing.T, path string, grey func(x, y int) uint8) {
	t.Helper()
	m := image.NewGray(image.Rect(0, 0, 90, 90))
	for i := range m.Pix {
		m.Pix[i] = grey(i%m.Stride, i/m.Stride)
	}
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestCalibrateThenEval walks from a model to its acceptance report, with the
// files and the JSON in between.
func TestCalibrateThenEval(t *testing.T) {
	data, dir := labelled(t), t.TempDir()
	code, out, errs := run(t, dir, "calibrate", "--model", "demo", "--good", filepath.Join(data, "good"), "--out", "m.onnx", "--force", "--json")
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, errs)
	}
	var c calibrated
	strict(t, out, &c)
	if c.N != 8 || !(c.Threshold > 0) || c.FalseReject != 0.001 || c.Needed != 2995 || !(c.Proven > 0.3 && c.Proven < 0.32) || c.Odd == nil || c.Broken == nil {
		t.Errorf("%s", out)
	}

	code, out, errs = run(t, dir, "eval", "--model", "m.onnx", "--data", data, "--report", "report", "--json")
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, errs)
	}
	var figures map[string]any
	strict(t, out, &figures)
	for _, key := range []string{"image_auroc", "pixel_auroc", "aupro_30", "images", "good", "defective", "threshold", "false_reject", "slip_through", "model"} {
		if _, ok := figures[key]; !ok {
			t.Errorf("no %s in %s", key, out)
		}
	}
	if len(figures) != 10 || figures["images"] != 12.0 || figures["good"] != 8.0 || figures["pixel_auroc"] != nil ||
		figures["threshold"] != c.Threshold || figures["model"] != c.Model {
		t.Errorf("%s", out)
	}
	if rejected := figures["false_reject"].(map[string]any); rejected["rate"] != 0.0 || len(rejected) != 3 {
		t.Errorf("false rejects among the pictures that set the threshold: %v", rejected)
	}
	page, err := os.ReadFile(filepath.Join(dir, "report", "report.html"))
	if err != nil || !bytes.Contains(page, []byte(c.Model)) || bytes.Count(page, []byte("<img")) != 36 {
		t.Errorf("the report does not name the model, or not every picture: %v", err)
	}
}

// strict reads one JSON document and nothing else.
func strict(t *testing.T, text string, v any) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil || d.More() {
		t.Fatalf("not one JSON document: %q: %v", text, err)
	}
}

// Calibrating in place changes the file's threshold, and says in words what the
// pictures prove.
func TestCalibrateInPlace(t *testing.T) {
	good, dir := filepath.Join(labelled(t), "good"), t.TempDir()
	if code, _, errs := run(t, dir, "calibrate", "--model", "demo", "--good", good, "--out", "m.onnx", "--force"); code != 0 {
		t.Fatal(errs)
	}
	before, err := os.ReadFile(filepath.Join(dir, "m.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	code, out, errs := run(t, dir, "calibrate", "--model", "m.onnx", "--good", good, "--false-reject", "0.4", "--force")
	if code != 0 {
		t.Fatal(errs)
	}
	after, err := os.ReadFile(filepath.Join(dir, "m.onnx"))
	if err != nil || bytes.Equal(before, after) {
		t.Errorf("the file is as it was: %v", err)
	}
	for _, words := range []string{"8 pictures: the false-reject rate is below 40% with 95% confidence\n", "threshold ", "written to m.onnx"} {
		if !strings.Contains(out, words) {
			t.Errorf("%q does not say %q", out, words)
		}
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 {
		t.Errorf("%d files are left beside the model: %v", len(left), err)
	}
}

// Other constants of the score are a matter of calibration, not of training.
func TestCalibrateWithOtherConstants(t *testing.T) {
	good, dir := filepath.Join(labelled(t), "good"), t.TempDir()
	var before calibrated
	for _, c := range []struct {
		flags []string
		want  fair.Scoring
	}{
		{[]string{"--k", "0.002", "--smooth", "9"}, fair.Scoring{K: 0.002, Smooth: 9, Scales: 2}},
		{[]string{"--smooth", "31"}, fair.Scoring{K: 0.002, Smooth: 31, Scales: 2}},
	} {
		args := []string{"calibrate", "--model", "demo", "--good", good, "--out", "m.onnx", "--force", "--json"}
		if before.Model != "" {
			args[2] = "m.onnx"
		}
		code, out, errs := run(t, dir, append(args, c.flags...)...)
		if code != 0 {
			t.Fatal(errs)
		}
		var r calibrated
		strict(t, out, &r)
		file, err := model.Read(filepath.Join(dir, "m.onnx"))
		if err != nil {
			t.Fatal(err)
		}
		if file.Scoring != c.want || r.Threshold == before.Threshold || len(file.Golden) != 4 {
			t.Errorf("%v: scoring %+v, threshold %v after %v", c.flags, file.Scoring, r.Threshold, before.Threshold)
		}
		before = r
	}
	// Another score is made of other scales, and the colour's weight has no part in it.
	for _, c := range []struct {
		score  string
		scales int
	}{{"normalised", 1}, {"paper", 2}} {
		if code, _, errs := run(t, dir, "calibrate", "--model", "m.onnx", "--good", good, "--out", c.score+".onnx", "--force", "--score", c.score); code != 0 {
			t.Fatal(errs)
		}
		file, err := model.Read(filepath.Join(dir, c.score+".onnx"))
		if err != nil || file.Scoring.Scales != c.scales || (file.Normal != nil) != (c.score == "normalised") {
			t.Errorf("%s: %d scales, normal %v: %v", c.score, file.Scoring.Scales, file.Normal != nil, err)
		}
	}
	code, _, errs := run(t, dir, "calibrate", "--model", "normalised.onnx", "--good", good, "--k", "0.01")
	if code != 2 || !strings.Contains(errs, "--k weighs the colour of the paper's score") {
		t.Errorf("--k for a normalised score: exit code %d: %s", code, errs)
	}
	if code, out, errs := run(t, dir, "eval", "--model", "m.onnx", "--data", filepath.Dir(good), "--json"); code != 0 || !strings.Contains(out, before.Model) {
		t.Errorf("exit code %d: %s", code, errs)
	}
}

func TestEvalInWords(t *testing.T) {
	code, out, errs := run(t, t.TempDir(), "eval", "--model", "demo", "--data", labelled(t), "--threshold", "1e-9")
	if code != 0 {
		t.Fatal(errs)
	}
	for _, words := range []string{
		"12 pictures, 8 good and 4 defective", "pixel AUROC   unknown: needs truth masks",
		"false reject  8 of 8 (100%); with 95% confidence the true rate is above 63%",
		"slip-through  0 of 4 (0%); with 95% confidence the true rate is below 60.3%",
	} {
		if !strings.Contains(out, words) {
			t.Errorf("%s\ndoes not say %q", out, words)
		}
	}
}

func TestProveBadInput(t *testing.T) {
	data, empty := labelled(t), t.TempDir()
	whole := t.TempDir()
	if err := os.MkdirAll(filepath.Join(whole, "test", "good"), 0o755); err != nil {
		t.Fatal(err)
	}
	broken := labelled(t)
	if err := os.Truncate(filepath.Join(broken, "good", "3.png"), 40); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		args []string
		code int
		says string
	}{
		"eval without a model":          {[]string{"eval", "--data", data}, 2, "--model"},
		"eval without data":             {[]string{"eval", "--model", "demo"}, 2, "--data"},
		"eval at no threshold":          {[]string{"eval", "--model", "demo", "--data", data, "--threshold", "0"}, 2, "--threshold"},
		"eval of an argument":           {[]string{"eval", data}, 2, "--help"},
		"eval of nothing":               {[]string{"eval", "--model", "demo", "--data", empty}, 1, "no labelled pictures"},
		"eval of no folder":             {[]string{"eval", "--model", "demo", "--data", empty + "/none"}, 1, "no such folder"},
		"eval of broken pictures":       {[]string{"eval", "--model", "demo", "--data", broken}, 1, "good/3.png"},
		"eval with no model":            {[]string{"eval", "--model", empty + "/m.onnx", "--data", data}, 1, "m.onnx"},
		"report into a file":            {[]string{"eval", "--model", "demo", "--data", data, "--report", data + "/good/0.png"}, 1, "report"},
		"calibrate without a model":     {[]string{"calibrate", "--good", data}, 2, "--model"},
		"calibrate without pictures":    {[]string{"calibrate", "--model", "m.onnx"}, 2, "--good"},
		"calibrate the built-in model":  {[]string{"calibrate", "--model", "demo", "--good", data}, 2, "--out"},
		"calibrate with even smoothing": {[]string{"calibrate", "--model", "demo", "--good", data, "--out", empty + "/m.onnx", "--smooth", "4"}, 2, "smooth"},
		"calibrate for no rate":         {[]string{"calibrate", "--model", "m.onnx", "--good", data, "--false-reject", "0"}, 2, "false-reject"},
		"calibrate on nothing":          {[]string{"calibrate", "--model", "demo", "--out", empty + "/m.onnx", "--good", empty}, 1, "no images in"},
		"calibrate on too few":          {[]string{"calibrate", "--model", "demo", "--out", empty + "/m.onnx", "--good", data + "/white"}, 1, "at least 5"},
		"calibrate on a whole data set": {[]string{"calibrate", "--model", "demo", "--out", empty + "/m.onnx", "--good", whole}, 1, "whole data set"},
		"calibrate on broken pictures":  {[]string{"calibrate", "--model", "demo", "--out", empty + "/m.onnx", "--good", broken, "--force"}, 1, "good/3.png"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, out, errs := run(t, t.TempDir(), c.args...)
			line := strings.TrimSpace(withoutProgress(errs))
			if code != c.code || !strings.Contains(line, c.says) || strings.Contains(line, "\n") || out != "" {
				t.Errorf("exit code %d, want %d; stderr %q, to say %q; stdout %q", code, c.code, line, c.says, out)
			}
		})
	}
}

// howFar is the line that long work writes every ten seconds; on a busy machine
// any work may be long.
var howFar = regexp.MustCompile(`(?m)^\S+ INF (scoring good|judging) pictures done=\d+ of=\d+\n`)

func withoutProgress(errs string) string { return howFar.ReplaceAllString(errs, "") }

// Without a terminal, work that takes long says so now and then.
func TestLogProgress(t *testing.T) {
	var b bytes.Buffer
	now := time.Unix(0, 0)
	tell := logProgress(zerolog.New(&b), "judging", func() time.Time { return now })
	for i := range 10 {
		now = now.Add(4 * time.Second)
		tell(i+1, 10)
	}
	want := []string{`{"level":"info","done":3,"of":10,"message":"judging"}`, `"done":6,`, `"done":9,`}
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	if len(lines) != len(want) {
		t.Fatalf("%d lines, want %d:\n%s", len(lines), len(want), b.String())
	}
	for i := range want {
		if !strings.Contains(lines[i], want[i]) {
			t.Errorf("%s, want %s", lines[i], want[i])
		}
	}
}

func TestBarProgress(t *testing.T) {
	var b bytes.Buffer
	tell, end := barProgress(&b, "judging")
	tell(1, 3)
	tell(3, 3)
	end()
	if !strings.Contains(b.String(), "judging") || !strings.Contains(b.String(), "/3)") || !strings.HasSuffix(b.String(), "\r") {
		t.Errorf("the bar shows %q, to end with an empty line", b.String())
	}
}
