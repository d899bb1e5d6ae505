package camera

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// inotify is the kernel's word on one folder: inotify(7). Unlike other watchers
// it tells when a file was closed by who wrote it.
type inotify struct {
	file   *os.File
	buffer []byte
}

// notice is one thing that happened.
type notice struct {
	name     string // complete: closed after writing, or moved here
	left     bool   // name was removed or moved away
	overflow bool   // more happened than the kernel kept
	gone     bool   // the folder itself is no longer there
}

func newInotify(folder string) (*inotify, error) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("inotify: %w: raise fs.inotify.max_user_instances", err)
	}
	file := os.NewFile(uintptr(fd), "inotify") // non-blocking, so that reads obey deadlines
	_, err = unix.InotifyAddWatch(fd, folder, unix.IN_CLOSE_WRITE|unix.IN_MOVED_TO|unix.IN_MOVED_FROM|unix.IN_DELETE|
		unix.IN_DELETE_SELF|unix.IN_MOVE_SELF|unix.IN_ONLYDIR)
	if err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("inotify: %s: %w: may faird's user read it? If so raise fs.inotify.max_user_watches", folder, err)
	}
	return &inotify{file: file, buffer: make([]byte, 64<<10)}, nil
}

// next waits for notices, for a while at most.
func (i *inotify) next(wait time.Duration) ([]notice, error) {
	if err := i.file.SetReadDeadline(time.Now().Add(wait)); err != nil {
		return nil, err
	}
	n, err := i.file.Read(i.buffer)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("inotify: %w", err)
	}
	return notices(i.buffer[:n]), nil
}

// notices reads struct inotify_event: watch, mask, cookie, length of the name
// that follows, filled up with zeros.
func notices(data []byte) (list []notice) {
	for len(data) >= unix.SizeofInotifyEvent {
		mask := binary.NativeEndian.Uint32(data[4:])
		end := unix.SizeofInotifyEvent + int(binary.NativeEndian.Uint32(data[12:]))
		if end > len(data) {
			return list
		}
		name, _, _ := bytes.Cut(data[unix.SizeofInotifyEvent:end], []byte{0})
		data = data[end:]
		if mask&unix.IN_ISDIR != 0 {
			continue
		}
		list = append(list, notice{
			name:     string(name),
			left:     mask&(unix.IN_MOVED_FROM|unix.IN_DELETE) != 0,
			overflow: mask&unix.IN_Q_OVERFLOW != 0,
			gone:     mask&(unix.IN_DELETE_SELF|unix.IN_MOVE_SELF|unix.IN_UNMOUNT|unix.IN_IGNORED) != 0,
		})
	}
	return list
}

func (i *inotify) close() { _ = i.file.Close() }
