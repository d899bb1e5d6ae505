package watch

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"

	"faird/camera/fault"

	"golang.org/x/sys/unix"
)

// errChanging is a file that was written to while it was read.
var errChanging = errors.New("it is being written")

// load reads a file. Its errors wrap fault.ErrImage where there is a verdict to
// give.
func (w *Watcher) load(i *Image) error {
	file, info, err := w.open(i.Name)
	if err != nil {
		return err
	}
	defer file.Close()
	i.mark = markOf(info)
	switch size := info.Size(); {
	case size == 0:
		return fault.Incomplete("the file is empty")
	case size > w.maxBytes:
		return fault.TooLarge("the file has %d bytes, more than the %d that camera.max_pixels allows", size, w.maxBytes)
	}
	buffer := bytes.NewBuffer(w.buffer[:0])
	buffer.Grow(int(info.Size()) + bytes.MinRead)
	_, err = buffer.ReadFrom(io.LimitReader(file, w.maxBytes+1))
	w.buffer = buffer.Bytes()
	if err != nil {
		return fault.Damaged("the file cannot be read: %w", err)
	}
	if info, err = file.Stat(); err != nil || markOf(info).content() != i.mark.content() {
		return errChanging
	}
	i.Data = w.buffer
	return nil
}

// open opens a regular file, or a link to one, and nothing else: opening a pipe
// waits for its other end, and opening a device can do anything.
func (w *Watcher) open(name string) (*os.File, os.FileInfo, error) {
	where := w.tree.at(name)
	info, err := os.Stat(where)
	if err != nil {
		return nil, nil, w.why(where, err)
	}
	if !info.Mode().IsRegular() {
		return nil, nil, refusal{kind(info)}
	}
	file, err := os.OpenFile(where, os.O_RDONLY|unix.O_NONBLOCK, 0) // should it be a pipe by now
	if err != nil {
		return nil, nil, w.why(where, err)
	}
	if info, err = file.Stat(); err == nil && !info.Mode().IsRegular() {
		err = refusal{kind(info)}
	}
	if err != nil {
		_ = file.Close()
		return nil, nil, err
	}
	return file, info, nil
}

// why makes of an error in opening what is to be done about it.
func (w *Watcher) why(where string, err error) error {
	_, missing := os.Lstat(where)
	switch {
	case errors.Is(err, fs.ErrNotExist) && missing == nil:
		return refusal{"a symbolic link that leads nowhere"}
	case errors.Is(err, unix.ELOOP):
		return refusal{"a symbolic link that leads in circles"}
	case errors.Is(err, fs.ErrPermission):
		return refusal{"permission denied: give faird's user the right to read it"}
	case errors.Is(err, unix.EAGAIN): // somebody holds a lease on it: fcntl(2)
		return errChanging
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, unix.EMFILE), errors.Is(err, unix.ENFILE), errors.Is(err, unix.ENOMEM):
		return err
	}
	return fault.Damaged("the file cannot be opened: %w", err)
}
