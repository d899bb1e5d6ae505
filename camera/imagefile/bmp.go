package imagefile

import (
	"encoding/binary"
	"fmt"

	"gocv.io/x/gocv"

	"faird/camera/fault"
)

// isBMP looks at the second header too, for many a text begins with BM.
func isBMP(data []byte) bool {
	return len(data) >= 2 && data[0] == 'B' && data[1] == 'M' && (len(data) < 18 || bmpHeaderSizes[binary.LittleEndian.Uint32(data[14:])])
}

// The sizes of the header after the file header of 14 bytes, by version: OS/2,
// Windows 3, with masks, with alpha, OS/2 2, version 4, version 5.
var bmpHeaderSizes = map[uint32]bool{12: true, 40: true, 52: true, 56: true, 64: true, 108: true, 124: true}

// Values of the compression field.
const (
	bmpRGB            = 0
	bmpBitFields      = 3
	bmpAlphaBitFields = 6
)

// known marks a colour that the palette has.
const known = 1 << 24

// bmpInfo is what the headers of a BMP say.
type bmpInfo struct {
	width, height int
	bottomUp      bool
	bits          int // of a pixel
	compression   uint32
	entry         int         // bytes of a palette entry: three, and a fourth except in OS/2 files
	palette       [256]uint32 // from the lowest byte up: blue, green, red, and known
	masks         [3]uint32
	raster        int // where the pixels begin
}

func bmpHeader(data []byte) (Header, error) {
	info, err := readBMP(data)
	if err != nil {
		return Header{}, err
	}
	return info.describe(), nil
}

func (b *bmpInfo) describe() Header {
	pixels := "BGR 8-bit"
	switch {
	case b.bits <= 8:
		pixels = fmt.Sprintf("palette %d-bit", b.bits)
	case b.bits == 16:
		pixels = "BGR in 16 bits"
	case b.bits == 32:
		pixels = "BGRX 8-bit"
	}
	return Header{Format: "BMP", Pixels: pixels, Width: b.width, Height: b.height, PixelBytes: max(bgrBytes, b.bits/8)}
}

var errBMPHeader = fault.Incomplete("BMP: it ends in the header")

func readBMP(data []byte) (b bmpInfo, _ error) {
	if len(data) < 18 {
		return b, errBMPHeader
	}
	size := int(binary.LittleEndian.Uint32(data[14:]))
	b.raster = int(binary.LittleEndian.Uint32(data[10:]))
	if len(data) < 14+size {
		return b, errBMPHeader
	}
	if b.raster < 14+size {
		return b, fault.Damaged("BMP: the pixels begin at byte %d, inside the header", b.raster)
	}
	b.dimensions(data[14 : 14+size])
	if err := b.readable(); err != nil {
		return b, err
	}
	return b, b.colours(data, 14+size)
}

// dimensions reads the header h, of the layout that its size tells.
func (b *bmpInfo) dimensions(h []byte) {
	if len(h) == 12 {
		b.width, b.height = int(binary.LittleEndian.Uint16(h[4:])), int(binary.LittleEndian.Uint16(h[6:]))
		b.bits, b.entry, b.bottomUp = int(binary.LittleEndian.Uint16(h[10:])), 3, true
		return
	}
	b.width, b.height = int(int32(binary.LittleEndian.Uint32(h[4:]))), int(int32(binary.LittleEndian.Uint32(h[8:])))
	b.bits, b.entry = int(binary.LittleEndian.Uint16(h[14:])), 4
	b.compression = binary.LittleEndian.Uint32(h[16:])
	if b.bottomUp = b.height > 0; !b.bottomUp {
		b.height = -b.height
	}
}

func (b *bmpInfo) readable() error {
	masked := b.compression == bmpBitFields || b.compression == bmpAlphaBitFields
	switch {
	case b.width <= 0 || b.height <= 0:
		return fault.Damaged("BMP: the header says %dx%d pixels", b.width, b.height)
	case b.compression != bmpRGB && (!masked || (b.bits != 16 && b.bits != 32)):
		return unsupported("a BMP with compression %d is not read: save it uncompressed", b.compression)
	}
	switch b.bits {
	case 1, 4, 8, 16, 24, 32:
		return nil
	}
	return fault.Damaged("BMP: %d bits a pixel", b.bits)
}

// colours reads the palette or the masks, which lie between header and pixels.
func (b *bmpInfo) colours(data []byte, at int) error {
	if b.raster > len(data) {
		return errBMPHeader
	}
	between := data[at:b.raster]
	switch b.bits {
	case 1, 4, 8:
		for i := range min(len(between)/b.entry, 1<<b.bits) {
			c := between[i*b.entry:]
			b.palette[i] = uint32(c[0]) | uint32(c[1])<<8 | uint32(c[2])<<16 | known
		}
	case 16:
		b.masks = [3]uint32{0x1f, 0x1f << 5, 0x1f << 10}
	case 32:
		b.masks = [3]uint32{0xff, 0xff00, 0xff0000}
	}
	if b.compression == bmpRGB {
		return nil
	}
	// The masks follow the first 40 bytes, whether the header counts them or not.
	if 14+40+12 > b.raster {
		return fault.Damaged("BMP: it has no masks")
	}
	for c := range b.masks {
		b.masks[2-c] = binary.LittleEndian.Uint32(data[14+40+4*c:])
	}
	return nil
}

func (d *Decoder) decodeBMP(data []byte, dst *gocv.Mat) (Header, error) {
	b, err := readBMP(data)
	if err != nil {
		return Header{}, err
	}
	h := b.describe()
	if err := h.Within(d.maxPixels); err != nil {
		return h, err
	}
	raster, rowBytes := data[b.raster:], (b.width*b.bits+31)/32*4
	if len(raster) < rowBytes*b.height {
		return h, fault.Incomplete("BMP: %d of %d bytes of pixels", len(raster), rowBytes*b.height)
	}
	to, err := d.allocate(h, dst)
	if err != nil {
		return h, err
	}
	for y := range b.height {
		from := raster[y*rowBytes:][:rowBytes]
		if b.bottomUp {
			y = b.height - 1 - y
		}
		if !b.putRow(to.row(y, b.width), from) {
			return h, fault.Damaged("BMP: a pixel in row %d has a colour that the palette lacks", y)
		}
	}
	return h, nil
}
