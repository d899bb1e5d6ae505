package fair

// #cgo noescape fair_planes
// #cgo nocallback fair_planes
// #include "kernels.h"
import "C"

import "fmt"

// Planes turns interleaved 8-bit BGR pixels into what the network's two ends
// need: the picture as [3,h,w] BGR and as [h,w] grey (OpenCV's weights), both
// 0..1. bgr has 3 bytes for each element of grey, planes 3 elements; other
// lengths panic.
func Planes(bgr []byte, planes, grey []float32) {
	if n := len(grey); n == 0 || len(bgr) != 3*n || len(planes) != 3*n {
		panic(fmt.Sprintf("fair: planes of %d pixels got slices of %d and %d", n, len(bgr), len(planes)))
	}
	C.fair_planes((*C.uint8_t)(&bgr[0]), C.int(len(grey)), floats(planes), floats(grey))
}
