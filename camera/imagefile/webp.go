package imagefile

// #cgo LDFLAGS: -lwebp
// #include "codec.h"
import "C"

import (
	"bytes"
	"encoding/binary"

	"gocv.io/x/gocv"

	"faird/camera/fault"
)

func isWebP(data []byte) bool {
	return len(data) >= 12 && bytes.HasPrefix(data, []byte("RIFF")) && string(data[8:12]) == "WEBP"
}

func webpHeader(data []byte) (Header, error) {
	_, h, err := readWebP(data)
	return h, err
}

// readWebP returns the bytes of the RIFF container, and what they hold.
func readWebP(data []byte) ([]byte, Header, error) {
	size := 8 + int64(binary.LittleEndian.Uint32(data[4:]))
	if size > int64(len(data)) {
		return nil, Header{}, fault.Incomplete("WebP: it has %d of %d bytes", len(data), size)
	}
	if size < 12 {
		return nil, Header{}, fault.Damaged("WebP: the container has %d bytes", size)
	}
	data = data[:size]
	var w C.webp_header
	var f failure
	code := C.webp_read_header((*C.uint8_t)(&data[0]), C.size_t(size), &w, &f)
	if err := codecError("WebP", code, &f); err != nil {
		return nil, Header{}, err
	}
	if w.animated != 0 {
		return nil, Header{}, unsupported("an animated WebP is not read: save one image")
	}
	return data, describeWebP(w), nil
}

func describeWebP(w C.webp_header) Header {
	h := Header{Format: "WebP", Pixels: "YCbCr 4:2:0 8-bit", Width: int(w.width), Height: int(w.height), PixelBytes: bgrBytes}
	if w.lossless != 0 {
		h.Pixels, h.PixelBytes = "RGB 8-bit", 4
	}
	if w.alpha != 0 {
		h.Pixels, h.PixelBytes = h.Pixels+" and alpha", 4
	}
	return h
}

func (d *Decoder) decodeWebP(data []byte, dst *gocv.Mat) (Header, error) {
	data, h, err := readWebP(data)
	if err != nil {
		return h, err
	}
	p, err := d.allocate(h, dst)
	if err != nil {
		return h, err
	}
	code := C.webp_decode((*C.uint8_t)(&data[0]), C.size_t(len(data)), p.image(h), &d.failure)
	return h, d.failed("WebP", code)
}
