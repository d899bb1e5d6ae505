package training

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// leaveIn is how long a process has to save what it has.
	leaveIn = 2 * time.Second
	// mostOutput bounds what is read of a process' answer.
	mostOutput = 16 << 20
)

// threads are half the cores: where the line leaves them idle, a training of all
// would still take its memory's bandwidth.
func threads() int { return max(1, runtime.NumCPU()/2) }

// run has faird do something at the lowest priority and gives what it prints on
// stdout; line is called with each line of stderr. The process ends with ctx,
// and with the daemon, however that ends.
func (m *Manager) run(ctx context.Context, line func([]byte), args ...string) ([]byte, error) {
	runtime.LockOSThread() // the kernel ends the process with the thread that started it
	defer runtime.UnlockOSThread()
	cmd := exec.CommandContext(ctx, m.Program[0], append(slices.Clone(m.Program[1:]), args...)...)
	cmd.Env = append(environment(), "GOMAXPROCS="+strconv.Itoa(threads()))
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = leaveIn
	out, errs := &bounded{}, &lines{each: line}
	cmd.Stdout, cmd.Stderr = out, errs
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("faird could not be started: %w", err)
	}
	priority, low := lower(cmd.Process.Pid)
	if low != nil {
		_ = cmd.Process.Kill()
	}
	m.show(func(j *Job) { j.Priority = priority })
	err := cmd.Wait()
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case low != nil:
		return nil, low
	case err != nil:
		return nil, errors.New(errs.why(err))
	}
	return out.b.Bytes(), nil
}

// environment is the daemon's, but for what is between it and systemd.
func environment() []string {
	return slices.DeleteFunc(os.Environ(), func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		return slices.Contains([]string{"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "GOMAXPROCS"}, name)
	})
}

// lower gives every thread of a process the lowest priority there is: it runs
// when nothing else wants to. A new thread has that of the one that made it, so
// it is done once a look finds none that is higher.
func lower(pid int) (priority string, err error) {
	_ = os.WriteFile(fmt.Sprintf("/proc/%d/oom_score_adj", pid), []byte("1000"), 0o600) // the first to go where memory runs out
	low := map[int]bool{}
	priority = "idle"
	for range 100 {
		tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/[0-9]*", pid))
		if err != nil {
			return "", err
		}
		fresh := false
		for _, task := range tasks {
			tid, err := strconv.Atoi(filepath.Base(task))
			if err != nil || low[tid] {
				continue
			}
			fresh, low[tid] = true, true
			switch p, err := lowerThread(tid); {
			case errors.Is(err, unix.ESRCH): // it has ended
			case err != nil:
				return "", fmt.Errorf("the training cannot be given a low priority, and would slow the line: %w", err)
			case p != "idle":
				priority = p
			}
		}
		if !fresh {
			return priority, nil
		}
	}
	return priority, nil
}

const (
	ioIdle    = 3 << 13 // class idle
	ioProcess = 1       // a thread, for ioprio_set
)

func lowerThread(tid int) (priority string, err error) {
	_, _, _ = unix.Syscall(unix.SYS_IOPRIO_SET, ioProcess, uintptr(tid), ioIdle) // where the disk's scheduler knows classes
	nice := unix.Setpriority(unix.PRIO_PROCESS, tid, 19)
	idle := unix.SchedSetAttr(tid, &unix.SchedAttr{Policy: unix.SCHED_IDLE}, 0)
	switch {
	case idle == nil:
		return "idle", nil
	case nice == nil:
		return "nice 19", nil
	}
	return "", idle
}

// bounded keeps what is written, up to mostOutput.
type bounded struct{ b bytes.Buffer }

func (w *bounded) Write(p []byte) (int, error) {
	if w.b.Len()+len(p) > mostOutput {
		return 0, errors.New("the answer is too long")
	}
	return w.b.Write(p)
}

// lines hands on whole lines, and remembers the last.
type lines struct {
	each func([]byte)
	part []byte
	last string
}

const longest = 4096

func (w *lines) Write(p []byte) (int, error) {
	w.part = append(w.part, p...)
	for {
		line, rest, whole := bytes.Cut(w.part, []byte("\n"))
		if !whole {
			w.part = w.part[:min(len(w.part), longest)]
			return len(p), nil
		}
		if line = bytes.TrimSpace(line); len(line) > 0 {
			w.last = string(line)
			w.each(line)
		}
		w.part = append([]byte(nil), rest...)
	}
}

// why is what the process said last.
func (w *lines) why(err error) string {
	if w.last == "" || strings.HasPrefix(w.last, "{") {
		return "the process ended: " + err.Error()
	}
	return strings.TrimPrefix(w.last, "faird: ")
}
