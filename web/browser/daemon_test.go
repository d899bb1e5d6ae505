package browser_test

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"faird/web/account"
)

// patience is for anything that takes long on a quarter of a core.
const patience = 3 * time.Minute

const password = "correct horse battery"

// daemon is a running faird and where its page is.
type daemon struct {
	t      *testing.T
	config string
	url    string
	cmd    *exec.Cmd
	exited chan struct{}
	said   said
}

// said is what it prints.
type said struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// line starts faird on simulated stations of these names, a part a second each,
// with a user for each role (named like it).
func line(t *testing.T, names ...string) *daemon {
	t.Helper()
	return lineAt(t, 1, names...)
}

// lineAt is line at so many parts a second.
func lineAt(t *testing.T, rate int, names ...string) *daemon {
	t.Helper()
	d := planned(t, rate, library(t), names...)
	d.start()
	return d
}

// planned is a daemon with this ONNX Runtime that is not started.
func planned(t *testing.T, rate int, runtime string, names ...string) *daemon {
	t.Helper()
	dir := t.TempDir()
	d := &daemon{t: t, config: filepath.Join(dir, "faird.yaml"), url: "http://" + address(t)}
	var b strings.Builder
	fmt.Fprintf(&b, "site: plant1\nbox: edge7\nlog: {level: warn}\ninfer: {provider: cpu, threads: 1, library: %q}\n", runtime)
	fmt.Fprintf(&b, "mqtt: {builtin: {listen: %q}}\nstore: {path: %q}\nweb: {listen: %q}\n", address(t), dir, strings.TrimPrefix(d.url, "http://"))
	b.WriteString("stations:\n")
	for i, name := range names {
		fmt.Fprintf(&b, "  - {name: %s, model: demo, trigger: {deadline: 60s}, camera: {url: 'demo://?seed=%d&rate=%d&defects=0.5', open_timeout: 180s, read_timeout: 60s}, roi: {x: 64, y: 112, w: 480, h: 480}}\n", name, i+1, rate)
	}
	if err := os.WriteFile(d.config, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	users := account.Open(filepath.Join(dir, "users.json"))
	for _, role := range []account.Role{account.Viewer, account.Operator, account.Admin} {
		if err := users.Add(role.String(), role, password); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

// start runs the daemon until its stations judge.
func (d *daemon) start() {
	d.t.Helper()
	d.launch()
	d.answers("/readyz", http.StatusOK)
}

// launch runs the daemon until the test ends.
func (d *daemon) launch() {
	d.t.Helper()
	if d.cmd == nil {
		d.t.Cleanup(func() {
			d.stop()
			if d.t.Failed() {
				d.t.Logf("the daemon said:\n%s", d.said.String())
			}
		})
	}
	d.cmd = exec.Command(faird, "run", "--config", d.config)
	d.cmd.Stdout, d.cmd.Stderr = &d.said, &d.said
	if err := d.cmd.Start(); err != nil {
		d.t.Fatal(err)
	}
	d.exited = make(chan struct{})
	go func() {
		defer close(d.exited)
		_ = d.cmd.Wait()
	}()
}

// answers waits until an address answers with this status.
func (d *daemon) answers(path string, status int) {
	d.t.Helper()
	until(d.t, path+" to answer as it should", func() bool {
		select {
		case <-d.exited:
			d.t.Fatal("the daemon has ended")
		default:
		}
		r, err := http.Get(d.url + path) //nolint:noctx // a test's own loop bounds it
		if err != nil {
			return false
		}
		defer r.Body.Close()
		return r.StatusCode == status
	})
	http.DefaultClient.CloseIdleConnections()
}

func (d *daemon) stop() {
	_ = d.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-d.exited:
	case <-time.After(patience):
		_ = d.cmd.Process.Kill()
		<-d.exited
	}
}

// address is a free one on loopback.
func address(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// library is ONNX Runtime: the one named, or where make deps put it.
func library(t *testing.T) string {
	t.Helper()
	if l := os.Getenv("FAIRD_INFER_LIBRARY"); l != "" {
		return l
	}
	found, err := filepath.Glob("../../.deps/lib/libonnxruntime.so*")
	if err != nil || len(found) == 0 {
		t.Fatal("no ONNX Runtime in .deps: make deps installs it")
	}
	path, err := filepath.Abs(found[0])
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// until waits for a condition.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	within(t, patience, what, holds)
}

func within(t *testing.T, limit time.Duration, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(limit); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if holds() {
			return
		}
	}
	t.Fatalf("waited %s for %s", limit, what)
}
