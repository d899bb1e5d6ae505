package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"faird/camera"
	"faird/pipeline/tasks"
	"faird/publish/mosquitto"
	"faird/verdict"
)

// hangAs has the test's faird hang: in a station's loop or in the publisher's,
// from when the file named by hangWhen is there, which it takes away first.
const (
	hangAs     = "TEST_HANG"
	hangWhen   = "TEST_HANG_WHEN"
	hangConfig = "TEST_HANG_CONFIG"
)

// hang is faird run, but for that; it returns the exit code.
func hang(what string) int {
	cfg, err := loadConfig(os.Getenv(hangConfig))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	publisherDeadline = 5 * time.Second
	stick := func() {
		if os.Remove(os.Getenv(hangWhen)) == nil {
			select {}
		}
	}
	var h hooks
	switch what {
	case "station":
		h.observe = func(*verdict.Verdict, *camera.Frame) { stick() }
	case "publisher":
		h.live = func(string, time.Duration) { stick() }
	}
	h.parts = tasks.NewGroup()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if err := inTime(ctx, h.parts, func(ctx context.Context) error { return runDaemon(ctx, cfg, nil, h) }); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// TestHangIsRestarted plays systemd to a daemon of which one loop hangs: it is
// no longer fed and says which loop; aborted, as systemd does after WatchdogSec,
// it leaves its stacks; started anew it goes on where it was.
func TestHangIsRestarted(t *testing.T) {
	for what, loop := range map[string]string{"station": `"loop":"station cap"`, "publisher": `"loop":"publisher"`} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			const watchdog = 3 * time.Second
			m, broker, dir := newManager(t), mosquitto.New(t), t.TempDir()
			plc := connect(t, broker.URL())
			station := fmt.Sprintf("  - {name: cap, camera: {url: 'file://%s?loop=true&rate=100'}, model: %s, threshold: 0.3}\n", smallPictures(t), tinyModel(t, 0.5))
			when := filepath.Join(dir, "now")
			env := []string{
				"NOTIFY_SOCKET=" + m.socket, fmt.Sprintf("WATCHDOG_USEC=%d", watchdog.Microseconds()), "GOTRACEBACK=all",
				hangAs + "=" + what, hangWhen + "=" + when, hangConfig + "=" + write(t, dir, "faird.yaml", configText(t, broker.URL(), station)),
			}
			p := start(t, dir, env)
			until(t, 2*time.Minute, "READY, and verdicts", func() bool { return len(m.times("READY=1")) == 1 && len(plc.verdicts("cap")) > 0 })
			write(t, dir, "now", "")
			until(t, 2*time.Minute, "the loop is named, and nothing was fed for WatchdogSec", func() bool {
				fed := m.times("WATCHDOG=1")
				return strings.Contains(p.errs.String(), "loop is stuck") && strings.Contains(p.errs.String(), loop) && time.Since(fed[len(fed)-1]) > watchdog
			})
			if err := p.cmd.Process.Signal(syscall.SIGABRT); err != nil {
				t.Fatal(err)
			}
			if p.wait(time.Minute) == 0 || !strings.Contains(p.errs.String(), "goroutine ") || !strings.Contains(p.errs.String(), "hang.func") {
				t.Error("the stacks do not show where it hung")
			}
			before := plc.verdicts("cap")
			start(t, dir, env)
			until(t, 2*time.Minute, "READY again, and new verdicts", func() bool {
				all := plc.verdicts("cap")
				return len(m.times("READY=1")) == 2 && all[len(all)-1].Sequence > before[len(before)-1].Sequence
			})
			seen := map[uint64]string{}
			for _, v := range plc.verdicts("cap") {
				if id, twice := seen[v.Sequence]; twice && id != v.ID {
					t.Errorf("number %d is %s and %s", v.Sequence, id, v.ID)
				}
				seen[v.Sequence] = v.ID
			}
		})
	}
}

// TestStopWhileALoopHangs stops a daemon of which one loop hangs: the rest ends in
// order, the loop is named, and the exit is no failure.
func TestStopWhileALoopHangs(t *testing.T) {
	for what, named := range map[string]string{"station": "station cap: judging", "publisher": "publisher"} {
		t.Run(what, func(t *testing.T) {
			broker, dir := mosquitto.New(t), t.TempDir()
			t.Parallel()
			plc := connect(t, broker.URL())
			station := fmt.Sprintf("  - {name: cap, camera: {url: 'file://%s?loop=true&rate=100'}, model: %s, threshold: 0.3}\n", smallPictures(t), tinyModel(t, 0.5))
			when := filepath.Join(dir, "now")
			p := start(t, dir, []string{
				hangAs + "=" + what, hangWhen + "=" + when,
				hangConfig + "=" + write(t, dir, "faird.yaml", "log: {format: json}\n"+configText(t, broker.URL(), station)),
			})
			until(t, 2*time.Minute, "verdicts", func() bool { return len(plc.verdicts("cap")) > 0 })
			write(t, dir, "now", "")
			until(t, time.Minute, "the loop to hang", func() bool { _, err := os.Stat(when); return err != nil })
			code, took := p.stop()
			if code != 0 || took > unitStopTimeout || !strings.Contains(p.errs.String(), fmt.Sprintf(`"running":%q`, named)) {
				t.Errorf("exit code %d after %s, want 0 in time and %q in the log", code, took, named)
			}
		})
	}
}

// TestLateCameraAndBroker is a box that is started before its camera and its
// broker are there: it is ready for systemd, and for the line once they come.
func TestLateCameraAndBroker(t *testing.T) {
	t.Parallel()
	m, dir := newManager(t), t.TempDir()
	cam := newLineCamera(t, smallPictures(t), 100*time.Millisecond)
	cam.off()
	broker := newKeeper(t)
	station := fmt.Sprintf("  - {name: cap, camera: {url: '%s', open_timeout: 1s, read_timeout: 1s}, model: %s, threshold: 0.3}\n", cam.url(), tinyModel(t, 0.5))
	text := configText(t, "tcp://"+broker.addr, station)
	p := start(t, dir, []string{"NOTIFY_SOCKET=" + m.socket}, "run", "--config", write(t, dir, "faird.yaml", text))
	until(t, 2*time.Minute, "READY without camera and broker", func() bool { return len(m.times("READY=1")) == 1 })
	if len(m.times("0 of 1 stations ready; cap: camera:")) == 0 {
		t.Error("systemctl status would not say what is missing")
	}
	if err := cam.on(); err != nil {
		t.Fatal(err)
	}
	if err := broker.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { broker.end(syscall.SIGKILL) })
	plc := connect(t, "tcp://"+broker.addr)
	plc.stateOf(cap0+"/state", 2*time.Minute, "ready", ready)
	until(t, time.Minute, "verdicts", func() bool { return len(plc.verdicts("cap")) > 0 })
	if code, _ := p.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}
