package training

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"

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

// Every thread of a training runs only when nothing else wants to, and it is the
// first to go when memory runs out.
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
		if err != nil || a.Policy != unix.SCHED_IDLE {
			t.Errorf("thread %d: policy %+v, %v", tid, a, err)
		}
	}
	score, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/oom_score_adj")
	if err != nil || string(score) != "1000\n" {
		t.Errorf("oom_score_adj %q, %v", score, err)
	}
}
