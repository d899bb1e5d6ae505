package vetting

import (
	"fmt"
	"sync"
	"time"
)

// mostStuck bounds the goroutines that wait in reads that do not come back.
const mostStuck = 8

// underWay are the reads that have not come back.
type underWay struct {
	mu    sync.Mutex
	reads map[*read]struct{}
}

// read is one of them.
type read struct {
	path      string
	began     time.Time
	abandoned bool // nobody waits for it; guarded by underWay's mutex
}

func newUnderWay() *underWay { return &underWay{reads: map[*read]struct{}{}} }

// begin refuses a file of which a read does not come back, and every file while
// there are many such reads: each may hold a thread in a system call.
func (u *underWay) begin(path string) (*read, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	stuck := 0
	for r := range u.reads {
		if !r.abandoned {
			continue
		}
		if r.path == path {
			return nil, fmt.Errorf("a read of it has not returned since %s: check the disk or network share it lies on", r.began.Format(time.RFC3339))
		}
		stuck++
	}
	if stuck >= mostStuck {
		return nil, fmt.Errorf("it is not read, since the reads of %d other files have not returned: check the disks or network shares they lie on, or restart faird", stuck)
	}
	r := &read{path: path, began: time.Now()}
	u.reads[r] = struct{}{}
	return r, nil
}

func (u *underWay) end(r *read) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.reads, r)
}

func (u *underWay) abandon(r *read) {
	u.mu.Lock()
	defer u.mu.Unlock()
	r.abandoned = true
}
