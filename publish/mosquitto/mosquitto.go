// Package mosquitto starts the real broker for tests, on a free loopback port
// of its own, and ends it with the test. It is for tests alone.
package mosquitto

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// patience is how long a busy machine may take to start it.
const patience = time.Minute

// Broker is one mosquitto, which may be killed and started again at its address.
type Broker struct {
	Addr string // host:port
	Conf string // its configuration file

	t   testing.TB
	cmd *exec.Cmd
	err bytes.Buffer // read only once the process has ended
}

// New starts a broker with further lines of configuration; without any,
// everybody may do everything. It keeps nothing over a restart.
func New(t testing.TB, lines ...string) *Broker {
	t.Helper()
	if len(lines) == 0 {
		lines = []string{"allow_anonymous true"}
	}
	addr := FreeAddr(t)
	_, port, _ := net.SplitHostPort(addr)
	if os.Getuid() == 0 { // it would change to a user who cannot read the test's folder
		lines = append(lines, "user root")
	}
	b := &Broker{Addr: addr, Conf: filepath.Join(t.TempDir(), "mosquitto.conf"), t: t}
	text := fmt.Sprintf("listener %s 127.0.0.1\npersistence false\nmax_queued_messages 0\nmax_inflight_messages 0\nset_tcp_nodelay true\n%s\n",
		port, strings.Join(lines, "\n"))
	if err := os.WriteFile(b.Conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	b.Start()
	t.Cleanup(b.Kill)
	return b
}

// FreeAddr is a loopback address at which nothing listens.
func FreeAddr(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// Start returns once it listens.
func (b *Broker) Start() {
	b.t.Helper()
	path, err := exec.LookPath("mosquitto")
	if err != nil {
		path = "/usr/sbin/mosquitto" // not in every user's PATH
	}
	b.cmd = exec.Command(path, "-c", b.Conf)
	b.err.Reset()
	b.cmd.Stderr = &b.err
	if err := b.cmd.Start(); err != nil {
		b.t.Fatalf("%v: run make deps-test", err)
	}
	for end := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		if c, err := net.Dial("tcp", b.Addr); err == nil {
			_ = c.Close()
			return
		}
		if time.Now().After(end) {
			b.Kill()
			b.t.Fatalf("mosquitto does not listen: %s", b.err.String())
		}
	}
}

// Kill ends it as a power cut would, and waits for its end.
func (b *Broker) Kill() {
	if b.cmd != nil {
		_ = b.cmd.Process.Kill()
		_ = b.cmd.Wait()
		b.cmd = nil
	}
}

// URL is where clients find it.
func (b *Broker) URL() string { return "tcp://" + b.Addr }

// PID is the running process.
func (b *Broker) PID() int { return b.cmd.Process.Pid }
