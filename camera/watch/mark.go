package watch

import (
	"hash/maphash"
	"os"
	"syscall"
)

// mark tells one content of a file from another.
type mark struct {
	size    int64
	written int64 // mtime, ns
	inode   uint64
	changed int64 // ctime, ns: moves with permissions and names too
}

func markOf(info os.FileInfo) mark {
	m := mark{size: info.Size(), written: info.ModTime().UnixNano()}
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		m.inode, m.changed = s.Ino, s.Ctim.Nano()
	}
	return m
}

// content is the mark without what changes while the content stays.
func (m mark) content() mark {
	m.changed = 0
	return m
}

// identity is one directory, whatever it is called.
type identity struct{ device, inode uint64 }

func identityOf(info os.FileInfo) identity {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return identity{}
	}
	return identity{s.Dev, s.Ino}
}

// seed makes hashes that nobody outside can aim at.
var seed = maphash.MakeSeed()

func hashName(name string) uint64 { return maphash.String(seed, name) }

func hashMark(m mark) uint64 { return maphash.Comparable(seed, m) }
