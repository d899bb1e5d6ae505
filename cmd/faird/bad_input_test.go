package main

import (
	"errors"
	"fmt"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"faird/model/demo"
	"faird/model/demo/small"
	"faird/publish/mosquitto"
)

// squarePNG writes a square whose pixels have the value that f gives them.
func squarePNG(t *testing.T, path string, side int, f func(x, y int) uint8) {
	t.Helper()
	m := image.NewGray(image.Rect(0, 0, side, side))
	for i := range m.Pix {
		m.Pix[i] = f(i%side, i/side)
	}
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(png.Encode(file, m), file.Close()); err != nil {
		t.Fatal(err)
	}
}

func grey(int, int) uint8  { return 120 }
func black(int, int) uint8 { return 0 }

// cornerPNG writes a mask that ignores all but the upper left eighth of each side.
func cornerPNG(t *testing.T, path string, side int) {
	squarePNG(t, path, side, func(x, y int) uint8 {
		if x < side/8 && y < side/8 {
			return 0
		}
		return 255
	})
}

// TestBadInput holds that every mistake ends with one line that names it, and
// with the right exit code.
func TestBadInput(t *testing.T) {
	dir := t.TempDir()
	good := filepath.Join(dir, "good.png")
	squarePNG(t, good, 300, grey)
	data, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	truncated := write(t, dir, "truncated.png", string(data[:len(data)/2]))
	whole := write(t, dir, "float32.onnx", string(small.Model()))
	half := write(t, dir, "half.onnx", string(demo.Model()[:len(demo.Model())/2]))
	text := write(t, dir, "text.onnx", "this is not a model\n")
	notLibrary := write(t, dir, "libonnxruntime.so", "this is not a library\n")
	station := func(line string) string {
		return write(t, t.TempDir(), "faird.yaml", configText(t, "", "  - {name: cap, camera: {url: 'demo://'}, "+line+"}\n"))
	}
	for name, c := range map[string]struct {
		args []string
		code int
		says []string
	}{
		"no such command":    {[]string{"dance"}, 2, []string{"dance", "--help"}},
		"no such flag":       {[]string{"score", "--dance", good}, 2, []string{"--dance", "--help"}},
		"score nothing":      {[]string{"score", "--model", "demo"}, 2, []string{"--help"}},
		"score no model":     {[]string{"score", good}, 2, []string{"--model"}},
		"missing model":      {[]string{"score", "--model", dir + "/none.onnx", good}, 1, []string{"none.onnx"}},
		"truncated model":    {[]string{"score", "--model", half, good}, 1, []string{"half.onnx"}},
		"text as a model":    {[]string{"score", "--model", text, good}, 1, []string{"text.onnx"}},
		"picture as a model": {[]string{"score", "--model", good, good}, 1, []string{"good.png"}},
		"missing picture":    {[]string{"score", "--model", "demo", dir + "/none.png"}, 1, []string{"none.png"}},
		"large picture":      {[]string{"score", "--model", "demo", "--max-pixels", "89999", good}, 1, []string{"good.png", "300x300", "camera.max_pixels", "--max-pixels"}},
		"no pixels":          {[]string{"score", "--model", "demo", "--max-pixels", "0", good}, 2, []string{"--max-pixels"}},
		"truncated picture":  {[]string{"score", "--model", "demo", truncated}, 1, []string{"truncated.png"}},
		"missing library":    {[]string{"score", "--model", "demo", "--library", dir + "/none.so", good}, 1, []string{"none.so"}},
		"not a library":      {[]string{"score", "--model", "demo", "--library", notLibrary, good}, 1, []string{"libonnxruntime.so"}},
		"no GPU":             {[]string{"score", "--model", whole, "--provider", "cuda", good}, 1, []string{"provider cuda (strict)", "docs/providers.md"}},
		"8 bits on a GPU":    {[]string{"score", "--model", "demo", "--provider", "cuda", good}, 1, []string{"8-bit form for the CPU", ".float32.onnx"}},
		"no such provider":   {[]string{"score", "--model", "demo", "--provider", "npu", good}, 1, []string{"npu"}},
		"missing config":     {[]string{"run", "--config", dir + "/none.yaml"}, 1, []string{"none.yaml"}},
		"wrong key":          {[]string{"config", "check", "--config", station("model: demo, treshold: 1")}, 1, []string{"faird.yaml:7", "treshold", "threshold"}},
		"model not there":    {[]string{"run", "--config", station("model: none.onnx")}, 1, []string{"none.onnx"}},
		"truncated in run":   {[]string{"run", "--config", station("model: " + half)}, 1, []string{"half.onnx"}},
		"mask not there":     {[]string{"run", "--config", station("model: demo, ignore_mask: none.png")}, 1, []string{"none.png"}},
		"review too high":    {[]string{"config", "check", "--config", station("model: demo, threshold: 0.1, review: 0.2")}, 1, []string{"review"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, stdout, stderr := run(t, t.TempDir(), c.args...)
			if code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
			line := errorLines(stderr)
			if strings.Contains(line, "\n") || line == "" || strings.Contains(line, "panic") || strings.Contains(line, "goroutine") {
				t.Errorf("stderr is not one line:\n%s", stderr)
			}
			for _, s := range c.says {
				if !strings.Contains(line, s) {
					t.Errorf("%q does not name %q", line, s)
				}
			}
			if stdout != "" {
				t.Errorf("stdout is not empty: %s", stdout)
			}
		})
	}
}

// TestBrokenPictureAmongGoodOnes holds that a picture that cannot be judged is
// answered for, and that the line goes on.
func TestBrokenPictureAmongGoodOnes(t *testing.T) {
	broker := mosquitto.New(t)
	plc := connect(t, broker.URL())
	dir := t.TempDir()
	for _, n := range []string{"1.png", "3.png"} {
		squarePNG(t, filepath.Join(dir, n), 300, grey)
	}
	data, err := os.ReadFile(filepath.Join(dir, "1.png"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, "2.png", string(data[:len(data)/2]))
	squarePNG(t, filepath.Join(dir, "4.png"), 20, grey)
	start(t, dir, nil, "run", "--config", write(t, dir, "faird.yaml", configText(t, broker.URL(), fmt.Sprintf(
		"  - {name: cap, model: demo, "+anyPicture+", roi: {x: 10, y: 10, w: 200, h: 200}, camera: {url: 'file://%s/*.png'}}\n", dir))))
	until(t, time.Minute, "four verdicts", func() bool { return len(plc.verdicts("cap")) == 4 })
	vs := plc.verdicts("cap")
	for i, want := range []string{"", "invalid_picture", "", "invalid_picture"} {
		if string(vs[i].Reason) != want {
			t.Errorf("picture %d: %s %q %s, want reason %q", i+1, vs[i].Verdict, vs[i].Reason, vs[i].Detail, want)
		}
	}
	if d := vs[1].Detail; !strings.Contains(d, "2.png") {
		t.Errorf("detail %q does not name the file", d)
	}
	if d := vs[3].Detail; !strings.Contains(d, "20") || !strings.Contains(d, "210") {
		t.Errorf("detail %q does not give both sizes", d)
	}
}

// errorLines is stderr without what the log says for information: the page is
// there before the models are.
func errorLines(stderr string) string {
	var lines []string
	for _, line := range strings.Split(strings.TrimSpace(stderr), "\n") {
		if !strings.HasPrefix(line, `{"level":"info",`) {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}
