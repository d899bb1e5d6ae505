package imagefile

// #cgo LDFLAGS: -ltiff -lz
// #include "codec.h"
// #include <tiff.h>
import "C"

import (
	"bytes"
	"encoding/binary"
	"math/bits"

	"gocv.io/x/gocv"

	"faird/camera/fault"
)

// tiffWorkBytes is what libtiff may allocate at once beside the pixels: tables of
// strips, and the state of its codecs.
const tiffWorkBytes = 16 << 20

// isTIFF knows TIFF and BigTIFF, of either byte order.
func isTIFF(data []byte) bool {
	for _, s := range []string{"II*\x00", "MM\x00*", "II+\x00", "MM\x00+"} {
		if bytes.HasPrefix(data, []byte(s)) {
			return true
		}
	}
	return false
}

// tiffInfo is what the first directory says.
type tiffInfo C.tiff_header

func tiffHeader(data []byte) (Header, error) {
	info, err := readTIFF(data)
	if err != nil {
		return Header{}, err
	}
	return info.describe(), nil
}

func readTIFF(data []byte) (info tiffInfo, _ error) {
	if !directoryWhole(data) {
		return info, fault.Incomplete("TIFF: it ends after %d bytes, within its directory", len(data))
	}
	var f failure
	code := C.tiff_read_header((*C.uint8_t)(&data[0]), C.size_t(len(data)), tiffWorkBytes, (*C.tiff_header)(&info), &f)
	if err := codecError("TIFF", code, &f); err != nil {
		return info, err
	}
	return info, info.readable()
}

// directoryWhole says whether the first directory ends within the data, with the
// offset of the next one. libtiff does without that offset.
func directoryWhole(data []byte) bool {
	var order binary.ByteOrder = binary.LittleEndian
	if data[0] == 'M' {
		order = binary.BigEndian
	}
	all := uint64(len(data))
	number := func(at, size uint64) uint64 { // beyond the data: larger than can be
		switch {
		case at > all || size > all-at:
			return all
		case size == 2:
			return uint64(order.Uint16(data[at:]))
		case size == 4:
			return uint64(order.Uint32(data[at:]))
		}
		return order.Uint64(data[at:])
	}
	count, entry, offset := uint64(2), uint64(12), uint64(4) // sizes in bytes
	if order.Uint16(data[2:]) == 43 {
		count, entry, offset = 8, 20, 8 // BigTIFF
	}
	directory := number(offset, offset)
	entries := number(directory, count)
	return entries < all/entry && directory+count+entries*entry+offset <= all
}

func (d *Decoder) decodeTIFF(data []byte, dst *gocv.Mat) (Header, error) {
	info, err := readTIFF(data)
	if err != nil {
		return Header{}, err
	}
	h, memory := info.describe(), bgrBytes*d.maxPixels+tiffWorkBytes
	if err := h.Within(d.maxPixels); err != nil {
		return h, err
	}
	if uint64(info.chunk) > uint64(memory) {
		return h, fault.TooLarge("TIFF: a strip or tile of %d MB, the limit is %d MB", info.chunk/1e6, memory/1e6)
	}
	p, err := d.allocate(h, dst)
	if err != nil {
		return h, err
	}
	table := d.scales.of(info.maximum(), info.photometric == C.PHOTOMETRIC_MINISWHITE)
	code := C.tiff_decode((*C.uint8_t)(&data[0]), C.size_t(len(data)), C.size_t(memory), p.image(h), (*C.uint8_t)(&table[0]), C.int(info.maximum()), &d.failure)
	return h, d.failed("TIFF", code)
}

// readable refuses what the decoder has no code for.
func (t *tiffInfo) readable() error {
	kind := tiffKinds[int(t.photometric)]
	switch {
	case t.width == 0 || t.height == 0 || t.channels == 0 || t.chunk == 0:
		return fault.Damaged("TIFF: the directory says %dx%d pixels of %d samples", t.width, t.height, t.channels)
	case !tiffCompressions[int(t.compression)]:
		return unsupported("TIFF: compression %d is not read: save it uncompressed, or with LZW, deflate, PackBits or JPEG", t.compression)
	case t.format != C.SAMPLEFORMAT_UINT && t.format != C.SAMPLEFORMAT_VOID:
		return unsupported("TIFF: signed or floating-point samples are not read: save unsigned ones")
	case t.bits < 1 || t.bits > 16:
		return unsupported("TIFF: samples of %d bits are not read: save 8 or 16", t.bits)
	case kind.name == "" || (t.photometric == C.PHOTOMETRIC_YCBCR && t.compression != C.COMPRESSION_JPEG):
		return unsupported("TIFF: colour space %d is not read: save grey, RGB or palette", t.photometric)
	case int(t.channels) < kind.channels:
		return fault.Damaged("TIFF: %s with %d samples a pixel", kind.name, t.channels)
	case t.fill_order != C.FILLORDER_MSB2LSB && t.compression != C.COMPRESSION_NONE:
		return unsupported("TIFF: compressed data with reversed bits are not read: save it with FillOrder 1")
	case t.predictor > C.PREDICTOR_HORIZONTAL || (t.predictor == C.PREDICTOR_HORIZONTAL && t.bits != 8 && t.bits != 16):
		return unsupported("TIFF: predictor %d with %d bits is not read: save it without a predictor", t.predictor, t.bits)
	case t.photometric == C.PHOTOMETRIC_PALETTE && t.bits > 8:
		return unsupported("TIFF: a palette of %d bits is not read: save RGB", t.bits)
	}
	return nil
}

var tiffKinds = map[int]struct {
	name     string
	channels int // at least
}{
	C.PHOTOMETRIC_MINISWHITE: {"grey", 1},
	C.PHOTOMETRIC_MINISBLACK: {"grey", 1},
	C.PHOTOMETRIC_RGB:        {"RGB", 3},
	C.PHOTOMETRIC_PALETTE:    {"palette", 1},
	C.PHOTOMETRIC_YCBCR:      {"YCbCr", 3},
}

var tiffCompressions = map[int]bool{
	C.COMPRESSION_NONE: true, C.COMPRESSION_LZW: true, C.COMPRESSION_ADOBE_DEFLATE: true, C.COMPRESSION_DEFLATE: true,
	C.COMPRESSION_PACKBITS: true, C.COMPRESSION_JPEG: true,
}

// maximum is the largest value of a sample. MaxSampleValue is taken for the true
// depth of samples of 16 bits only if it is that of a whole number of bits: some
// programs write the brightest value of this very image there, and scaling by
// that would make the brightness depend on what is in the image.
func (t *tiffInfo) maximum() int {
	most := int(t.most)
	if t.bits == 16 && most >= 255 && bits.OnesCount(uint(most)+1) == 1 {
		return most
	}
	return 1<<t.bits - 1
}

func (t *tiffInfo) describe() Header {
	name := tiffKinds[int(t.photometric)].name
	return Header{
		Format: "TIFF", Pixels: pixelName(name, bits.Len(uint(t.maximum()))),
		Width: int(t.width), Height: int(t.height), PixelBytes: max(bgrBytes, int(t.channels)*((int(t.bits)+7)/8)),
	}
}
