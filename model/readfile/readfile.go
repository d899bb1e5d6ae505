// Package readfile reads files that somebody else put there. It opens no FIFO and no
// device, and never waits for anything but the disk.
package readfile

import (
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// Read reads a regular file of at most so many bytes, once. The error does not name
// the file.
func Read(path string, most int64) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0) // else the open of a FIFO waits for its writer
	if err != nil {
		return nil, errors.Unwrap(err)
	}
	defer f.Close()
	before, err := f.Stat()
	switch {
	case err != nil:
		return nil, errors.Unwrap(err)
	case !before.Mode().IsRegular():
		return nil, errors.New("it is not a file, but a folder, FIFO, socket or device: name the file itself")
	case before.Size() > most:
		return nil, fmt.Errorf("its %d bytes are more than the %d that are allowed: name another file", before.Size(), most)
	}
	data := make([]byte, before.Size())
	if _, err := io.ReadFull(f, data); err != nil && !errors.Is(err, io.EOF) {
		if errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, errChanged
		}
		return nil, errors.Unwrap(err)
	}
	after, err := f.Stat()
	switch {
	case err != nil:
		return nil, errors.Unwrap(err)
	case after.Size() != before.Size() || !after.ModTime().Equal(before.ModTime()):
		return nil, errChanged
	}
	return data, nil
}

var errChanged = errors.New("it changed while it was read: write another file and rename it")
