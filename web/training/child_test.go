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

// halfWay is the process of a training that stays half way until the test ends.
func halfWay(t *testing.T, spare func(context.Context, func(bool))) int {
	t.Helper()
	w := newWorld(t, "stays")
	w.Spare = spare
	w.keep(40, verdict.Pass, 0.2, store.Good)
	t.Cleanup(w.run())
	w.start(Order{Station: "cap", Source: Marked, Minutes: 60})
	w.until("half of it", func(j *Job) bool { return j.Progress.Part == 0.5 && j.Priority != "" })
	return child(t)
}

// Every thread of a training has the low priority, and it is the first to go when
// memory runs out.
func TestPriority(t *testing.T) {
	pid := halfWay(t, nil)
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

// told is a box whose time to spare a test says.
func told() (say chan bool, spare func(context.Context, func(bool))) {
	say = make(chan bool)
	return say, func(ctx context.Context, each func(bool)) {
		for {
			select {
			case now := <-say:
				each(now)
			case <-ctx.Done():
				return
			}
		}
	}
}

// A training stands still while the line has no time to spare.
func TestStandsStill(t *testing.T) {
	say, spare := told()
	pid := halfWay(t, spare)
	for _, now := range []bool{false, true, false} {
		say <- now
		standsStill(t, pid, !now)
	}
}

// One that stands still is let go to hear that it is to end.
func TestLetGoToEnd(t *testing.T) {
	t.Setenv(asFaird, "spins")
	cmd := spin(t)
	say, spare := told()
	ctx, cancel := context.WithCancel(t.Context())
	free := (&Manager{Settings: Settings{Spare: spare}}).yield(ctx, cmd.Process)
	defer free()
	say <- false
	standsStill(t, cmd.Process.Pid, true)
	cancel()
	standsStill(t, cmd.Process.Pid, false)
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
