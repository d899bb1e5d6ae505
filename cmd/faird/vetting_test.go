package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"faird/model"
	"faird/model/vet/hostile"
	"faird/pipeline/vetting"
	"faird/publish/mosquitto"
)

// attacks are model files that must be refused, by why: every hostile one, and what
// is no file.
func attacks(t *testing.T) map[string]string {
	t.Helper()
	dir, all := t.TempDir(), map[string]string{fifo(t): "not a file", "/dev/zero": "not a file", t.TempDir(): "not a file"}
	for _, f := range hostile.Files() {
		all[write(t, dir, strings.ReplaceAll(f.Name, " ", "-")+".onnx", string(f.ONNX))] = f.Why
	}
	return all
}

// largestMB is the most memory that the process has had so far.
func largestMB(t *testing.T, p *process) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	kb, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		t.Fatal(err)
	}
	return kb / 1024
}

// TestModelAttacks orders every hostile model by command, and some by the config: each
// is answered by one line that names the file and says why, nothing waits, the station
// judges on, memory stays flat, and SIGTERM ends the daemon.
func TestModelAttacks(t *testing.T) {
	broker, dir := mosquitto.New(t), t.TempDir()
	t.Parallel()
	plc, good := connect(t, broker.URL()), tinyModel(t, 0.5)
	text := "log: {format: json}\n" + configText(t, broker.URL(), triggeredTiny("cap", good, smallPictures(t)))
	p := start(t, dir, nil, "run", "--config", write(t, dir, "faird.yaml", text))
	plc.stateOf(cap0+"/state", 2*time.Minute, "ready", ready)
	before := largestMB(t, p)
	judges := func(id string) {
		t.Helper()
		count := len(plc.verdicts("cap"))
		plc.send(cap0+"/trigger", fmt.Sprintf(`{"id":%q}`, id))
		until(t, time.Minute, "a verdict", func() bool { return len(plc.verdicts("cap")) > count })
	}
	n := 0
	for path, why := range attacks(t) {
		n++
		answer := plc.asks("cap", fmt.Sprint(n), fmt.Sprintf(`"command":"model","model":%q`, path))(time.Minute)
		said := fmt.Sprint(answer["error"])
		if answer["ok"] == true || !strings.Contains(said, why) || !strings.Contains(said, path) || strings.Contains(said, "\n") {
			t.Errorf("%s: %v, want it refused in a line with its name and %q", path, answer, why)
		}
		if n%5 == 0 {
			judges(fmt.Sprint("t", n))
		}
	}
	for path := range attacks(t) {
		if name := filepath.Base(path); name != "fifo" && name != "endless-loop.onnx" && name != "22-GB-of-zeros.onnx" {
			continue
		}
		refusals := func() int { // by the check of the config, which looks at what the file is, or of the model
			return strings.Count(p.errs.String(), "what is in force stays") + strings.Count(p.errs.String(), "the new config is not taken")
		}
		before := refusals()
		write(t, dir, "faird.yaml", strings.Replace(text, good, path, 1))
		until(t, time.Minute, "the config to be refused", func() bool { return refusals() > before })
		judges("after " + filepath.Base(path))
	}
	if grown := largestMB(t, p) - before; grown > 200 {
		t.Errorf("the daemon grew by %d MB", grown)
	}
	if code, took := p.stop(); code != 0 || took > unitStopTimeout {
		t.Errorf("exit code %d after %s", code, took)
	}
}

// TestStartWithAnAttack starts a box of which one station names what is no model: it
// says so, and the other one judges.
func TestStartWithAnAttack(t *testing.T) {
	for _, f := range []hostile.File{hostile.Files()[0], hostile.Files()[3]} {
		path := write(t, t.TempDir(), "m.onnx", string(f.ONNX))
		t.Run(f.Name, func(t *testing.T) {
			broker, dir := mosquitto.New(t), t.TempDir()
			t.Parallel()
			plc := connect(t, broker.URL())
			text := configText(t, broker.URL(), triggeredTiny("cap", tinyModel(t, 0.5), smallPictures(t)), triggeredTiny("lid", path, smallPictures(t)))
			p := start(t, dir, nil, "run", "--config", write(t, dir, "faird.yaml", text))
			plc.stateOf(cap0+"/state", 2*time.Minute, "ready", ready)
			plc.stateOf(boxTop+"/lid/state", time.Minute, "the reason", func(s map[string]any) bool {
				return s["ready"] == false && strings.Contains(fmt.Sprint(s["why"]), path)
			})
			if code, _ := p.stop(); code != 0 {
				t.Errorf("exit code %d", code)
			}
		})
	}
}

// TestCommandsRefuseAttacks: what a person runs refuses them as the daemon does.
func TestCommandsRefuseAttacks(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	picture := filepath.Join(smallPictures(t), "0.png")
	good, labelled := filepath.Dir(picture), t.TempDir()
	for _, kind := range []string{"good", "spot"} {
		if err := os.CopyFS(filepath.Join(labelled, kind), os.DirFS(good)); err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range []string{fifo(t), write(t, dir, "loop.onnx", string(hostile.Files()[0].ONNX)), write(t, dir, "zeros.onnx", string(hostile.Files()[3].ONNX))} {
		config := write(t, dir, "faird.yaml", fmt.Sprintf("site: s\nbox: b\ninfer: {library: %s}\nmqtt: {builtin: {listen: '127.0.0.1:0'}}\nstore: {path: data}\nstations:\n%s",
			library(t), triggeredTiny("cap", path, good)))
		for _, args := range [][]string{
			{"score", "--model", path, picture},
			{"score", "--config", config, "--station", "cap", picture},
			{"eval", "--model", path, "--data", labelled},
			{"calibrate", "--model", path, "--good", good},
			{"quantize", "--model", path, "--good", good, "--out", filepath.Join(dir, "out.onnx")},
			{"bench", "--model", path, "--mqtt=false", "--frames", "1"},
			{"config", "check", "--models", "--config", config},
		} {
			code, _, stderr := run(t, dir, args...)
			if code != 1 || !strings.Contains(stderr, path) || strings.Count(strings.TrimSpace(stderr), "\n") != 0 {
				t.Errorf("faird %s: exit code %d:\n%s", strings.Join(args, " "), code, stderr)
			}
		}
	}
}

// children are the processes that examine models for p.
func children(t *testing.T, p *process) (pids []int) {
	t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range all {
		stat, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		_, rest, _ := bytes.Cut(stat, []byte(") "))
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		line, _ := os.ReadFile(filepath.Join(filepath.Dir(path), "cmdline"))
		if f := strings.Fields(string(rest)); len(f) > 1 && f[1] == strconv.Itoa(p.cmd.Process.Pid) && bytes.HasPrefix(line, []byte(vetting.Name+"\x00")) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// whileVetting is a daemon whose station is ready and that has been told to take a model, the
// examination of which is held up.
func whileVetting(t *testing.T) (p *process, plc *plc, slow *slowRuntime, path string, answer func(time.Duration) map[string]any) {
	t.Helper()
	slow = newSlowVetting(t)
	broker, dir := mosquitto.New(t), t.TempDir()
	t.Parallel()
	plc, path = connect(t, broker.URL()), tinyModel(t, slowGrey)
	text := configText(t, broker.URL(), triggeredTiny("cap", tinyModel(t, 0.5), smallPictures(t)))
	p = start(t, dir, []string{useLibrary + slow.path}, "run", "--config", write(t, dir, "faird.yaml", text))
	plc.stateOf(cap0+"/state", 2*time.Minute, "ready", ready)
	answer = plc.asks("cap", "held", fmt.Sprintf(`"command":"model","model":%q`, path))
	slow.waits()
	return p, plc, slow, path, answer
}

// TestAVettingProcessIsKilled: the model is refused, with the reason, and can be asked
// for again.
func TestAVettingProcessIsKilled(t *testing.T) {
	p, plc, slow, path, answer := whileVetting(t)
	pids := children(t, p)
	if len(pids) != 1 {
		t.Fatalf("processes %v, want one", pids)
	}
	if err := syscall.Kill(pids[0], syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if a := answer(time.Minute); a["ok"] == true || !strings.Contains(fmt.Sprint(a["error"]), "signal: killed") || !strings.Contains(fmt.Sprint(a["error"]), path) {
		t.Errorf("%v, want it to say that the process was killed", a)
	}
	slow.release()
	if a := plc.asks("cap", "again", fmt.Sprintf(`"command":"model","model":%q`, path))(time.Minute); a["ok"] != true {
		t.Errorf("asked for again: %v", a)
	}
	if code, _ := p.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// TestAFileIsSwappedWhileItIsVetted: what was examined is what judges.
func TestAFileIsSwappedWhileItIsVetted(t *testing.T) {
	p, plc, slow, path, answer := whileVetting(t)
	f, err := model.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	other := tinyModel(t, 0.25)
	if err := os.Rename(other, path); err != nil {
		t.Fatal(err)
	}
	slow.release()
	if a := answer(time.Minute); a["ok"] != true {
		t.Fatalf("%v", a)
	}
	plc.stateOf(cap0+"/state", time.Minute, "the model that was examined", func(s map[string]any) bool { return s["model"] == f.Hash })
	if code, _ := p.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// TestVettingHoldsNothingUp: while a model is examined for as long as it takes, the
// station answers triggers and commands, and the process has a low priority and ends
// with the daemon, however that ends.
func TestVettingHoldsNothingUp(t *testing.T) {
	p, plc, _, _, _ := whileVetting(t)
	for n := range 10 {
		plc.send(cap0+"/trigger", fmt.Sprintf(`{"id":"t-%d"}`, n))
		until(t, time.Minute, "a verdict", func() bool { return len(plc.verdicts("cap")) == n+1 })
	}
	for n, c := range []string{`"command":"pause"`, `"command":"resume"`, `"command":"threshold","threshold":0.4`} {
		if a := plc.asks("cap", fmt.Sprint("c", n), c)(time.Minute); a["ok"] != true {
			t.Errorf("%s: %v", c, a)
		}
	}
	pids := children(t, p)
	if len(pids) != 1 {
		t.Fatalf("processes %v, want one", pids)
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pids[0]))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := bytes.Cut(stat, []byte(") "))
	if nice := strings.Fields(string(rest))[16]; nice != "2" {
		t.Errorf("its nice value is %s", nice)
	}
	p.signal(syscall.SIGKILL)
	p.wait(time.Minute)
	until(t, time.Minute, "the process to end", func() bool { return syscall.Kill(pids[0], 0) != nil })
}

// TestStationsOfOneModelVetOnce: as often as there are stations and reloads.
func TestStationsOfOneModelVetOnce(t *testing.T) {
	broker, dir := mosquitto.New(t), t.TempDir()
	t.Parallel()
	plc, path, pictures := connect(t, broker.URL()), tinyModel(t, 0.5), smallPictures(t)
	text := "log: {format: json}\n" + configText(t, broker.URL(), triggeredTiny("cap", path, pictures), triggeredTiny("lid", path, pictures), triggeredTiny("rim", path, pictures))
	p := start(t, dir, nil, "run", "--config", write(t, dir, "faird.yaml", text))
	for _, name := range []string{"cap", "lid", "rim"} {
		plc.stateOf(boxTop+"/"+name+"/state", 2*time.Minute, "ready", ready)
	}
	for n, other := range []string{tinyModel(t, 0.25), path} {
		if a := plc.asks("cap", fmt.Sprint(n), fmt.Sprintf(`"command":"model","model":%q`, other))(time.Minute); a["ok"] != true {
			t.Fatalf("%v", a)
		}
	}
	if n := strings.Count(p.errs.String(), "model examined by a process of its own"); n != 2 {
		t.Errorf("%d examinations of 2 models", n)
	}
	if left := children(t, p); !slices.Equal(left, nil) {
		t.Errorf("processes %v are left", left)
	}
	if code, _ := p.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}
