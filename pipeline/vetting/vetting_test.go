package vetting

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"faird/config"
	"faird/infer"
	"faird/inspect"
	"faird/model"
	"faird/model/demo"
	"faird/pipeline/tasks"
)

func TestMain(m *testing.M) {
	BeChild()
	if len(os.Args) > 2 && os.Args[1] == misbehave {
		misbehaves(os.Args[2:])
	}
	goleak.VerifyTestMain(m)
}

// misbehave makes the test's program a child that does what a model must not.
const misbehave = "misbehave"

func misbehaves(args []string) {
	tried := map[string]string{}
	try := func(what string, f func() error) {
		tried[what] = "done"
		if err := f(); err != nil {
			tried[what] = err.Error()
		}
	}
	switch args[0] {
	case "waits":
		time.Sleep(time.Hour)
	case "fills":
		if err := (order{Data: 300 << 20, CPU: 60}).limit(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		var all [][]byte
		for range 1000 {
			all = append(all, make([]byte, 10<<20))
			for i := range all[len(all)-1] {
				all[len(all)-1][i] = 1
			}
		}
	case "spins":
		if err := (order{Data: 1 << 30, CPU: 1}).limit(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		for n := 0; ; n++ {
			_ = n
		}
	case "talks":
		for {
			fmt.Println(strings.Repeat("x", 1000))
		}
	case "escapes":
		secret, listener := args[1], args[2]
		try("read", func() error { _, err := os.ReadFile(secret); return err })
		try("write", func() error { return os.WriteFile(secret+".new", nil, 0o600) })
		try("list", func() error { _, err := os.ReadDir(filepath.Dir(secret)); return err })
		try("scratch", func() error { return os.WriteFile(filepath.Join(os.TempDir(), "f"), nil, 0o600) })
		try("connect", func() error { _, err := net.Dial("tcp", listener); return err })
		try("unix", func() error { _, err := net.Dial("unix", secret); return err })
		try("run", func() error { return exec.CommandContext(context.Background(), "/bin/true").Run() })
		try("environment", func() error { _, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", os.Getppid())); return err })
		try("memory", func() error {
			threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*", os.Getppid()))
			for _, thread := range threads {
				if f, err := os.Open(filepath.Join(thread, "mem")); err == nil {
					return f.Close()
				}
			}
			return errors.Join(err, errors.New("no thread can be opened"))
		})
		try("password", func() error {
			if os.Getenv("FAIRD_TEST_PASSWORD") == "" {
				return errors.New("there is none")
			}
			return nil
		})
		_ = json.NewEncoder(os.Stdout).Encode(tried)
	}
	os.Exit(0)
}

// vetter is one that remembers nothing of other tests; args make its child misbehave.
func vetter(t *testing.T, args ...string) (*Vetter, *tasks.Group) {
	t.Helper()
	g := tasks.NewGroup()
	v := New(g, zerolog.Nop())
	v.results = newResults()
	if len(args) > 0 {
		v.program = append([]string{self, misbehave}, args...)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if left := g.Wait(ctx); len(left) > 0 {
			t.Errorf("still running: %v", left)
		}
	})
	return v, g
}

var onCPU = config.Infer{Provider: "cpu", Threads: 1}

// small is a model file with golden samples, after edits.
func small(t *testing.T, edits ...func(*model.File)) *model.File {
	t.Helper()
	f, err := model.Parse(demo.Model())
	if err != nil {
		t.Fatal(err)
	}
	f.Golden = f.Golden[:1]
	for _, e := range edits {
		e(f)
	}
	path := filepath.Join(t.TempDir(), "m.onnx")
	if err := model.Write(path, f); err != nil {
		t.Fatal(err)
	}
	return f
}

// A model passes once, and is not examined again; one with other scores does not pass.
func TestExamine(t *testing.T) {
	v, _ := vetter(t)
	f := small(t)
	if err := v.Examine(t.Context(), f, onCPU); err != nil {
		t.Fatal(err)
	}
	v.program = []string{"/bin/false"}
	if err := v.Examine(t.Context(), f, onCPU); err != nil {
		t.Errorf("again: %v, want it remembered", err)
	}
	v, _ = vetter(t)
	wrong := small(t, func(f *model.File) { f.Golden[0].Score *= 3 })
	for range 2 {
		err := v.Examine(t.Context(), wrong, onCPU)
		if !errors.Is(err, inspect.ErrGolden) || !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), wrong.Path) {
			t.Errorf("wrong scores: %v", err)
		}
	}
}

func TestTheBuiltInModelPasses(t *testing.T) {
	v, _ := vetter(t)
	v.program = []string{"/bin/false"}
	f, err := v.Read(t.Context(), config.DemoModel)
	if err != nil {
		t.Fatal(err)
	}
	f.Path = config.DemoModel
	if err := v.Examine(t.Context(), f, onCPU); err != nil {
		t.Error(err)
	}
}

// Whatever the child does, the parent has an answer, in one line that names the file.
func TestChildrenThatMisbehave(t *testing.T) {
	for what, why := range map[string]string{
		"fills": "ended (", "spins": "ended (", "talks": "took more than", "waits": "took more than", "quiet": "gave no answer",
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			v, _ := vetter(t, what)
			if v.timeout = time.Minute; why == "took more than" {
				v.timeout = 2 * time.Second
			}
			f := small(t)
			err := v.Examine(t.Context(), f, onCPU)
			if !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), why) && !strings.Contains(err.Error(), "took more than 5m") || !strings.Contains(err.Error(), f.Path) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%v, want a refusal with %q", err, why)
			}
		})
	}
}

func TestExamineEndsWithItsContext(t *testing.T) {
	v, _ := vetter(t, "waits")
	stop := errors.New("stop")
	ctx, cancel := context.WithCancelCause(t.Context())
	time.AfterFunc(300*time.Millisecond, func() { cancel(stop) })
	f := small(t)
	if err := v.Examine(ctx, f, onCPU); !errors.Is(err, stop) || errors.Is(err, ErrRefused) {
		t.Errorf("%v, want it to stop and not to be a refusal", err)
	}
	v.program = []string{self, Command}
	if err := v.Examine(t.Context(), f, onCPU); err != nil {
		t.Errorf("asked for again: %v", err)
	}
}

// What a child cannot do, on a kernel that has Landlock.
func TestSandbox(t *testing.T) {
	if _, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION); errno != 0 {
		t.Skipf("this kernel has no Landlock: %v", errno)
	}
	t.Setenv("FAIRD_TEST_PASSWORD", "secret")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	lib, err := infer.Load("")
	if err != nil {
		t.Fatal(err)
	}
	v, _ := vetter(t, "escapes", secret, l.Addr().String())
	out, err := v.child(t.Context(), strings.NewReader(""), lib)
	if err != nil {
		t.Fatal(err)
	}
	var tried map[string]string
	if err := json.Unmarshal(out, &tried); err != nil {
		t.Fatalf("%s: %v", out, err)
	}
	for what, got := range tried {
		if allowed := what == "scratch"; allowed != (got == "done") {
			t.Errorf("%s: %s", what, got)
		}
	}
	if len(tried) != 10 {
		t.Errorf("tried %v", tried)
	}
	if _, err := os.ReadFile(secret); err != nil {
		t.Errorf("the parent is confined too: %v", err)
	}
}

// A file that hangs is given up, named, and not read again before it has come back;
// others are.
func TestAShareThatHangs(t *testing.T) {
	v, g := vetter(t)
	hold := make(chan struct{})
	f := small(t)
	path := filepath.Join(t.TempDir(), "hangs.onnx")
	v.ReadTimeout = 50 * time.Millisecond
	v.ReadFile = func(p string) ([]byte, error) {
		if p == path {
			<-hold
		}
		return model.ReadBytes(f.Path)
	}
	if _, err := v.ReadBytes(t.Context(), path); !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "network share") {
		t.Errorf("%v", err)
	}
	if left := g.Running(); len(left) != 1 || left[0].Name != "reading model "+path {
		t.Errorf("running: %v", left)
	}
	v.ReadTimeout = time.Minute
	if _, err := v.ReadBytes(t.Context(), path); !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "has not returned since") {
		t.Errorf("again: %v, want it refused at once", err)
	}
	if _, err := v.ReadBytes(t.Context(), f.Path); err != nil {
		t.Errorf("another file: %v", err)
	}
	close(hold)
	for {
		data, err := v.ReadBytes(t.Context(), path)
		if err == nil && len(data) == len(f.Bytes()) {
			break
		}
		time.Sleep(time.Millisecond)
	}
}

// Reads that do not come back are bounded, whatever the files.
func TestReadsThatHangAreBounded(t *testing.T) {
	v, _ := vetter(t)
	hold := make(chan struct{})
	v.ReadFile = func(string) ([]byte, error) { <-hold; return nil, nil }
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for n := range mostStuck {
		if _, err := v.ReadBytes(ctx, fmt.Sprint("hangs", n)); !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
	}
	if _, err := v.ReadBytes(t.Context(), "one more"); !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "8 other files") {
		t.Errorf("%v", err)
	}
	close(hold)
}
