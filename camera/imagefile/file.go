package imagefile

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"syscall"

	"gocv.io/x/gocv"

	"faird/camera/fault"
)

// metadataBytes is what a file may hold beside its pixels: colour profiles,
// thumbnails, further pages.
const metadataBytes = 64 << 20

// ReadFile decodes the image file at path into dst. The error names the file; it
// wraps [fault.ErrImage] if the file was read but is not an intact image.
func (d *Decoder) ReadFile(path string, dst *gocv.Mat) error {
	data, err := d.Load(path)
	if err != nil {
		return err
	}
	if _, err := d.Decode(data, dst); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// Load reads a whole file, which is valid until the next call. The errors are
// those of ReadFile.
func (d *Decoder) Load(path string) ([]byte, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a FIFO without a writer must not block
	if err != nil {
		return nil, brokenLink(path, err)
	}
	defer file.Close()
	size, err := d.sizeOf(file)
	if err != nil {
		return nil, err
	}
	d.file = slices.Grow(d.file[:0], size)[:size]
	if _, err := io.ReadFull(file, d.file); err != nil {
		if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("%s: %w", path, fault.Incomplete("it became shorter while it was read"))
		}
		return nil, err
	}
	return d.file, nil
}

// brokenLink makes of a missing file that a symbolic link names an unusable image:
// there is something of that name, and it is no image.
func brokenLink(path string, err error) error {
	if _, lost := os.Lstat(path); errors.Is(err, os.ErrNotExist) && lost == nil {
		return fmt.Errorf("%s: %w", path, unsupported("a symbolic link that leads nowhere"))
	}
	return err
}

// sizeOf refuses what is no file, or is larger than an image within the limit.
func (d *Decoder) sizeOf(file *os.File) (int, error) {
	info, err := file.Stat()
	if err != nil {
		return 0, err
	}
	if !info.Mode().IsRegular() {
		return 0, fmt.Errorf("%s: %w", file.Name(), unsupported("it is not a regular file"))
	}
	if most := bgrBytes*int64(d.maxPixels) + metadataBytes; info.Size() > most {
		return 0, fmt.Errorf("%s: %w", file.Name(), fault.TooLarge("the file has %d bytes, the limit is %d: raise camera.max_pixels (--max-pixels) from %d", info.Size(), most, d.maxPixels))
	}
	return int(info.Size()), nil
}
