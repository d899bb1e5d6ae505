package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"faird/pipeline/vetting"
)

// asFaird makes the test binary be faird itself, so that the tests run the real
// process: its signals, its exit code, its output.
const asFaird = "TEST_AS_FAIRD"

func TestMain(m *testing.M) {
	vetting.BeChild()
	if os.Getenv(asFaird) != "" {
		if what := os.Getenv(hangAs); what != "" {
			os.Exit(hang(what))
		}
		main()
		os.Exit(0)
	}
	// Tests run beside each other, and beside a faird of their machine's.
	_ = os.Setenv("FAIRD_WEB_LISTEN", "127.0.0.1:0")
	_ = os.Setenv("FAIRD_INFER_THREADS", strconv.Itoa(runtime.GOMAXPROCS(0))) // not measured at every start
	os.Exit(m.Run())
}

// process is a running faird.
type process struct {
	t      *testing.T
	cmd    *exec.Cmd
	out    output
	errs   output
	exited chan struct{}
}

// output collects what a process prints while tests look at it.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// start runs faird with these arguments in the folder dir.
func start(t *testing.T, dir string, env []string, args ...string) *process {
	t.Helper()
	return launch(t, dir, env, exec.Command(os.Args[0], args...))
}

// launch starts a command that is faird, or that calls it.
func launch(t *testing.T, dir string, env []string, cmd *exec.Cmd) *process {
	t.Helper()
	p := &process{t: t, cmd: cmd, exited: make(chan struct{})}
	p.cmd.Dir = dir
	whole := library(t) // which a slowRuntime loads, also where the sandbox of vetting allows little else
	p.cmd.Env = append(append(os.Environ(), asFaird+"=1", "FAIRD_INFER_LIBRARY="+whole, "LD_LIBRARY_PATH="+filepath.Dir(whole)), env...)
	p.cmd.Stdout, p.cmd.Stderr = &p.out, &p.errs
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.exited)
		_ = p.cmd.Wait()
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.exited
		if t.Failed() {
			t.Logf("stdout:\n%s\nstderr:\n%s", p.out.String(), p.errs.String())
		}
	})
	return p
}

// wait waits for the process to end by itself and returns its exit code.
func (p *process) wait(limit time.Duration) int {
	p.t.Helper()
	select {
	case <-p.exited:
		return p.cmd.ProcessState.ExitCode()
	case <-time.After(limit):
		p.t.Fatalf("faird %s did not end within %s", strings.Join(p.cmd.Args[1:], " "), limit)
		return -1
	}
}

func (p *process) signal(s os.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// stop sends SIGTERM and returns the exit code and how long it took.
func (p *process) stop() (int, time.Duration) {
	p.t.Helper()
	began := time.Now()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		p.t.Fatal(err)
	}
	code := p.wait(20 * time.Second)
	return code, time.Since(began)
}

// run runs faird to its end and returns its exit code and what it printed.
func run(t *testing.T, dir string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	p := start(t, dir, nil, args...)
	code = p.wait(2 * time.Minute)
	return code, p.out.String(), p.errs.String()
}

// root folder of the project.
func project(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// library is ONNX Runtime where make deps put it.
func library(t *testing.T) string {
	t.Helper()
	path := filepath.Join(project(t), ".deps", "lib", "libonnxruntime.so.1")
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("%v: run make deps first", err)
	}
	return path
}

// shared is a path below the folder of reference data beside the project.
func shared(t *testing.T, elem ...string) string {
	t.Helper()
	path := filepath.Join(append([]string{project(t), "..", "shared"}, elem...)...)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("reference data is not beside this clone: %v", err)
	}
	return path
}

// until waits for what to become true.
func until(t testing.TB, limit time.Duration, what string, is func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	for !is() {
		select {
		case <-ctx.Done():
			t.Fatalf("%s: not within %s", what, limit)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// write puts text into a file in dir and returns its path.
func write(t testing.TB, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
