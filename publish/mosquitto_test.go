package publish

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// mosquitto is the real broker on a free loopback port.
type mosquitto struct {
	t    testing.TB
	dir  string
	addr string
	conf string
	cmd  *exec.Cmd
}

// newMosquitto starts it with further lines of configuration; without any,
// everybody may do everything.
func newMosquitto(t testing.TB, lines ...string) *mosquitto {
	t.Helper()
	m := &mosquitto{t: t, dir: t.TempDir(), addr: freeAddr(t)}
	if len(lines) == 0 {
		lines = []string{"allow_anonymous true"}
	}
	_, port, _ := net.SplitHostPort(m.addr)
	m.conf = filepath.Join(m.dir, "mosquitto.conf")
	text := fmt.Sprintf("listener %s 127.0.0.1\npersistence false\nmax_queued_messages 0\nmax_inflight_messages 0\nset_tcp_nodelay true\n%s\n", port, strings.Join(lines, "\n"))
	if err := os.WriteFile(m.conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	m.start()
	t.Cleanup(m.kill)
	return m
}

func freeAddr(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func (m *mosquitto) start() {
	m.t.Helper()
	path, err := exec.LookPath("mosquitto")
	if err != nil {
		if path = "/usr/sbin/mosquitto"; !exists(path) {
			m.t.Fatal("mosquitto is not installed: apt-get install mosquitto, or make test")
		}
	}
	if os.Getuid() == 0 { // mosquitto would change to a user who cannot read the test's folder
		appendLine(m.t, m.conf, "user root")
	}
	m.cmd = exec.Command(path, "-c", m.conf)
	var out lockedBuffer
	m.cmd.Stderr = &out
	if err := m.cmd.Start(); err != nil {
		m.t.Fatal(err)
	}
	for end := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		if c, err := net.Dial("tcp", m.addr); err == nil {
			c.Close()
			return
		}
		if time.Now().After(end) {
			m.t.Fatalf("mosquitto does not listen: %s", out.String())
		}
	}
}

func exists(path string) bool { _, err := os.Stat(path); return err == nil }

func appendLine(t testing.TB, path, line string) {
	content, err := os.ReadFile(path)
	if err != nil || strings.Contains(string(content), line) {
		return
	}
	if err := os.WriteFile(path, append(content, line+"\n"...), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (m *mosquitto) kill() {
	if m.cmd != nil {
		m.cmd.Process.Kill() //nolint:errcheck // it may have ended
		m.cmd.Wait()         //nolint:errcheck // killed
		m.cmd = nil
	}
}

func (m *mosquitto) url() string { return "tcp://" + m.addr }
