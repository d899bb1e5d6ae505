package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"faird/model"
	"faird/verdict"
)

// block is a fenced block of a page: its language and its text.
type block struct{ language, text string }

// blocks are those of a page, in order.
func blocks(t *testing.T, page string) []block {
	t.Helper()
	data, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var found []block
	for _, m := range regexp.MustCompile("(?ms)^```(\\w+)\n(.*?)^```$").FindAllStringSubmatch(string(data), -1) {
		found = append(found, block{m[1], m[2]})
	}
	return found
}

// TestFromCameraToVerdict walks docs/from-camera-to-verdict.md: every command as
// it stands there, in its order, printing what the page says, up to numbers.
func TestFromCameraToVerdict(t *testing.T) {
	w := newWalk(t)
	all := blocks(t, filepath.Join(project(t), "docs", "from-camera-to-verdict.md"))
	for i, b := range all {
		switch {
		case b.language == "yaml":
			write(t, w.dir, "faird.yaml", b.text)
		case b.language != "sh":
		case strings.HasPrefix(b.text, "faird run"):
			w.daemon = launch(t, w.dir, w.env, exec.Command("sh", "-c", "exec "+b.text))
		case strings.HasPrefix(b.text, "mosquitto_sub"):
			w.listen(b.text, all[i+1].text)
		default:
			w.carryOut(b.text, all[i+1].text)
		}
	}
	for _, file := range []string{"look/preview.png", "report/report.html", "cap.onnx"} {
		if info, err := os.Stat(filepath.Join(w.dir, file)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", file, err)
		}
	}
	w.checkDaemon()
}

// walk is a folder in which a page's commands are carried out.
type walk struct {
	t      *testing.T
	dir    string
	env    []string
	port   string
	daemon *process
}

func newWalk(t *testing.T) *walk {
	t.Helper()
	bin := t.TempDir()
	if err := os.Symlink(executable(t), filepath.Join(bin, "faird")); err != nil {
		t.Fatal(err)
	}
	w := &walk{t: t, dir: t.TempDir(), port: fmt.Sprint(freePort(t))}
	w.env = []string{"PATH=" + bin + ":" + os.Getenv("PATH"), "FAIRD_MQTT_BUILTIN_LISTEN=127.0.0.1:" + w.port, "FAIRD_INFER_PROVIDER=cpu"}
	return w
}

func executable(t *testing.T) string {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// carryOut carries out a block of commands and compares what they print.
func (w *walk) carryOut(script, want string) {
	w.t.Helper()
	p := launch(w.t, w.dir, w.env, exec.Command("sh", "-e", "-c", script))
	if code := p.wait(4 * time.Minute); code != 0 {
		w.t.Fatalf("exit code %d of:\n%s", code, script)
	}
	printed := shapes(p.out.String())
	for _, line := range shapes(want) {
		i := slices.Index(printed, line)
		if i < 0 {
			w.t.Fatalf("the page says %q, the commands print:\n%s", line, p.out.String())
		}
		printed = printed[i+1:]
	}
}

var numbers = regexp.MustCompile(`\d[\d.,]*(e-\d+)?%?(m\d+)?s?`)

// shapes are lines without their numbers, and without what numbers may change:
// the words after a semicolon.
func shapes(text string) []string {
	var lines []string
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(strings.TrimSpace(line), ";")
		lines = append(lines, numbers.ReplaceAllString(line, "#"))
	}
	return lines
}

// listen carries out the page's mosquitto_sub, on the port in use, and looks for
// every word that the page shows.
func (w *walk) listen(command, want string) {
	w.t.Helper()
	heard := map[string]int{}
	until(w.t, 90*time.Second, "every word of the page", func() bool {
		cmd := exec.Command("sh", "-c", strings.Replace(command, "-p 1883", "-W 20 -p "+w.port, 1))
		out, err := cmd.Output()
		if err != nil && len(out) == 0 {
			return false // faird is still starting
		}
		for line := range strings.Lines(string(out)) {
			heard[strings.TrimSpace(line)]++
		}
		for line := range strings.Lines(want) {
			if heard[strings.TrimSpace(line)] == 0 {
				return false
			}
		}
		return true
	})
	w.t.Logf("heard %v", heard)
}

// checkDaemon holds that the verdicts are those of the model that was trained,
// and that the daemon stops in good order.
func (w *walk) checkDaemon() {
	w.t.Helper()
	file, err := model.Read(filepath.Join(w.dir, "cap.onnx"))
	if err != nil {
		w.t.Fatal(err)
	}
	plc := connect(w.t, "tcp://127.0.0.1:"+w.port)
	topic := "faird/plant1/edge7/cap/verdict"
	until(w.t, 30*time.Second, "a verdict", func() bool { return len(plc.on(topic)) > 0 })
	var v verdict.Verdict
	if err := json.Unmarshal(plc.on(topic)[0].payload, &v); err != nil {
		w.t.Fatal(err)
	}
	if v.Model != file.Hash || v.Threshold == nil || *v.Threshold != file.Calibration.Threshold || !v.Durable || v.Provider != "cpu" {
		w.t.Errorf("a verdict of model %s at %v, want that of cap.onnx, %s at %v", v.Model, v.Threshold, file.Hash, file.Calibration.Threshold)
	}
	if code, _ := w.daemon.stop(); code != 0 {
		w.t.Errorf("faird run ended with exit code %d", code)
	}
}

// The page's blocks are all understood: a command that nobody carries out is no
// part of the walk.
func TestWalkLeavesNoBlockOut(t *testing.T) {
	count := map[string]int{}
	for _, b := range blocks(t, filepath.Join(project(t), "docs", "from-camera-to-verdict.md")) {
		count[b.language]++
		s := bufio.NewScanner(strings.NewReader(b.text))
		for s.Scan() && b.language == "sh" {
			if !strings.HasPrefix(s.Text(), "faird ") && !strings.HasPrefix(s.Text(), "mosquitto_sub ") {
				t.Errorf("%q is no command of the walk", s.Text())
			}
		}
	}
	if count["sh"] != 7 || count["yaml"] != 1 || count["text"] != 6 || len(count) != 3 {
		t.Errorf("the page has %v", count)
	}
}
