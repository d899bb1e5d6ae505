package watch

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// fileEvents are what is asked of every folder. A hard or symbolic link is
	// only created; a new file is created, opened and closed.
	fileEvents = unix.IN_CREATE | unix.IN_OPEN | unix.IN_CLOSE_WRITE | unix.IN_CLOSE_NOWRITE | unix.IN_ATTRIB |
		unix.IN_MOVED_TO | unix.IN_MOVED_FROM | unix.IN_DELETE | unix.IN_ONLYDIR
	// rootEvents are asked of the watched folder besides.
	rootEvents = unix.IN_DELETE_SELF | unix.IN_MOVE_SELF
	// gone is a folder that is no longer there or no longer watched.
	gone = unix.IN_DELETE_SELF | unix.IN_MOVE_SELF | unix.IN_UNMOUNT | unix.IN_IGNORED
)

// inotify is the kernel's word on folders: inotify(7). Unlike other watchers it
// tells when a file was closed by who wrote it.
type inotify struct {
	file   *os.File
	buffer []byte
}

// notice is one struct inotify_event.
type notice struct {
	folder int32 // the watch descriptor
	mask   uint32
	cookie uint32 // the same for both halves of a renaming
	name   string // within the folder; "": the folder itself
}

func (n notice) is(mask uint32) bool { return n.mask&mask != 0 }

func newInotify() (*inotify, error) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("inotify: %w: raise fs.inotify.max_user_instances", err)
	}
	return &inotify{
		file:   os.NewFile(uintptr(fd), "inotify"), // non-blocking, so that reads obey deadlines
		buffer: make([]byte, 16<<10),
	}, nil
}

func (i *inotify) close() { _ = i.file.Close() }

// add watches a folder and returns its watch descriptor.
func (i *inotify) add(path string, mask uint32) (folder int32, err error) {
	err = i.control(func(fd int) error {
		n, err := unix.InotifyAddWatch(fd, path, mask)
		folder = int32(n) //nolint:gosec // the kernel's own type
		return err
	})
	if errors.Is(err, unix.ENOSPC) {
		return 0, fmt.Errorf("inotify: %s: %w: raise fs.inotify.max_user_watches", path, err)
	}
	if err != nil {
		return 0, fmt.Errorf("inotify: %s: %w", path, err)
	}
	return folder, nil
}

// remove ends the watching of a folder, which may be gone.
func (i *inotify) remove(folder int32) {
	_ = i.control(func(fd int) error {
		_, err := unix.InotifyRmWatch(fd, uint32(folder)) //nolint:gosec // the kernel's own type
		return err
	})
}

func (i *inotify) control(call func(fd int) error) error {
	raw, err := i.file.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	if err := raw.Control(func(fd uintptr) { failed = call(int(fd)) }); err != nil {
		return err
	}
	return failed
}

// next waits for notices, for a while at most.
func (i *inotify) next(wait time.Duration) ([]notice, error) {
	if wait == 0 { // a deadline that has passed would hide what is there
		return i.now()
	}
	if err := i.file.SetReadDeadline(time.Now().Add(wait)); err != nil {
		return nil, err
	}
	n, err := i.file.Read(i.buffer)
	return i.notices(n, err)
}

// now returns the notices that are there.
func (i *inotify) now() ([]notice, error) {
	var n int
	err := i.control(func(fd int) (err error) {
		n, err = unix.Read(fd, i.buffer)
		return err
	})
	return i.notices(n, err)
}

func (i *inotify) notices(n int, err error) ([]notice, error) {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("inotify: %w", err)
	}
	return parse(i.buffer[:n]), nil
}

// parse reads struct inotify_event: watch, mask, cookie, length of the name that
// follows, filled up with zeros.
func parse(data []byte) (list []notice) {
	for len(data) >= unix.SizeofInotifyEvent {
		end := unix.SizeofInotifyEvent + int(binary.NativeEndian.Uint32(data[12:]))
		if end > len(data) {
			return list
		}
		name, _, _ := bytes.Cut(data[unix.SizeofInotifyEvent:end], []byte{0})
		list = append(list, notice{
			folder: int32(binary.NativeEndian.Uint32(data)), //nolint:gosec // the kernel's own type
			mask:   binary.NativeEndian.Uint32(data[4:]),
			cookie: binary.NativeEndian.Uint32(data[8:]),
			name:   string(name),
		})
		data = data[end:]
	}
	return list
}
