package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// keeper is a mosquitto that keeps sessions on disk, so that a subscriber's
// survives its death.
type keeper struct {
	conf, addr string
	cmd        *exec.Cmd
}

func newKeeper(t *testing.T) *keeper {
	t.Helper()
	dir, port := t.TempDir(), freePort(t)
	k := &keeper{addr: net.JoinHostPort("127.0.0.1", strconv.Itoa(port))}
	// Without limits: what it has acknowledged it has also sent to a subscriber
	// who is there, before it can be killed.
	k.conf = write(t, dir, "mosquitto.conf", fmt.Sprintf("listener %d 127.0.0.1\nallow_anonymous true\nuser root\npersistence true\n"+
		"persistence_location %s/\nautosave_interval 1\nmax_inflight_messages 0\nmax_queued_messages 0\nlog_type error\n", port, dir))
	return k
}

func (k *keeper) start(ctx context.Context) error {
	path, err := exec.LookPath("mosquitto")
	if err != nil {
		path = "/usr/sbin/mosquitto"
	}
	k.cmd = exec.Command(path, "-c", k.conf)
	if err := k.cmd.Start(); err != nil {
		return fmt.Errorf("%w: make test installs mosquitto", err)
	}
	for ctx.Err() == nil {
		if c, err := net.Dial("tcp", k.addr); err == nil {
			return c.Close()
		}
		time.Sleep(10 * time.Millisecond)
	}
	return fmt.Errorf("mosquitto does not listen at %s: %w", k.addr, ctx.Err())
}

func (k *keeper) end(s syscall.Signal) {
	_ = k.cmd.Process.Signal(s)
	_ = k.cmd.Wait()
}

// service runs faird as systemd would: it is started again whenever it ends.
type service struct {
	args   []string
	env    []string
	dir    string
	excuse func() bool // for an end that nobody asked for

	mu     sync.Mutex
	cmd    *exec.Cmd
	killed bool // the newest one, by us
	starts int
	odd    []string // ends that nobody asked for
	struck int      // how often the disk refused it
	over   bool
	ended  chan struct{}
}

func (s *service) run() {
	s.ended = make(chan struct{})
	go func() {
		defer close(s.ended)
		for s.once() {
			time.Sleep(200 * time.Millisecond)
		}
	}()
}

// once is one life of the process; it returns whether there is to be another.
func (s *service) once() bool {
	s.mu.Lock()
	if s.over {
		s.mu.Unlock()
		return false
	}
	cmd := exec.Command(s.args[0], s.args[1:]...)
	errs := &said{service: s}
	cmd.Dir, cmd.Env, cmd.Stderr = s.dir, s.env, errs
	s.cmd, s.killed = cmd, false
	s.starts++
	err := cmd.Start()
	s.mu.Unlock()
	if err == nil {
		err = cmd.Wait()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	died := err != nil && !s.killed
	switch text := errs.String(); {
	case died && s.excuse() && !strings.Contains(text, "goroutine "):
		s.struck++ // it could not even start
	case died:
		s.odd = append(s.odd, fmt.Sprintf("%v: %s", err, tail(text, 2000)))
	}
	return !s.over
}

// said is what one process prints on stderr.
type said struct {
	output
	service *service
}

func (o *said) Write(p []byte) (int, error) {
	o.service.mu.Lock()
	o.service.struck += bytes.Count(p, []byte("the disk refuses verdicts"))
	o.service.mu.Unlock()
	return o.output.Write(p)
}

// strikes is how often the disk refused: verdicts, as the process said, or its start.
func (s *service) strikes() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.struck
}

func tail(s string, n int) string { return s[max(0, len(s)-n):] }

func (s *service) kill() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd == nil || s.cmd.Process == nil {
		return // not begun, or could not
	}
	s.killed = true
	_ = s.cmd.Process.Kill()
}

// stop ends the process in order, and the service with it.
func (s *service) stop(limit time.Duration) error {
	s.mu.Lock()
	s.over = true
	if s.cmd != nil && s.cmd.Process != nil {
		_ = s.cmd.Process.Signal(syscall.SIGTERM)
	}
	s.mu.Unlock()
	select {
	case <-s.ended:
		return nil
	case <-time.After(limit):
		s.kill()
		<-s.ended
		return fmt.Errorf("faird did not stop within %s", limit)
	}
}

// limitFiles forbids the process every write to a file, or allows it again.
func (s *service) limitFiles(forbid bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd == nil || s.cmd.Process == nil {
		return nil
	}
	var now unix.Rlimit
	if err := unix.Prlimit(s.cmd.Process.Pid, unix.RLIMIT_FSIZE, nil, &now); err != nil {
		if errors.Is(err, unix.ESRCH) {
			return nil // it has just ended
		}
		return err
	}
	now.Cur = now.Max
	if forbid {
		now.Cur = 0
	}
	if err := unix.Prlimit(s.cmd.Process.Pid, unix.RLIMIT_FSIZE, &now, nil); !errors.Is(err, unix.ESRCH) {
		return err
	}
	return nil
}

// volume is a file system of its own, small enough to be filled.
type volume struct{ path string }

// newVolume returns nil, and says why, where nobody may mount.
func newVolume(t *testing.T) *volume {
	t.Helper()
	v := &volume{path: t.TempDir()}
	if err := unix.Mount("tmpfs", v.path, "tmpfs", 0, "size=160m"); err != nil {
		t.Logf("A FULL DISK IS NOT TRIED: no file system can be mounted here (%v); the disk refuses by RLIMIT_FSIZE alone", err)
		return nil
	}
	t.Cleanup(func() {
		if err := unix.Unmount(v.path, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return v
}

// fill leaves no byte, of what was freed since too.
func (v *volume) fill() error {
	f, err := os.OpenFile(filepath.Join(v.path, "ballast"), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	for block := make([]byte, 1<<20); len(block) > 0; {
		if _, err := f.Write(block); err != nil {
			block = block[:len(block)/2]
		}
	}
	return f.Close()
}

func (v *volume) empty() { _ = os.Remove(filepath.Join(v.path, "ballast")) }
