package camera

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"gocv.io/x/gocv"
)

// maxPictureBytes bounds a picture file: a 150-megapixel 16-bit colour TIFF.
const maxPictureBytes = 1 << 30

// Decoder turns encoded pictures into 8-bit BGR by one rule: grey is repeated
// to three channels, 16 bits become round(v/257), an alpha channel is ignored,
// and so is the orientation a camera noted, for boxes are in camera pixels.
// Its buffers are reused; it is for one goroutine.
type Decoder struct {
	data []byte
	wide gocv.Mat // 16-bit pixels
	deep bool     // the last picture had 16 bits
}

// NewDecoder returns a decoder, which the caller closes.
func NewDecoder() *Decoder { return &Decoder{wide: gocv.NewMat()} }

// Close frees the decoder's C memory.
func (d *Decoder) Close() error { return d.wide.Close() }

// ReadFile decodes the picture file at path into dst. The error names the file
// and wraps ErrPicture where the file was there but is not a whole picture.
func (d *Decoder) ReadFile(path string, dst *gocv.Mat) error {
	if err := d.load(path); err != nil {
		return err
	}
	if err := d.Decode(d.data, dst); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// load reads a whole file into the reused buffer.
func (d *Decoder) load(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	switch {
	case err != nil:
		return err
	case info.IsDir():
		return fmt.Errorf("%s: %w: it is a folder", path, ErrPicture)
	case info.Size() > maxPictureBytes:
		return fmt.Errorf("%s: %w: it has %d bytes, at most %d are read", path, ErrPicture, info.Size(), maxPictureBytes)
	}
	buffer := bytes.NewBuffer(d.data[:0])
	n, err := buffer.ReadFrom(io.LimitReader(file, maxPictureBytes+1))
	d.data = buffer.Bytes()
	if err != nil {
		return err
	}
	if n > maxPictureBytes {
		return fmt.Errorf("%s: %w: larger than %d bytes", path, ErrPicture, maxPictureBytes)
	}
	return nil
}

// readFlags ask for BGR in the file's own depth, in the sensor's orientation.
const readFlags = gocv.IMReadColor | gocv.IMReadAnyDepth | gocv.IMReadIgnoreOrientation

// Decode decodes one encoded picture (PNG, JPEG, TIFF, BMP, PNM, WebP) into dst
// as 8-bit BGR. Errors wrap ErrPicture.
func (d *Decoder) Decode(data []byte, dst *gocv.Mat) error {
	if err := complete(data); err != nil {
		return fmt.Errorf("%w: %w", ErrPicture, err)
	}
	into := dst
	if d.deep { // OpenCV would otherwise reallocate dst for every picture
		into = &d.wide
	}
	if err := decodeInto(data, into); err != nil {
		return fmt.Errorf("%w: %s", ErrPicture, strings.Join(strings.Fields(err.Error()), " ")) // OpenCV's text ends in a line break
	}
	return d.settle(into, dst)
}

// settle brings what was decoded to 8 bits in dst.
func (d *Decoder) settle(got, dst *gocv.Mat) error {
	switch t := got.Type(); {
	case t == gocv.MatTypeCV16UC3:
		d.deep = true
		if got == dst {
			if err := got.CopyTo(&d.wide); err != nil {
				return err
			}
			got = &d.wide
		}
		return to8bit(got, dst)
	case t != gocv.MatTypeCV8UC3:
		return fmt.Errorf("%w: pixels of type %v: give 8 or 16 bits a channel", ErrPicture, t)
	case got != dst:
		d.deep = false
		return got.CopyTo(dst)
	}
	return nil
}

func to8bit(wide, dst *gocv.Mat) error {
	if err := wide.ConvertToWithParams(dst, gocv.MatTypeCV8UC3, 1.0/257, 0); err != nil {
		return fmt.Errorf("%w: 16 to 8 bits: %w", ErrPicture, err)
	}
	return nil
}

// decodeInto decodes into the memory that dst has. OpenCV leaves dst as it was
// when it knows no decoder for the data, and then the picture before would be
// judged once more: a mark in the pixels shows whether anything was written.
func decodeInto(data []byte, dst *gocv.Mat) error {
	writeMark(dst)
	if err := gocv.IMDecodeIntoMat(data, readFlags, dst); err != nil {
		return err
	}
	if !dst.Empty() && hasMark(dst) { // written by nobody, or a picture that begins with the mark
		fresh, err := gocv.IMDecode(data, readFlags)
		if err != nil {
			return errUnreadable
		}
		defer fresh.Close()
		if fresh.Empty() {
			return errUnreadable
		}
		return fresh.CopyTo(dst)
	}
	if dst.Empty() {
		return errUnreadable
	}
	return nil
}

var (
	errUnreadable = errors.New("broken, or of a format that OpenCV does not read")
	mark          = []byte("faird: nothing was decoded")
)

func writeMark(m *gocv.Mat) {
	if m.Empty() {
		return
	}
	if pixels, err := m.DataPtrUint8(); err == nil {
		copy(pixels, mark)
	}
}

func hasMark(m *gocv.Mat) bool {
	pixels, err := m.DataPtrUint8()
	return err == nil && bytes.Equal(pixels[:min(len(pixels), len(mark))], mark[:min(len(pixels), len(mark))])
}
