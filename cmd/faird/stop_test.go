package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"faird/pipeline/tasks"
	"faird/publish/mosquitto"
)

// unitStopTimeout is after what systemd kills the daemon: TimeoutStopSec.
const unitStopTimeout = 10 * time.Second

var stopEvery = flag.Duration("stop-every", 300*time.Millisecond, "TestStopAtAnyMoment: the time between the moments of a start at which the daemon is stopped")

// TestStopAtAnyMoment stops a daemon with the demo's model, whose threads it
// measures first, at many moments of its start: it exits with 0 and no error. What
// comes before the program itself runs, while its libraries are being linked, ends
// it by the signal, which is as good to systemd.
func TestStopAtAnyMoment(t *testing.T) {
	t.Parallel()
	var running sync.WaitGroup
	seats := make(chan struct{}, 2)
	for after := time.Duration(0); after < 3*time.Second; after += *stopEvery {
		seats <- struct{}{}
		running.Go(func() {
			defer func() { <-seats }()
			stopAfter(t, after)
		})
	}
	running.Wait()
}

func stopAfter(t *testing.T, after time.Duration) {
	dir := t.TempDir()
	text := fmt.Sprintf("site: s\nbox: b\nlog: {format: json}\nmqtt: {builtin: {listen: '127.0.0.1:0'}}\nstore: {path: data}\nstations:\n%s",
		free("cap", "demo://"))
	p := start(t, dir, []string{"FAIRD_INFER_THREADS=0"}, "run", "--config", write(t, dir, "faird.yaml", text))
	time.Sleep(after)
	began := strings.Contains(p.errs.String(), `"starting"`)
	code, took := p.stop()
	if !began && p.cmd.ProcessState.Sys().(syscall.WaitStatus).Signaled() {
		return
	}
	log := p.errs.String()
	if code != 0 || took > unitStopTimeout || strings.Contains(log, `"level":"error"`) || strings.Contains(log, "faird:") || !strings.Contains(log, `"stopped"`) {
		t.Errorf("SIGTERM after %s: exit code %d after %s:\n%s", after, code, took, log)
	}
}

// hanging is a daemon of which something is made to hang.
type hanging struct {
	*process
	*plc
	dir, text, model string // its config, and the model in it
	slow             *slowRuntime
}

// TestStopWhileSomethingHangs stops a daemon of which one thing does not come
// back: it exits in time, with 0, says what hangs where that is still at work, and
// takes its leave of the broker where it had got that far.
func TestStopWhileSomethingHangs(t *testing.T) {
	for name, c := range map[string]struct {
		start bool // it hangs while it starts
		hang  func(h *hanging) (named string)
	}{
		"a model that loads at the start": {true, func(h *hanging) string {
			path := tinyModel(h.plc.t, slowGrey)
			h.text = strings.Replace(h.text, h.model, path, 1)
			h.run()
			h.slow.waits()
			return "loading model " + path
		}},
		"the runtime's library": {true, func(h *hanging) string {
			if raceDetector() {
				h.plc.t.Skip("the race detector's own exit waits for the dynamic linker")
			}
			library, gate := slowLibrary(h.plc.t, h.plc.t.TempDir())
			h.plc.t.Cleanup(func() { _ = os.WriteFile(gate, nil, 0o600) })
			h.slow.path = library
			h.run()
			until(h.plc.t, time.Minute, "the page", func() bool { return strings.Contains(h.errs.String(), "the page is served") })
			time.Sleep(300 * time.Millisecond)
			return "loading model " + h.model
		}},
		"a camera that does not answer": {true, func(h *hanging) string {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				h.plc.t.Fatal(err)
			}
			h.plc.t.Cleanup(func() { l.Close() })
			h.text = strings.Replace(h.text, "'file:", fmt.Sprintf("'rtsp://%s", l.Addr()), 1)
			h.run()
			c, err := l.Accept()
			if err != nil {
				h.plc.t.Fatal(err)
			}
			h.plc.t.Cleanup(func() { c.Close() })
			return ""
		}},
		"a model of a command": {false, func(h *hanging) string {
			h.ready()
			path := tinyModel(h.plc.t, slowGrey)
			h.asks("cap", "1", fmt.Sprintf(`"command":"model","model":%q`, path))
			h.slow.waits()
			return "loading model " + path
		}},
		"a model of a new config": {false, func(h *hanging) string {
			h.ready()
			path := tinyModel(h.plc.t, slowGrey)
			write(h.plc.t, h.dir, "faird.yaml", strings.Replace(h.text, h.model, path, 1))
			h.slow.waits()
			return "loading model " + path
		}},
		"the examination of a model at the start": {true, func(h *hanging) string {
			h.slow = newSlowVetting(h.plc.t)
			h.text = strings.Replace(h.text, h.model, tinyModel(h.plc.t, slowGrey), 1)
			h.run()
			h.slow.waits()
			return ""
		}},
		"the examination of a model of a command": {false, func(h *hanging) string {
			h.slow = newSlowVetting(h.plc.t)
			h.ready()
			h.asks("cap", "1", fmt.Sprintf(`"command":"model","model":%q`, tinyModel(h.plc.t, slowGrey)))
			h.slow.waits()
			return ""
		}},
	} {
		t.Run(name, func(t *testing.T) {
			broker := mosquitto.New(t) // before others take ports beside it
			t.Parallel()
			h := &hanging{plc: connect(t, broker.URL()), dir: t.TempDir(), model: tinyModel(t, 0.5), slow: newSlowRuntime(t)}
			h.text = "log: {format: json}\n" + configText(t, broker.URL(), triggeredTiny("cap", h.model, smallPictures(t)))
			named := c.hang(h)
			code, took := h.stop()
			log := h.errs.String()
			if code != 0 || took > unitStopTimeout || strings.Contains(log, "faird:") {
				t.Errorf("exit code %d after %s", code, took)
			}
			if named == "" && strings.Contains(log, "does not end") {
				t.Error("something was abandoned that could be ended")
			}
			if named != "" && !strings.Contains(log, fmt.Sprintf(`"running":%q`, named)) {
				t.Errorf("the log does not name what hangs, %q", named)
			}
			if !c.start {
				h.stateOf(boxTop+"/state", 10*time.Second, "offline", func(s map[string]any) bool { return s["why"] == "stopped" })
			}
		})
	}
}

// raceDetector reports whether the tests, and so the daemon, were built with it.
func raceDetector() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}

func fifo(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// run starts the daemon.
func (h *hanging) run() {
	t := h.plc.t
	t.Helper()
	h.process = start(t, h.dir, []string{useLibrary + h.slow.path}, "run", "--config", write(t, h.dir, "faird.yaml", h.text))
}

// ready starts the daemon and waits until its station judges.
func (h *hanging) ready() {
	h.plc.t.Helper()
	h.run()
	h.stateOf(cap0+"/state", 2*time.Minute, "ready", ready)
}

// What never returns is left behind in time, and named.
func TestInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		parts, hold := tasks.NewGroup(), make(chan struct{})
		defer close(hold)
		time.AfterFunc(time.Hour, cancel)
		began := time.Now()
		err := inTime(ctx, parts, func(context.Context) error {
			defer parts.Begin("reading the config")()
			<-hold
			return errors.New("late")
		})
		if took := time.Since(began); err != nil || took != time.Hour+exitTimeout {
			t.Errorf("%v after %s", err, took)
		}
	})
}

func TestInTimeReturnsWhatTheDaemonDoes(t *testing.T) {
	failure := errors.New("no model")
	ctx, cancel := context.WithCancel(t.Context())
	if err := inTime(ctx, tasks.NewGroup(), func(context.Context) error { return failure }); !errors.Is(err, failure) {
		t.Errorf("%v, want its failure", err)
	}
	cancel()
	if err := inTime(ctx, tasks.NewGroup(), func(context.Context) error { return failure }); !errors.Is(err, failure) {
		t.Errorf("%v, want its failure also at a stop", err)
	}
}

// TestHangupWhileStarting sends SIGHUP from the first instant on: it ends nothing,
// and is obeyed once the daemon runs.
func TestHangupWhileStarting(t *testing.T) {
	slow, broker, dir := newSlowRuntime(t), mosquitto.New(t), t.TempDir()
	t.Parallel()
	plc := connect(t, broker.URL())
	text := "log: {format: json}\n" + configText(t, broker.URL(), triggeredTiny("cap", tinyModel(t, slowGrey), smallPictures(t)))
	p := start(t, dir, []string{useLibrary + slow.path}, "run", "--config", write(t, dir, "faird.yaml", text))
	until(t, time.Minute, "the daemon to start", func() bool { return strings.Contains(p.errs.String(), `"starting"`) })
	for range 3 {
		p.signal(syscall.SIGHUP)
		time.Sleep(10 * time.Millisecond)
	}
	slow.waits()
	slow.release()
	plc.stateOf(cap0+"/state", time.Minute, "ready", ready)
	until(t, time.Minute, "the config to be loaded again", func() bool { return strings.Contains(p.errs.String(), "the new config is in force") })
	if code, _ := p.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}
