package main

import (
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// manager stands in for systemd: it keeps what it is told, and when.
type manager struct {
	socket string

	mu    sync.Mutex
	heard []notice
}

type notice struct {
	text string
	at   time.Time
}

func newManager(t *testing.T) *manager {
	t.Helper()
	m := &manager{socket: filepath.Join(t.TempDir(), "notify")}
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: m.socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() { c.Close(); <-done })
	go func() {
		defer close(done)
		for buf := make([]byte, 4096); ; {
			n, err := c.Read(buf)
			if err != nil {
				return
			}
			m.mu.Lock()
			m.heard = append(m.heard, notice{string(buf[:n]), time.Now()})
			m.mu.Unlock()
		}
	}()
	return m
}

// times is when messages came that have this in them.
func (m *manager) times(part string) []time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	var at []time.Time
	for _, n := range m.heard {
		if strings.Contains(n.text, part) {
			at = append(at, n.at)
		}
	}
	return at
}

// TestWatchdogIsFedWhateverIsDead holds that an idle trigger, a dead camera and
// a dead broker for three times the watchdog time restart nothing.
func TestWatchdogIsFedWhateverIsDead(t *testing.T) {
	const watchdog = 2 * time.Second
	m := newManager(t)
	dir := t.TempDir()
	config := write(t, dir, "faird.yaml", configText(t, "tcp://127.0.0.1:1", // nobody listens there
		triggered("idle", demoCam, time.Second),
		triggered("dead", "rtsp://127.0.0.1:1/none", time.Second),
		free("folder", "file:///nowhere/*.png?loop=true&rate=1")))
	p := start(t, dir, []string{"NOTIFY_SOCKET=" + m.socket, "WATCHDOG_USEC=2000000"}, "run", "--config", config)
	until(t, time.Minute, "READY", func() bool { return len(m.times("READY=1")) == 1 })
	time.Sleep(3*watchdog + watchdog/2)
	fed := m.times("WATCHDOG=1")
	if len(fed) < 3 {
		t.Fatalf("fed %d times in %s, want at least 3", len(fed), 3*watchdog)
	}
	for i := 1; i < len(fed); i++ {
		if gap := fed[i].Sub(fed[i-1]); gap > watchdog {
			t.Errorf("not fed for %s: systemd would have restarted the daemon", gap)
		}
	}
	if len(m.times("EXTEND_TIMEOUT_USEC=")) == 0 {
		t.Error("no time was asked for while models were loaded")
	}
	if len(m.times("STATUS=")) == 0 {
		t.Error("no STATUS was told")
	}
	if code, took := p.stop(); code != 0 || took > 5*time.Second {
		t.Errorf("stopped with exit code %d after %s, want 0 within 5 s", code, took)
	}
	if len(m.times("STOPPING=1")) != 1 {
		t.Error("STOPPING was not told")
	}
}

func TestReloadingIsTold(t *testing.T) {
	m := newManager(t)
	dir := t.TempDir()
	text := configText(t, "tcp://127.0.0.1:1", triggered("cap", demoCam, time.Second))
	start(t, dir, []string{"NOTIFY_SOCKET=" + m.socket}, "run", "--config", write(t, dir, "faird.yaml", text))
	until(t, time.Minute, "READY", func() bool { return len(m.times("READY=1")) == 1 })
	write(t, dir, "faird.yaml", strings.Replace(text, "model: demo", "model: demo, threshold: 0.5", 1))
	until(t, 20*time.Second, "RELOADING, then READY again", func() bool {
		return len(m.times("RELOADING=1")) == 1 && len(m.times("READY=1")) == 2
	})
}
