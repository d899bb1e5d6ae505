package watch

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// disposeWait is how long whoever brings a verdict waits until its image is taken
// out of the folder. On a share that hangs it goes on without.
const disposeWait = time.Second

// disposal takes judged images out of a folder.
type disposal struct {
	then  string // Keep, Remove or Move
	from  string
	to    string // for Move
	whole bool   // the folders in from are watched too

	report *report

	mu      sync.Mutex
	todo    []*leftover // not taken out yet
	working bool        // a goroutine works on todo, and ends with it
	err     error       // what went wrong, not told yet
}

// leftover is a judged image that is still in the folder.
type leftover struct {
	name  string
	mark  mark
	done  chan struct{} // closed once it was tried
	tries int
}

// open says before anything is judged whether judged images can be taken out,
// and takes out those for which that has failed before.
func (d *disposal) open() error {
	if err := d.allows("."); err != nil || d.then == Keep {
		return err
	}
	if d.then == Move {
		if err := d.apart(); err != nil {
			return err
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.work()
	return nil
}

// allows says whether faird may take images out of a folder.
func (d *disposal) allows(folder string) error {
	if d.then == Keep {
		return nil
	}
	from := filepath.Join(d.from, folder)
	if err := unix.Access(from, unix.W_OK|unix.X_OK); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("then=%s, and faird may not change %s: %w: give its user the right to write there", d.then, from, err)
	}
	if d.then == Remove {
		return nil
	}
	if err := unix.Access(d.to, unix.W_OK|unix.X_OK); err != nil {
		return fmt.Errorf("to=%s: %w: make the folder, and give faird's user the right to write there", d.to, err)
	}
	var a, b unix.Stat_t
	if err := errors.Join(unix.Stat(from, &a), unix.Stat(d.to, &b)); err == nil && a.Dev != b.Dev {
		return fmt.Errorf("to=%s is on another file system than %s: name a folder on the same one", d.to, from)
	}
	return nil
}

// apart says whether to is outside of what is watched.
func (d *disposal) apart() error {
	from, err := os.Stat(d.from)
	if err != nil {
		return err
	}
	to, err := filepath.EvalSymlinks(d.to)
	if err != nil {
		return fmt.Errorf("to=%s: %w", d.to, err)
	}
	for at := to; ; at = filepath.Dir(at) {
		info, err := os.Stat(at)
		switch {
		case err == nil && os.SameFile(info, from) && at == to:
			return fmt.Errorf("to=%s is the watched folder itself: name another", d.to)
		case err == nil && os.SameFile(info, from) && d.whole:
			return fmt.Errorf("to=%s is in the watched folder, whose folders are watched too: name one outside", d.to)
		case at == filepath.Dir(at):
			return nil
		}
	}
}

// isTarget says whether a name in the folder is where judged images go.
func (d *disposal) isTarget(name string) bool {
	return d.then == Move && filepath.Join(d.from, name) == filepath.Clean(d.to)
}

// dispose takes a judged image out of the folder, unless another has taken its
// place since.
func (d *disposal) dispose(name string, m mark) {
	if d.then == Keep {
		return
	}
	done := make(chan struct{})
	l := &leftover{name: name, mark: m, done: done}
	d.mu.Lock()
	d.todo = append(d.todo, l)
	d.work()
	d.mu.Unlock()
	timer := time.NewTimer(disposeWait)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
	}
}

// work sees to it that a goroutine works on todo. The lock is held.
func (d *disposal) work() {
	if d.working || len(d.todo) == 0 {
		return
	}
	d.working = true
	go func() {
		for d.next() {
		}
	}()
}

// next takes out one image and says whether to go on. After a failure the folder
// counts as lost, and once it is open again the image has a second try.
func (d *disposal) next() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.todo) == 0 {
		d.working = false
		return false
	}
	l := d.todo[0]
	d.mu.Unlock()
	err := d.takeOut(l)
	d.mu.Lock()
	if l.tries++; l.tries == 1 {
		close(l.done)
		if err != nil {
			d.err, d.working = err, false
			return false
		}
	}
	if err != nil {
		d.report.say("a judged file stays in the folder", l.name, err.Error())
	}
	d.todo = d.todo[1:]
	return true
}

func (d *disposal) takeOut(l *leftover) error {
	path := filepath.Join(d.from, filepath.FromSlash(l.name))
	info, err := os.Stat(path)
	if err != nil || markOf(info).content() != l.mark.content() {
		return nil
	}
	if d.then == Remove {
		err = os.Remove(path)
	} else {
		err = d.move(path, filepath.Join(d.to, filepath.FromSlash(l.name)))
	}
	if errors.Is(err, fs.ErrNotExist) {
		if _, gone := os.Lstat(path); gone != nil { // somebody else has taken it out
			return nil
		}
	}
	return err
}

// move renames an image and replaces none that is there already.
func (d *disposal) move(from, to string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	err := rename(from, to)
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	ext := filepath.Ext(to)
	return rename(from, fmt.Sprintf("%s_%d%s", strings.TrimSuffix(to, ext), time.Now().UnixNano(), ext))
}

// rename fails where the new name is taken.
func rename(from, to string) error {
	err := unix.Renameat2(unix.AT_FDCWD, from, unix.AT_FDCWD, to, unix.RENAME_NOREPLACE)
	if !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENOSYS) {
		return err
	}
	if _, err := os.Lstat(to); err == nil { // a file system that cannot do it in one go
		return fs.ErrExist
	}
	return os.Rename(from, to)
}

// failed tells once what went wrong.
func (d *disposal) failed() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	err := d.err
	d.err = nil
	if err != nil {
		return fmt.Errorf("a judged image could not be taken out of the folder: %w", err)
	}
	return nil
}
