package imagefile

// #cgo LDFLAGS: -lpng16
// #include "codec.h"
import "C"

import "gocv.io/x/gocv"

func (d *Decoder) decodePNG(data []byte, dst *gocv.Mat) (Header, error) {
	info, err := walkPNG(data, "IEND")
	if err != nil {
		return Header{}, err
	}
	h := info.describe()
	p, err := d.allocate(h, dst)
	if err != nil {
		return h, err
	}
	table := (*C.uint8_t)(nil)
	if info.bits == 16 {
		table = (*C.uint8_t)(&d.scales.of(1<<info.depth()-1, false)[0])
	}
	code := C.png_decode((*C.uint8_t)(&data[0]), C.size_t(len(data)), p.image(h), C.int(info.depth()), table, &d.failure)
	return h, d.failed("PNG", code)
}
