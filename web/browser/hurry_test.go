package browser_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// hurry gives the processes that the daemon has started the priority of others,
// as far as this one may: a training would take long beside busy tests.
func (d *daemon) hurry() {
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", d.cmd.Process.Pid))
	for _, list := range lists {
		text, _ := os.ReadFile(list)
		for child := range strings.FieldsSeq(string(text)) {
			threads, _ := filepath.Glob("/proc/" + child + "/task/*")
			for _, thread := range threads {
				if tid, err := strconv.Atoi(filepath.Base(thread)); err == nil {
					_ = unix.SchedSetAttr(tid, &unix.SchedAttr{Policy: unix.SCHED_NORMAL}, 0)
				}
			}
		}
	}
}

// hurried waits for a JavaScript condition that a training brings about: three
// processes, one after the other.
func (v *view) hurried(d *daemon, condition string) {
	v.t.Helper()
	within(v.t, 3*patience, condition, func() bool { d.hurry(); return v.holds(condition) })
}
