package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"faird/train"
	"faird/train/fit"
)

// ringsPNG writes n images of good parts: rings on a shaded ground under a broad
// wave, whose periods across and down differ from part to part.
func ringsPNG(t *testing.T, dir string, n int) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		r := rand.New(rand.NewPCG(uint64(i), 5))
		m := image.NewRGBA(image.Rect(0, 0, 60, 40))
		cx, cy := 30+r.NormFloat64(), 20+r.NormFloat64()
		across, down := math.Pi*float64(i%6)/60, math.Pi*float64(i/6)/40
		for k := range 60 * 40 {
			x, y := float64(k%60), float64(k/60)
			v := 120 + 60*math.Sin(math.Hypot(x-cx, y-cy)/2) + 20*math.Cos(across*x)*math.Cos(down*y) + 4*r.NormFloat64()
			m.Set(k%60, k/60, color.RGBA{uint8(v), uint8(0.9 * v), uint8(0.8*v) + uint8(k%60/4), 255})
		}
		var b bytes.Buffer
		if err := png.Encode(&b, m); err != nil {
			t.Fatal(err)
		}
		write(t, dir, fmt.Sprintf("%03d.png", i), b.String())
	}
}

// tiny are the flags of a training that takes a moment.
func tiny(more ...string) []string {
	return append([]string{"train", "--good", "good", "--width", "8", "--size", "48x32", "--batch", "2", "--lr", "1e-3", "--seed", "7"}, more...)
}

// TestTrain makes a model and uses it.
func TestTrain(t *testing.T) {
	dir := t.TempDir()
	ringsPNG(t, filepath.Join(dir, "good"), 16)
	ringsPNG(t, filepath.Join(dir, "textures"), 3)
	code, out, errs := run(t, dir, tiny("--out", "m.onnx", "--steps", "12", "--textures", "textures", "--filter", "sobel_xy", "--ksize", "5",
		"--nsa", "--cutpaste", "authors", "--workers", "2", "--provider", "auto", "--preview", "sheet", "--json")...)
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, errs)
	}
	var r trained
	strict(t, out, &r)
	if r.File != "m.onnx" || r.Steps != 12 || r.Pictures != 11 || r.Parts != 16 || r.N != 5 || !(r.Threshold > 0) || r.Loss == nil || !(*r.Loss > 0) || r.Seconds <= 0 ||
		!strings.HasPrefix(r.Model, "sha256:") || r.Odd == nil || r.Broken == nil || r.FalseReject != 0.2 || r.Needed != 14 || // of five parts, one
		r.Precision != "int8" || r.Float32 == nil || *r.Float32 != "m.float32.onnx" || r.Quantised == nil || !(r.Quantised.Correlation > 0.5) {
		t.Errorf("%s", out)
	}
	for _, words := range []string{"learning from 16 pictures in good for 12 steps: network of width 8 for 48x32 pixels, sobel_xy filter", "s a step"} {
		if !strings.Contains(errs, words) {
			t.Errorf("%q does not say %q", errs, words)
		}
	}
	if left := files(t, dir); left != "good m.float32.onnx m.onnx sheet textures" {
		t.Errorf("files are %s", left)
	}
	isPNG(t, filepath.Join(dir, "sheet", train.PreviewName), 4*48)

	code, out, errs = run(t, dir, "score", "--model", "m.onnx", "--json", "good/000.png")
	var s []scored
	strict(t, out, &s)
	if code != 0 || len(s) != 1 || *s[0].Threshold != r.Threshold || *s[0].Verdict != "pass" {
		t.Errorf("exit code %d: %s%s", code, out, errs)
	}
}

// In words, with a broken picture among good ones and one that is not like the
// others.
func TestTrainInWords(t *testing.T) {
	dir := t.TempDir()
	good := filepath.Join(dir, "good")
	ringsPNG(t, good, 30)
	write(t, good, "900.png", "no picture")
	code, out, errs := run(t, dir, tiny("--out", "m.onnx", "--epochs", "1", "--false-reject", "0.5", "--hold-back", "0.5")...)
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, errs)
	}
	for _, words := range []string{
		"trained on 15 pictures: 8 steps in ", "brought to 8 bits for the CPU: scores correlate with float32's at ", "; that form is m.float32.onnx\n", "calibrated on the 15 held back:\n",
		"15 pictures: the false-reject rate is below 50% with 95% confidence\n", "threshold ", "left out: good/900.png", "written to m.onnx\n",
	} {
		if !strings.Contains(out, words) {
			t.Errorf("%q does not say %q", out, words)
		}
	}
	code, out, errs = run(t, dir, tiny("--out", "m.onnx", "--epochs", "1", "--precision", "float32")...)
	if code != 0 || !strings.Contains(out, "m.float32.onnx is of an earlier model, not of this one\n") || strings.Contains(out, "8 bits") {
		t.Errorf("in float32 alone: exit code %d: %s%s", code, out, errs)
	}
}

func isPNG(t *testing.T, path string, width int) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if c, err := png.DecodeConfig(f); err != nil || c.Width != width {
		t.Errorf("%s: %d pixels wide, want %d: %v", path, c.Width, width, err)
	}
}

// files are the names in a folder, in one line.
func files(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return strings.Join(names, " ")
}

func TestPreviewTrainsNothing(t *testing.T) {
	dir := t.TempDir()
	ringsPNG(t, filepath.Join(dir, "good"), 7)
	code, out, errs := run(t, dir, tiny("--preview", "a/b")...)
	if want := filepath.Join("a", "b", train.PreviewName); code != 0 || out != want+"\n" || errs != "" {
		t.Fatalf("exit code %d: %q %q", code, out, errs)
	}
	isPNG(t, filepath.Join(dir, "a", "b", train.PreviewName), 4*48)
	if left := files(t, dir); left != "a good" {
		t.Errorf("files are %s", left)
	}
}

// TestTrainBrokenOff stops one training with Ctrl-C and kills another; both go on
// to the same file as the one that nothing happened to.
func TestTrainBrokenOff(t *testing.T) {
	dir := t.TempDir()
	ringsPNG(t, filepath.Join(dir, "good"), 16)
	const steps = "150"
	if code, _, errs := run(t, dir, tiny("--out", "whole.onnx", "--steps", steps)...); code != 0 {
		t.Fatal(errs)
	}
	want, err := os.ReadFile(filepath.Join(dir, "whole.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		signal syscall.Signal
		code   int
		says   string
	}{
		{syscall.SIGINT, 1, "stopped; go on with the same flags and --resume m.ckpt"},
		{syscall.SIGTERM, 1, "stopped; go on with the same flags and --resume m.ckpt"},
		{syscall.SIGKILL, -1, ""},
	} {
		t.Run(c.signal.String(), func(t *testing.T) {
			p := start(t, dir, nil, tiny("--out", "m.onnx", "--steps", steps)...)
			until(t, time.Minute, "the first steps", func() bool { return strings.Contains(p.errs.String(), " to go, about") })
			if err := p.cmd.Process.Signal(c.signal); err != nil {
				t.Fatal(err)
			}
			if code := p.wait(20 * time.Second); code != c.code || !strings.Contains(p.errs.String(), c.says) || p.out.String() != "" {
				t.Fatalf("exit code %d: %s", code, p.errs.String())
			}
			if _, err := os.Stat(filepath.Join(dir, "m.onnx")); err == nil {
				t.Error("a model was written")
			}
			code, _, errs := run(t, dir, tiny("--out", "m.onnx", "--steps", steps)...)
			if code != 1 || !strings.Contains(errs, "--resume m.ckpt, or remove it") {
				t.Errorf("starting again over the checkpoint: exit code %d: %s", code, errs)
			}
			if code, _, errs := run(t, dir, tiny("--out", "m.onnx", "--steps", steps, "--resume", "m.ckpt", "--workers", "3")...); code != 0 {
				t.Fatal(errs)
			}
			got, err := os.ReadFile(filepath.Join(dir, "m.onnx"))
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("resumed, it made another model: %v", err)
			}
			if left := files(t, dir); left != "good m.float32.onnx m.onnx whole.float32.onnx whole.onnx" {
				t.Errorf("files are %s", left)
			}
			if err := os.Remove(filepath.Join(dir, "m.onnx")); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// Ctrl-C while pictures are read leaves nothing to go on from, and says so.
func TestExplain(t *testing.T) {
	dir := t.TempDir()
	there := write(t, dir, "m.ckpt", "")
	diverged := fmt.Errorf("%w: the loss of step 5 is NaN", fit.ErrDiverged)
	unsaved := fmt.Errorf("%w; %w: disk full", context.Canceled, fit.ErrUnsaved)
	for _, c := range []struct {
		err        error
		checkpoint string
		want       string
	}{
		{context.Canceled, there, "go on with the same flags and --resume " + there},
		{context.Canceled, filepath.Join(dir, "none"), "start again"},
		{unsaved, there, "the training is not saved: disk full"},
		{diverged, there, "the loss of step 5 is NaN; " + there + " has the last good state: go on from it with --resume " + there + " and a lower --lr than 0.5"},
		{errors.New("no pictures"), there, "no pictures"},
	} {
		o := trainOptions{}
		o.Checkpoint, o.Rate = c.checkpoint, 0.5
		if got := o.explain(c.err).Error(); !strings.Contains(got, c.want) {
			t.Errorf("%v: %q does not say %q", c.err, got, c.want)
		}
	}
}

func TestTrainBadInput(t *testing.T) {
	dir := t.TempDir()
	ringsPNG(t, filepath.Join(dir, "good"), 8)
	ringsPNG(t, filepath.Join(dir, "few"), 6)
	ringsPNG(t, filepath.Join(dir, "set", "test", "dent"), 8)
	ringsPNG(t, filepath.Join(dir, "broken"), 8)
	for _, name := range []string{"000.png", "001.png"} {
		if err := os.Truncate(filepath.Join(dir, "broken", name), 60); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "empty"), 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, dir, "text.ckpt", "not a checkpoint")
	write(t, dir, "old.ckpt", "of another day")
	for name, c := range map[string]struct {
		args []string
		code int
		says string
	}{
		"no folder":            {[]string{"--out", "m.onnx", "--good", ""}, 2, "--good"},
		"no model file":        {[]string{}, 2, "--out"},
		"an argument":          {[]string{"--out", "m.onnx", "good"}, 2, "--help"},
		"size of words":        {[]string{"--out", "m.onnx", "--size", "large"}, 2, "--size"},
		"half a size":          {[]string{"--out", "m.onnx", "--size", "320x"}, 2, "--size"},
		"three sides":          {[]string{"--out", "m.onnx", "--size", "32x32x3"}, 2, "--size"},
		"size not of sixteens": {[]string{"--out", "m.onnx", "--size", "100"}, 2, "100x100"},
		"narrow network":       {[]string{"--out", "m.onnx", "--width", "4"}, 2, "width 4"},
		"two budgets":          {[]string{"--out", "m.onnx", "--steps", "5", "--time", "1m"}, 2, "how long"},
		"no steps":             {[]string{"--out", "m.onnx", "--steps", "0"}, 2, "how long"},
		"time without a unit":  {[]string{"--out", "m.onnx", "--time", "20"}, 2, "--time"},
		"no batch":             {[]string{"--out", "m.onnx", "--batch", "0"}, 2, "batch"},
		"rate of none":         {[]string{"--out", "m.onnx", "--lr", "0"}, 2, "learning rate"},
		"unknown filter":       {[]string{"--out", "m.onnx", "--filter", "laplace"}, 2, "laplace"},
		"even Sobel":           {[]string{"--out", "m.onnx", "--filter", "sobel_x", "--ksize", "4"}, 2, "4"},
		"unknown cutpaste":     {[]string{"--out", "m.onnx", "--cutpaste", "torn"}, 2, "torn"},
		"no defects":           {[]string{"--out", "m.onnx", "--cutpaste", "off", "--no-texture"}, 2, "switched off"},
		"even smoothing":       {[]string{"--out", "m.onnx", "--smooth", "4"}, 2, "smooth"},
		"nothing held back":    {[]string{"--out", "m.onnx", "--hold-back", "0"}, 2, "held back"},
		"unknown precision":    {[]string{"--out", "m.onnx", "--precision", "int4"}, 2, "int4"},
		"no rate of rejects":   {[]string{"--out", "m.onnx", "--false-reject", "1"}, 2, "false-reject"},
		"TensorRT":             {[]string{"--out", "m.onnx", "--provider", "tensorrt"}, 2, "tensorrt"},
		"no such GPU":          {[]string{"--out", "m.onnx", "--steps", "1", "--provider", "cuda"}, 1, ""},
		"missing pictures":     {[]string{"--out", "m.onnx", "--good", "none"}, 1, "none"},
		"no pictures":          {[]string{"--out", "m.onnx", "--good", "empty"}, 1, "no images in empty"},
		"too few pictures":     {[]string{"--out", "m.onnx", "--good", "few"}, 1, "6 in few are too few: at least 7"},
		"a whole data set":     {[]string{"--out", "m.onnx", "--good", "set"}, 1, "set/train/good"},
		"broken pictures":      {[]string{"--out", "m.onnx", "--good", "broken"}, 1, "2 of 8"},
		"missing textures":     {[]string{"--out", "m.onnx", "--textures", "none"}, 1, "textures"},
		"model in no folder":   {[]string{"--out", "none/m.onnx"}, 1, "none"},
		"model as a folder":    {[]string{"--out", "good"}, 1, "folder"},
		"checkpoint nowhere":   {[]string{"--out", "m.onnx", "--checkpoint", "none/m.ckpt"}, 1, "none/m.ckpt"},
		"missing checkpoint":   {[]string{"--out", "m.onnx", "--resume", "none.ckpt"}, 1, "none.ckpt"},
		"text as a checkpoint": {[]string{"--out", "m.onnx", "--resume", "text.ckpt"}, 1, "text.ckpt"},
		"unfinished training":  {[]string{"--out", "old.onnx"}, 1, "old.ckpt"},
	} {
		t.Run(name, func(t *testing.T) {
			code, out, errs := run(t, dir, tiny(c.args...)...)
			line := strings.TrimSpace(errs)
			if i := strings.Index(line, "faird: "); i > 0 && strings.Contains(line[:i], "learning from") {
				line = line[i:] // what it was about to do comes before
			}
			if code != c.code || !strings.Contains(line, c.says) || strings.Contains(line, "\n") || line == "" || out != "" {
				t.Errorf("exit code %d, want %d; stderr %q, to say %q; stdout %q", code, c.code, errs, c.says, out)
			}
		})
	}
	if left := files(t, dir); left != "broken empty few good old.ckpt set text.ckpt" {
		t.Errorf("files are %s", left)
	}
}

func TestTrainBar(t *testing.T) {
	var b bytes.Buffer
	d := &trainDisplay{log: zerolog.Nop(), bar: newTrainBar(&b, 0)}
	d.show(train.Progress{Stage: train.Reading, Done: 3, Total: 9})
	d.show(train.Progress{Stage: train.Training, Done: 30, Progress: fit.Progress{Step: 30, Part: 0.3, Loss: 0.5, Left: time.Minute}})
	d.end()
	for _, words := range []string{"reading: 3 of 9 pictures", " 33%", "step 30, loss 0.5000", "1m0s left"} {
		if !strings.Contains(b.String(), words) {
			t.Errorf("the bar shows %q, not %q", b.String(), words)
		}
	}
}

// Without a terminal a long training says now and then where it is.
func TestTrainDisplay(t *testing.T) {
	var b bytes.Buffer
	d := &trainDisplay{log: zerolog.New(&b), plan: func(e *train.Examined) string { return fmt.Sprint("plan for ", e.Pictures) }, logged: time.Now()}
	if d.loss() != nil || d.lossWords() != "" {
		t.Error("there is a loss before any step")
	}
	d.show(train.Progress{Stage: train.Reading, Done: 1, Total: 9})
	d.show(train.Progress{Stage: train.Reading, Done: 9, Total: 9, Examined: &train.Examined{Pictures: 9, Parts: 8, Words: []string{"9 images show 8 parts"}}})
	p := train.Progress{Stage: train.Training, Total: 100}
	for step := range 10 {
		p.Done, p.Progress = 30+step, fit.Progress{
			Step: 30 + step, Loss: 0.5, MSE: 0.1, SSIM: 0.6, Rate: 1e-4, PerStep: 200 * time.Millisecond, Waiting: 0.031, Left: time.Duration(70-step) * 200 * time.Millisecond,
		}
		d.show(p)
	}
	d.logged = time.Now().Add(-logEvery)
	d.show(p)
	d.end()
	want := []string{"9 images show 8 parts", "plan for 9", "0.20 s a step: 13s to go, about 100 steps in all", "step 39, loss 0.5000 (MSE 0.10000, SSIM 0.6000), rate 0.0001, 0.20 s a step, 3.1% of it waiting for pictures, 12s left"}
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	if len(lines) != len(want) {
		t.Fatalf("%d lines, want %d:\n%s", len(lines), len(want), b.String())
	}
	for i := range want {
		if !strings.Contains(lines[i], want[i]) {
			t.Errorf("%s, want %s", lines[i], want[i])
		}
	}
	if d.lossWords() != ", loss 0.5000" {
		t.Error(d.lossWords())
	}
}
