package training

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"faird/store"
	"faird/verdict"
)

// child is the process that this one has started.
func child(t *testing.T) int {
	t.Helper()
	tasks, err := filepath.Glob("/proc/self/task/*/children")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range tasks {
		text, err := os.ReadFile(f)
		if pid, bad := strconv.Atoi(trim(text)); err == nil && bad == nil {
			return pid
		}
	}
	t.Fatal("no process was started")
	return 0
}

func trim(text []byte) string {
	for n, c := range text {
		if c == ' ' {
			return string(text[:n])
		}
	}
	return string(text)
}

// Every thread of a training has the low priority, and it is the first to go when
// memory runs out.
func TestPriority(t *testing.T) {
	w := newWorld(t, "stays")
	w.keep(40, verdict.Pass, 0.2, store.Good)
	stop := w.run()
	defer stop()
	w.start(Order{Station: "cap", Source: Marked, Minutes: 60})
	w.until("half of it", func(j *Job) bool { return j.Progress.Part == 0.5 && j.Priority != "" })
	pid := child(t)
	tasks, err := filepath.Glob("/proc/" + strconv.Itoa(pid) + "/task/*")
	if err != nil || len(tasks) < 2 {
		t.Fatalf("threads %v, %v", tasks, err)
	}
	for _, task := range tasks {
		tid, err := strconv.Atoi(filepath.Base(task))
		if err != nil {
			t.Fatal(err)
		}
		a, err := unix.SchedGetAttr(tid, 0)
		if err != nil || a.Policy != unix.SCHED_BATCH || a.Nice != lowest {
			t.Errorf("thread %d: policy %+v, %v", tid, a, err)
		}
	}
	score, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/oom_score_adj")
	if err != nil || string(score) != "1000\n" {
		t.Errorf("oom_score_adj %q, %v", score, err)
	}
}

// A training stands still while the line has no time to spare, and one that does
// can be cancelled.
func TestStandsStill(t *testing.T) {
	w := newWorld(t, "stays")
	spare := make(chan bool)
	w.Spare = func(ctx context.Context, each func(bool)) {
		for {
			select {
			case now := <-spare:
				each(now)
			case <-ctx.Done():
				return
			}
		}
	}
	w.keep(40, verdict.Pass, 0.2, store.Good)
	stop := w.run()
	defer stop()
	w.start(Order{Station: "cap", Source: Marked, Minutes: 60})
	w.until("half of it", func(j *Job) bool { return j.Progress.Part == 0.5 && j.Priority != "" })
	pid := child(t)
	for _, now := range []bool{false, true, false} {
		spare <- now
		standsStill(t, pid, !now)
	}
	if err := w.Cancel(); err != nil {
		t.Fatal(err)
	}
	w.until("the end", func(j *Job) bool { return j.Phase == Cancelled })
}

// standsStill waits until a process is stopped, or is not.
func standsStill(t *testing.T, pid int, want bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			t.Fatal(err)
		}
		_, rest, _ := strings.Cut(string(text), ") ")
		if (rest[0] == 'T') == want {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("the process is %c, stands still: want %v", rest[0], want)
		}
	}
}

// Where the line wants a whole core, a training beside it gets less than a tenth
// of it, and more than nothing.
func TestShareOfABusyCore(t *testing.T) {
	t.Setenv(asFaird, "spins")
	line, beside := spin(t), spin(t)
	if err := lower(beside.Process.Pid); err != nil {
		t.Fatal(err)
	}
	lineBefore, besideBefore := spent(t, line), spent(t, beside)
	for end := time.Now().Add(2 * time.Minute); ; time.Sleep(100 * time.Millisecond) {
		a, b := spent(t, line)-lineBefore, spent(t, beside)-besideBefore
		if a+b < 300 && time.Now().Before(end) {
			continue
		}
		share := float64(b) / float64(a+b)
		t.Logf("the training has %.1f%% of the core", 100*share)
		if !(share > 0.001 && share < 0.1) {
			t.Errorf("the line has %d ticks, the training %d", a, b)
		}
		return
	}
}

// spin is a process that wants all of the last core that this one may use.
func spin(t *testing.T) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0], "spin")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	for end := time.Now().Add(time.Minute); spent(t, cmd) < 5; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the process does not begin")
		}
	}
	var may, last unix.CPUSet
	if err := unix.SchedGetaffinity(0, &may); err != nil {
		t.Fatal(err)
	}
	for n := range 1024 {
		if may.IsSet(n) {
			last.Zero()
			last.Set(n)
		}
	}
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*", cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, task := range tasks {
		if tid, err := strconv.Atoi(filepath.Base(task)); err == nil {
			_ = unix.SchedSetaffinity(tid, &last) // a thread may have ended
		}
	}
	return cmd
}

// spent is a process' time on a core, in the kernel's ticks of 10 ms.
func spent(t *testing.T, cmd *exec.Cmd) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(rest)
	user, err := strconv.Atoi(fields[11])
	if err != nil {
		t.Fatal(err)
	}
	return user
}
