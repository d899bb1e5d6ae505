package camera

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// disposal is what becomes of pictures in a watched folder once they are judged.
type disposal struct {
	then string // keep, remove or move
	to   string // for move

	mu  sync.Mutex
	err error // what went wrong, not told yet
}

// check says before anything is judged whether judged pictures could be taken
// out of the folder.
func (d *disposal) check(from string) error {
	if d.then == keep {
		return nil
	}
	if err := unix.Access(from, unix.W_OK|unix.X_OK); err != nil {
		return fmt.Errorf("then=%s, and faird may not change %s: %w: give its user the right to write there", d.then, from, err)
	}
	if d.then == remove {
		return nil
	}
	if err := unix.Access(d.to, unix.W_OK|unix.X_OK); err != nil {
		return fmt.Errorf("to=%s: %w: make the folder, and give faird's user the right to write there", d.to, err)
	}
	var a, b unix.Stat_t
	if err := errors.Join(unix.Stat(from, &a), unix.Stat(d.to, &b)); err != nil {
		return err
	}
	switch {
	case a.Dev != b.Dev:
		return fmt.Errorf("to=%s is on another file system than %s: name a folder on the same one", d.to, from)
	case a.Ino == b.Ino:
		return fmt.Errorf("to=%s is the watched folder itself: name another", d.to)
	}
	return nil
}

// dispose takes a judged picture out of the folder, unless another has taken its
// place since.
func (d *disposal) dispose(path string, mark fileMark) {
	info, err := os.Stat(path)
	if d.then == keep || err != nil || markOf(info) != mark {
		return
	}
	if d.then == remove {
		err = os.Remove(path)
	} else {
		err = os.Rename(path, d.target(filepath.Base(path)))
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.err = err
}

// target is a free name in the folder for judged pictures.
func (d *disposal) target(name string) string {
	path := filepath.Join(d.to, name)
	if _, err := os.Lstat(path); err != nil {
		return path
	}
	ext := filepath.Ext(name)
	return filepath.Join(d.to, fmt.Sprintf("%s_%d%s", strings.TrimSuffix(name, ext), time.Now().UnixNano(), ext))
}

// failed tells once what went wrong.
func (d *disposal) failed() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	err := d.err
	d.err = nil
	if err != nil {
		return fmt.Errorf("a judged picture could not be taken out of the folder: %w", err)
	}
	return nil
}
