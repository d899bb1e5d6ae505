// Package arvtest runs Aravis' fake GigE Vision camera on loopback for tests. No
// product code imports it.
package arvtest

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// Serial is the fake camera's serial number; its ID is Name.
const (
	Serial  = "FAIRD1"
	Name    = "Aravis-Fake-" + Serial
	Address = "127.0.0.1"
)

const program = "arv-fake-gv-camera-0.8"

// Camera is the fake camera's program.
type Camera struct {
	path    string
	options []string
	running *exec.Cmd
}

// New starts the fake camera with further options of the program, and stops it
// when the test ends. There is one control port on loopback: tests of other
// packages wait for their turn.
func New(t testing.TB, options ...string) *Camera {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		t.Skip(program + " of the package aravis-tools is not installed: make deps-test")
	}
	alone(t)
	c := &Camera{path: path, options: append([]string{"-i", Address, "-s", Serial}, options...)}
	c.Start(t)
	t.Cleanup(c.Kill)
	return c
}

// alone waits until no other test process has a fake camera.
func alone(t testing.TB) {
	t.Helper()
	lock, err := os.OpenFile(filepath.Join(os.TempDir(), "faird-test-gige.lock"), os.O_CREATE|os.O_RDWR, 0o666)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { lock.Close() }) // which frees it
	for {
		if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err == nil {
			return
		} else if err != syscall.EINTR {
			t.Fatal(err)
		}
	}
}

// Start starts the program, after a Kill once more, and waits until it answers.
func (c *Camera) Start(t testing.TB) {
	t.Helper()
	c.running = exec.Command(c.path, c.options...)
	if err := c.running.Start(); err != nil {
		t.Fatal(err)
	}
	conn := dial(t)
	defer conn.Close()
	readBlock(t, conn, registerXML, 4)
}

// Kill ends the program at once, as a power cut does.
func (c *Camera) Kill() {
	_ = c.running.Process.Kill()
	_ = c.running.Wait()
}
