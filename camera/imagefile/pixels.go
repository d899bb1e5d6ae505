package imagefile

// #include "codec.h"
import "C"

import (
	"unsafe"

	"gocv.io/x/gocv"
)

// pixels are the memory of an 8-bit BGR Mat, which the Mat owns.
type pixels struct {
	data   *byte
	stride int // bytes from one row to the next
}

// resize makes m 8-bit BGR of that size; without memory the data are nil.
func resize(m *gocv.Mat, rows, columns int) pixels {
	var stride C.size_t
	data := C.mat_resize(unsafe.Pointer(m.Ptr()), C.int(rows), C.int(columns), &stride)
	return pixels{(*byte)(data), int(stride)}
}

// row is row y of width pixels.
func (p pixels) row(y, width int) []byte {
	return unsafe.Slice((*byte)(unsafe.Add(unsafe.Pointer(p.data), y*p.stride)), bgrBytes*width)
}

// image describes the pixels for C.
func (p pixels) image(h Header) C.image {
	return C.image{pixels: (*C.uint8_t)(p.data), stride: C.size_t(p.stride), width: C.int(h.Width), height: C.int(h.Height)}
}
