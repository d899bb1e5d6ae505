package systemd

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds a wait for a message that must come.
const patience = 10 * time.Second

// manager is the service manager's end of the socket.
type manager struct {
	t    *testing.T
	conn *net.UnixConn
}

func newManager(t *testing.T, socket string) *manager {
	t.Helper()
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	t.Setenv("NOTIFY_SOCKET", socket)
	return &manager{t, conn}
}

// next waits for the next message.
func (m *manager) next() string {
	m.t.Helper()
	message, err := m.within(patience)
	if err != nil {
		m.t.Fatalf("no message: %v", err)
	}
	return message
}

func (m *manager) within(d time.Duration) (string, error) {
	if err := m.conn.SetReadDeadline(time.Now().Add(d)); err != nil {
		return "", err
	}
	buf := make([]byte, 4096)
	n, err := m.conn.Read(buf)
	return string(buf[:n]), err
}

func (m *manager) want(messages ...string) {
	m.t.Helper()
	for _, want := range messages {
		if got := m.next(); got != want {
			m.t.Fatalf("message %q, want %q", got, want)
		}
	}
}

func watchdogEnv(t *testing.T, usec, pid string) {
	t.Setenv("WATCHDOG_USEC", usec)
	t.Setenv("WATCHDOG_PID", pid)
}

func TestMessagesComeInOrder(t *testing.T) {
	for _, socket := range []string{
		filepath.Join(t.TempDir(), "notify"),
		fmt.Sprintf("@faird-test-%d", os.Getpid()), // abstract name space, as containers have it
	} {
		t.Run(socket, func(t *testing.T) {
			m := newManager(t, socket)
			n := New()
			n.Status("loading model")
			n.Extend(90 * time.Second)
			n.Ready("2 stations\nREADY=0")
			n.Reloading()
			n.Ready("3 stations")
			n.Stopping()
			m.want("STATUS=loading model", "EXTEND_TIMEOUT_USEC=90000000", "READY=1\nSTATUS=2 stations READY=0")
			reload := m.next()
			var usec uint64
			if _, err := fmt.Sscanf(reload, "RELOADING=1\nMONOTONIC_USEC=%d", &usec); err != nil || usec == 0 {
				t.Errorf("message %q, want RELOADING=1 with the monotonic clock", reload)
			}
			m.want("READY=1\nSTATUS=3 stations", "STOPPING=1")
		})
	}
}

func TestOutsideSystemdNothingIsSent(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "")
	watchdogEnv(t, "1000", "")
	for name, n := range map[string]*Notifier{"no socket": New(), "nil": nil} {
		w, _, out := newTestWatchdog(n)
		n.Status("s")
		n.Extend(time.Second)
		n.Ready("r")
		n.Reloading()
		n.Stopping()
		w.feed()
		if d := n.Watchdog(); d != 0 {
			t.Errorf("%s: watchdog %v, want none", name, d)
		}
		if out.Len() > 0 {
			t.Errorf("%s: log %q, want none", name, out)
		}
	}
}

func TestMissingManagerIsLoggedOnce(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "notify")
	t.Setenv("NOTIFY_SOCKET", socket)
	n := New()
	_, _, out := newTestWatchdog(n)
	n.Status("a")
	n.Ready("b")
	if log := out.String(); strings.Count(log, "\n") != 1 || !strings.Contains(log, "NOTIFY_SOCKET") {
		t.Errorf("log %q, want one line that names NOTIFY_SOCKET", log)
	}
	m := newManager(t, socket)
	n.Status("c")
	m.want("STATUS=c")
	m.conn.Close()
	n.Status("d")
	if got := strings.Count(out.String(), "\n"); got != 2 {
		t.Errorf("%d log lines after the manager came and went, want 2:\n%s", got, out)
	}
}

func TestHungManagerDoesNotHangTheDaemon(t *testing.T) {
	newManager(t, filepath.Join(t.TempDir(), "notify")) // reads nothing
	n := New()
	for range 100_000 { // until the socket's queue is full
		err := n.send("a message")
		if err == nil {
			continue
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("error %v, want a time-out", err)
		}
		return
	}
	t.Error("a queue that nobody reads never filled up")
}

func TestWatchdogTimeout(t *testing.T) {
	self := fmt.Sprint(os.Getpid())
	for _, c := range []struct {
		name, usec, pid string
		want            time.Duration
		wrong           bool
	}{
		{"not asked for", "", "", 0, false},
		{"for every process", "3000000", "", 3 * time.Second, false},
		{"for this process", "3000000", self, 3 * time.Second, false},
		{"for another process", "3000000", "1", 0, false},
		{"no number", "soon", self, 0, true},
		{"negative", "-1", self, 0, true},
		{"no process", "3000000", "me", 0, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv("NOTIFY_SOCKET", "/nowhere")
			watchdogEnv(t, c.usec, c.pid)
			n := New()
			if n.Watchdog() != c.want {
				t.Errorf("watchdog %v, want %v", n.Watchdog(), c.want)
			}
			if (n.err != nil) != c.wrong {
				t.Errorf("error %v, want one: %v", n.err, c.wrong)
			}
		})
	}
}
