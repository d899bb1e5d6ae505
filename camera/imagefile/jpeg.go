package imagefile

// #cgo LDFLAGS: -ljpeg
// #include "codec.h"
import "C"

import "gocv.io/x/gocv"

// paddingBytes is what coefficient arrays may take for the padding of an image to
// whole blocks, beside what [Header.PixelBytes] counts.
const paddingBytes = 16 << 20

// DecodeJPEG decodes one JPEG image into dst. What follows its end marker is
// ignored, as cameras pad, unless another image begins there.
func (d *Decoder) DecodeJPEG(data []byte, dst *gocv.Mat) (Header, error) {
	d.jpeg.reset(data)
	defer func() { d.jpeg.data = nil }() // the caller's
	if err := d.jpeg.read(d.checkScan); err != nil {
		return Header{}, err
	}
	h := d.jpeg.frame.describe()
	p, err := d.allocate(h, dst)
	if err != nil {
		return h, err
	}
	checked := C.int(1)
	if d.jpeg.frame.progressive() {
		checked = 0
	}
	code := C.jpeg_decode((*C.uint8_t)(&data[0]), C.size_t(d.jpeg.at), p.image(h), C.size_t(bgrBytes*d.maxPixels+paddingBytes), checked, &d.failure)
	return h, d.failed("JPEG", code)
}
