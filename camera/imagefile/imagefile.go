// Package imagefile turns encoded still images (JPEG, PNG, TIFF, BMP, WebP, PNM)
// into 8-bit BGR. It is strict: an image that is truncated, fails a checksum or
// makes its codec warn is an error of package fault, never pixels. It checks an
// image's size before it allocates memory for it, and prints nothing. It knows
// nothing of where images come from.
package imagefile

import (
	"fmt"

	"gocv.io/x/gocv"

	"faird/camera/fault"
	"faird/config"
)

// Decoder turns encoded images into 8-bit BGR: grey is repeated to three
// channels, deeper samples are scaled from their true range to 0..255, alpha is
// dropped, and a noted orientation is ignored because regions and masks are in
// sensor pixels. Its buffers are reused; it is for one goroutine.
type Decoder struct {
	maxPixels int
	file      []byte // the file read last
	scales    scales // of deep samples to 8 bits
	jpeg      jpegReader
	scan      jpegScan
	failure   failure // what the C code reports
}

// NewDecoder returns a decoder for images of at most maxPixels pixels of three
// bytes, 0 for [config.DefaultMaxPixels]. The caller closes it.
func NewDecoder(maxPixels int) *Decoder {
	if maxPixels <= 0 {
		maxPixels = config.DefaultMaxPixels
	}
	return &Decoder{maxPixels: maxPixels}
}

// Close frees the decoder's buffers.
func (d *Decoder) Close() error {
	d.file = nil
	return nil
}

// Decode decodes one image of any known format, told by its signature, into
// dst. Memory that dst already has is reused if the size fits. After an error
// the pixels of dst are undefined. Errors wrap [fault.ErrImage].
func (d *Decoder) Decode(data []byte, dst *gocv.Mat) (Header, error) {
	f, err := formatOf(data)
	if err != nil {
		return Header{}, err
	}
	return f.decode(d, data, dst)
}

// allocate makes dst an 8-bit BGR image of the header's size, if that is within
// the limit.
func (d *Decoder) allocate(h Header, dst *gocv.Mat) (pixels, error) {
	if err := h.Within(d.maxPixels); err != nil {
		return pixels{}, err
	}
	p := resize(dst, h.Height, h.Width)
	if p.data == nil {
		return p, fault.TooLarge("no memory for %s", h)
	}
	return p, nil
}

// unsupported is an image that may be intact but is of a kind that is not read.
func unsupported(format string, args ...any) error {
	return fmt.Errorf("%w: %w", fault.ErrImage, fmt.Errorf(format, args...))
}
