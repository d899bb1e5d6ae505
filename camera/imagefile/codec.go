package imagefile

// #include "codec.h"
import "C"

import (
	"strings"
	"unsafe"

	"gocv.io/x/gocv"

	"faird/camera/fault"
)

type failure = C.failure

// resize makes m 8-bit BGR of that size; without memory the data are nil.
func resize(m *gocv.Mat, rows, columns int) pixels {
	var stride C.size_t
	data := C.mat_resize(unsafe.Pointer(m.Ptr()), C.int(rows), C.int(columns), &stride)
	return pixels{(*byte)(data), int(stride)}
}

// image describes the pixels for C.
func (p pixels) image(h Header) C.image {
	return C.image{pixels: (*C.uint8_t)(p.data), stride: C.size_t(p.stride), width: C.int(h.Width), height: C.int(h.Height)}
}

// failed turns what a codec returned into an error.
func (d *Decoder) failed(format string, code C.int) error {
	if code == C.CODEC_OK {
		return nil
	}
	why := format + ": " + strings.TrimSpace(C.GoString(&d.failure.text[0]))
	switch code {
	case C.CODEC_INCOMPLETE:
		return fault.Incomplete("%s", why)
	case C.CODEC_TOO_LARGE:
		return fault.TooLarge("%s", why)
	case C.CODEC_UNSUPPORTED:
		return unsupported("%s", why)
	}
	return fault.Damaged("%s", why)
}
