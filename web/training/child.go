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

// run has faird do something at a low priority and gives what it prints on
// stdout; line is called with each line of stderr. The process ends with ctx,
// and with the daemon, however that ends.
func (m *Manager) run(ctx context.Context, line func([]byte), args ...string) ([]byte, error) {
	runtime.LockOSThread() // the kernel ends the process with the thread that started it
	defer runtime.UnlockOSThread()
	cmd := exec.CommandContext(ctx, m.Program[0], append(slices.Clone(m.Program[1:]), args...)...)
	cmd.Env = append(environment(), "GOMAXPROCS="+strconv.Itoa(threads()))
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true} // Ctrl-C is for the daemon, which ends it in order
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = leaveIn
	out, errs := &bounded{}, &lines{each: line}
	cmd.Stdout, cmd.Stderr = out, errs
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("faird could not be started: %w", err)
	}
	lowered := lower(cmd.Process.Pid)
	if lowered != nil {
		_ = cmd.Process.Kill()
	} else {
		m.show(func(j *Job) { j.Priority = low })
	}
	free := m.yield(ctx, cmd.Process)
	err := cmd.Wait()
	free()
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case lowered != nil:
		return nil, lowered
	case err != nil:
		return nil, errors.New(errs.why(err))
	}
	return out.b.Bytes(), nil
}

// yield has the process stand still while the line has no time to spare, until ctx
// ends; the function it returns ends that. The priority alone does not do: a
// training on nothing but the time that the line leaves still slows it by a
// seventh (BenchmarkBesideTraining of cmd/faird).
func (m *Manager) yield(ctx context.Context, p *os.Process) (free func()) {
	if m.Spare == nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		m.Spare(ctx, func(spare bool) {
			signal := syscall.SIGSTOP
			if spare {
				signal = syscall.SIGCONT
			}
			_ = p.Signal(signal) // fails where it has ended
		})
		_ = p.Signal(syscall.SIGCONT) // what stands still does not hear that it is to end
	}()
	return func() { cancel(); <-done }
}

// environment is the daemon's, but for what is between it and systemd, and for
// its single C heap: that is for a process that runs for years.
func environment() []string {
	return slices.DeleteFunc(os.Environ(), func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		return slices.Contains([]string{"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "GOMAXPROCS", "MALLOC_ARENA_MAX"}, name)
	})
}

// lowest is how nice a training is to the line while it does not stand still:
// where the line wants a whole core, this leaves one part in twenty of it to the
// training (the kernel's weights are 1024 and 56).
const lowest = 13

// low is the name of that priority.
const low = "low"

// lower gives every thread of a process the low priority. A new thread has that
// of the one that made it, so it is done once a look finds none that is fresh.
func lower(pid int) error {
	_ = os.WriteFile(fmt.Sprintf("/proc/%d/oom_score_adj", pid), []byte("1000"), 0o600) // the first to go where memory runs out
	seen := map[int]bool{}
	for range 100 {
		tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/[0-9]*", pid))
		if err != nil {
			return err
		}
		fresh := false
		for _, task := range tasks {
			tid, err := strconv.Atoi(filepath.Base(task))
			if err != nil || seen[tid] {
				continue
			}
			fresh, seen[tid] = true, true
			if err := lowerThread(tid); err != nil && !errors.Is(err, unix.ESRCH) {
				return fmt.Errorf("the training cannot be given a low priority, and would slow the line: %w", err)
			}
		}
		if !fresh {
			break
		}
	}
	return nil
}

const (
	ioIdle   = 3 << 13 // class idle
	ioThread = 1       // for ioprio_set
)

// lowerThread also has the thread never wake up in front of another, and read and
// write when nobody else does, where the kernel has that.
func lowerThread(tid int) error {
	_, _, _ = unix.Syscall(unix.SYS_IOPRIO_SET, ioThread, uintptr(tid), ioIdle)
	if unix.SchedSetAttr(tid, &unix.SchedAttr{Policy: unix.SCHED_BATCH, Nice: lowest}, 0) == nil {
		return nil
	}
	return unix.Setpriority(unix.PRIO_PROCESS, tid, lowest)
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
