package camera

import (
	"os"
	"sync"
	"syscall"
	"time"
)

// fileMark tells one content of a file from another.
type fileMark struct {
	size    int64
	changed time.Time
	inode   uint64
}

func markOf(info os.FileInfo) fileMark {
	m := fileMark{size: info.Size(), changed: info.ModTime()}
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		m.inode = s.Ino
	}
	return m
}

// memory is what a watched folder has given already. It holds no more names than
// the folder has files.
type memory struct {
	mu   sync.Mutex
	seen map[string]fileMark // nil until the folder was first looked at
}

func newMemory() *memory { return &memory{} }

// fresh says whether nothing was remembered yet, and begins.
func (m *memory) fresh() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.seen != nil {
		return false
	}
	m.seen = map[string]fileMark{}
	return true
}

// isNew says whether this content was not given before, and remembers it.
func (m *memory) isNew(name string, mark fileMark) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.seen[name] == mark {
		return false
	}
	m.seen[name] = mark
	return true
}

func (m *memory) forget(name string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.seen, name)
}
