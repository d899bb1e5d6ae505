package vetting

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"faird/config"
	"faird/infer"
	"faird/model"
)

// self is the program that runs, also after an upgrade has replaced its file.
const self = "/proc/self/exe"

// ProgramEnv names a program to start in place of the one that runs. It is for
// emulators, under which a program cannot start itself: deploy/arm64/test. Whoever
// can set it can also name another ONNX Runtime, and so decides what runs anyway.
const ProgramEnv = "FAIRD_VETTING_PROGRAM"

// cpuTime is what a child may take of each processor.
const cpuTime = 5 * time.Minute

// dataLimit is the memory that a child may write to, in bytes: twice what Go, OpenCV
// and ONNX Runtime were measured to take (280 MB on two cores), the stacks of their
// threads, and four times what the network needs, since ONNX Runtime's arena
// doubles, the weights are packed, and the file is there too.
func dataLimit(f *model.File) uint64 {
	const floor, thread, times = 560 << 20, 32 << 20, 4
	return floor + thread*uint64(runtime.NumCPU()) + times*uint64(f.Memory+int64(len(f.Bytes())))
}

// ask has a child examine f. The error, a predicate of "the process", is of a child
// that gave no answer.
func (v *Vetter) ask(ctx context.Context, f *model.File, c config.Infer, lib infer.Library) (answer, error) {
	if os.Getenv(marker) != "" {
		return answer{}, fmt.Errorf("was not started: %w", errChild)
	}
	var err error
	if lib.Path, err = filepath.Abs(lib.Path); err != nil { // the child works in a folder of its own
		return answer{}, fmt.Errorf("was not started: %w", err)
	}
	head, err := json.Marshal(order{
		Name: f.Path, Bytes: len(f.Bytes()), Library: lib.Path, Threads: c.Threads,
		Data: dataLimit(f), CPU: uint64(cpuTime.Seconds()) * uint64(runtime.NumCPU()),
	})
	if err != nil {
		return answer{}, fmt.Errorf("was not started: %w", err)
	}
	if len(head) >= maxLine {
		return answer{}, errors.New("was not started: the file's name is too long")
	}
	out, err := v.child(ctx, io.MultiReader(bytes.NewReader(append(head, '\n')), bytes.NewReader(f.Bytes())), lib)
	if err != nil {
		return answer{}, err
	}
	var a answer
	if err := json.Unmarshal(out, &a); err != nil || a.OK == (a.Error != "") {
		return answer{}, errors.New("gave no answer: start the daemon's own program, faird run")
	}
	return a, nil
}

// child runs the program in its sandbox, with something to read, and returns what it
// prints. It comes back soon after ctx ends, whatever becomes of the process.
func (v *Vetter) child(ctx context.Context, in io.Reader, lib infer.Library) ([]byte, error) {
	slow := fmt.Errorf("took more than %s: it is too large for this machine, or the machine has too much else to do", v.timeout)
	ctx, cancel := context.WithTimeoutCause(ctx, v.timeout, slow)
	defer cancel()
	scratch, err := os.MkdirTemp("", "faird-vet-")
	if err != nil {
		return nil, fmt.Errorf("was not started: a folder for it: %w", err)
	}
	cmd := exec.CommandContext(ctx, v.program[0], v.program[1:]...)
	cmd.Args[0] = Name
	cmd.Dir, cmd.Env = scratch, environment(scratch)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true} // Ctrl-C is for the daemon
	cmd.WaitDelay = leaveIn
	out, errs := &bounded{most: maxLine}, &bounded{most: maxLine}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = in, out, errs
	done := make(chan error, 1)
	v.tasks.Go("examining a model", func() {
		defer os.RemoveAll(scratch)
		done <- v.start(cmd, sandbox{library: lib.Path, scratch: scratch})
	})
	select {
	case err = <-done:
	case <-ctx.Done():
		select {
		case err = <-done:
		case <-time.After(leaveIn + time.Second):
			return nil, fmt.Errorf("%w, and cannot be killed", context.Cause(ctx))
		}
	}
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case err != nil:
		return nil, errors.New(ended(cmd, err, errs.String()))
	}
	return out.Bytes(), nil
}

// Name is what a child is called in a list of processes.
const Name = "faird-vet"

// start runs cmd on a thread of its own, which the sandbox confines, and which ends
// with this function's goroutine: it is never given back to Go. The kernel kills the
// child with the thread.
func (v *Vetter) start(cmd *exec.Cmd, s sandbox) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		missing, err := s.enter()
		told.Do(func() { v.tell(missing) })
		if err == nil {
			err = cmd.Start()
		}
		if err != nil {
			done <- fmt.Errorf("could not be started: %w", err)
			return
		}
		go expendable(cmd.Process.Pid) // on a thread that may
		done <- cmd.Wait()
	}()
	return <-done
}

// told is that the log says, once for the process, what is missing of the sandbox.
var told sync.Once

// tell says what the kernel does not keep a child from.
func (v *Vetter) tell(missing []string) {
	if len(missing) > 0 {
		v.log.Warn().Strs("missing", missing).Msg("processes that examine models are not confined in full")
	}
}

// expendable has the kernel kill the child first where memory runs out.
func expendable(pid int) {
	_ = os.WriteFile(fmt.Sprintf("/proc/%d/oom_score_adj", pid), []byte("1000"), 0o600) // fails where it has ended
}

// ended says how a child ended that did not answer.
func ended(cmd *exec.Cmd, err error, said string) string {
	state := cmd.ProcessState
	if state == nil {
		return err.Error()
	}
	text := "ended (" + state.String() + ")"
	if s, ok := state.Sys().(syscall.WaitStatus); ok && s.Signaled() && s.Signal() == syscall.SIGXCPU {
		text = fmt.Sprintf("took more than %s of every processor", cpuTime)
	}
	if first, _, _ := strings.Cut(strings.TrimSpace(said), "\n"); first != "" {
		text += ": " + first[:min(len(first), 256)]
	}
	return text
}

// environment is what a child needs of this process's, which may hold passwords.
func environment(scratch string) []string {
	env := []string{marker + "=1", "TMPDIR=" + scratch, "HOME=" + scratch}
	for _, v := range os.Environ() {
		name, _, _ := strings.Cut(v, "=")
		if slices.Contains([]string{"LD_LIBRARY_PATH", "MALLOC_ARENA_MAX", "GOMAXPROCS", "GOTRACEBACK", "LANG", "TZ"}, name) {
			env = append(env, v)
		}
	}
	return env
}

// bounded keeps the beginning of what is written, and refuses no more.
type bounded struct {
	bytes.Buffer
	most int
}

func (b *bounded) Write(p []byte) (int, error) {
	_, _ = b.Buffer.Write(p[:min(len(p), b.most-b.Len())])
	return len(p), nil
}
