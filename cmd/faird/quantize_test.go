package main

import (
	"path/filepath"
	"strings"
	"testing"

	"faird/model"
	"faird/model/demo/small"
)

// TestQuantize trains a small model, brings it to 8 bits and uses it.
func TestQuantize(t *testing.T) {
	dir := t.TempDir()
	ringsPNG(t, filepath.Join(dir, "good"), 16)
	ringsPNG(t, filepath.Join(dir, "set", "good"), 3)
	ringsPNG(t, filepath.Join(dir, "set", "strange"), 1)
	if code, _, errs := run(t, dir, tiny("--out", "m.onnx", "--steps", "12", "--precision", "float32")...); code != 0 {
		t.Fatal(errs)
	}
	code, out, errs := run(t, dir, "quantize", "--model", "m.onnx", "--good", "good", "--out", "m.int8.onnx", "--data", "set", "--force", "--json")
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, errs)
	}
	var q quantisation
	strict(t, out, &q)
	if q.Target != "cpu" || len(q.Trials) < 2 || len(q.Chosen.Float) < 2 || q.Chosen.Error > 1e-3 || q.N != 16 || !(q.Threshold > 0) ||
		q.Float32 == nil || q.Int8 == nil || q.Int8.ImageAUROC == nil || q.Int8.Model != q.Model || q.Float32.Model == q.Model {
		t.Errorf("%s", out)
	}
	file, err := model.Read(filepath.Join(dir, "m.int8.onnx"))
	if err != nil || file.Quantization == nil || file.Hash != q.Model {
		t.Errorf("%+v, %v", file, err)
	}
	code, out, errs = run(t, dir, "score", "--model", "m.int8.onnx", "--json", "good/000.png")
	var s []scored
	strict(t, out, &s)
	if code != 0 || len(s) != 1 || *s[0].Threshold != q.Threshold {
		t.Errorf("exit code %d: %s%s", code, out, errs)
	}

	code, out, errs = run(t, dir, "quantize", "--model", "m.onnx", "--good", "good", "--out", "trt.onnx", "--target", "tensorrt", "--ranges", "mse", "--keep-float", "out", "--force")
	for _, words := range []string{"8 bits for tensorrt, ranges by mse; in float32 stay out\n", "scores: correlation ", "16 pictures: ", "written to trt.onnx"} {
		if code != 0 || !strings.Contains(out, words) {
			t.Errorf("exit code %d: %q does not say %q: %s", code, out, words, errs)
		}
	}
}

// A model whose verdicts on its golden samples would change is not written.
func TestQuantizeRefuses(t *testing.T) {
	dir := t.TempDir()
	ringsPNG(t, filepath.Join(dir, "good"), 16)
	if code, _, errs := run(t, dir, tiny("--out", "m.onnx", "--steps", "12", "--precision", "float32")...); code != 0 {
		t.Fatal(errs)
	}
	file, err := model.Read(filepath.Join(dir, "m.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	file.Calibration.Threshold = file.Golden[0].Score / 2 // good samples fail
	for i := range file.Golden {
		for precision := range file.Golden[i].Tolerance {
			file.Golden[i].Tolerance[precision] = 1e-3 * file.Calibration.Threshold
		}
	}
	if err := model.Write(filepath.Join(dir, "m.onnx"), file); err != nil {
		t.Fatal(err)
	}
	code, out, errs := run(t, dir, "quantize", "--model", "m.onnx", "--good", "good", "--out", "m.int8.onnx", "--ranges", "mse", "--keep-float", "out")
	if code != 1 || !strings.Contains(errs, "not written: verdicts on golden samples change: golden sample 0") || !strings.Contains(out, "correlation") {
		t.Errorf("exit code %d: %s%s", code, out, errs)
	}
	if left := files(t, dir); left != "good m.onnx" {
		t.Errorf("files are %s", left)
	}
}

func TestQuantizeBadInput(t *testing.T) {
	dir := t.TempDir()
	ringsPNG(t, filepath.Join(dir, "good"), 2)
	write(t, dir, "m.onnx", string(small.Model()))
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"--good", "good", "--out", "o.onnx"}, 2, "--model is missing"},
		{[]string{"--model", "demo", "--out", "o.onnx"}, 2, "--good is missing"},
		{[]string{"--model", "demo", "--good", "good"}, 2, "--out is missing"},
		{[]string{"--model", "demo", "--good", "good", "--out", "o.onnx", "--target", "npu"}, 2, "choose cpu or tensorrt"},
		{[]string{"--model", "none.onnx", "--good", "good", "--out", "o.onnx"}, 1, "none.onnx"},
		{[]string{"--model", "demo", "--good", "nowhere", "--out", "o.onnx"}, 1, "nowhere"},
		{[]string{"--model", "m.onnx", "--good", "good", "--out", "o.onnx"}, 1, "too few"},
		{[]string{"--model", "demo", "--good", "good", "--out", "o.onnx"}, 1, "start from the float32 one"},
	} {
		code, _, errs := run(t, dir, append([]string{"quantize"}, c.args...)...)
		if code != c.code || !strings.Contains(errs, c.want) {
			t.Errorf("%v: exit code %d: %s, want %d and %q", c.args, code, errs, c.code, c.want)
		}
	}
}
