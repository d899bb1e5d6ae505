package imagefile

import (
	"encoding/binary"
	"fmt"

	"faird/camera/fault"
)

// jpegFrame is the frame header of a JPEG (T.81 B.2.2) and what follows from the
// scan headers.
type jpegFrame struct {
	marker        byte // startOfFrame0 and above: the process
	bits          int  // of a sample
	width, height int
	components    []jpegComponent
	transform     byte // Adobe's APP14, see adobeUnknown
	scans         int
	several       bool // a scan does not hold all components, so whole coefficient arrays are kept
}

type jpegComponent struct {
	id, h, v byte // identifier, horizontal and vertical sampling factor
	scans    int
}

// Values of jpegFrame.transform.
const (
	adobeRGB     = 0
	adobeYCbCr   = 1
	adobeUnknown = 0xff // no APP14
)

// frameHeader reads the parameters of a SOF segment.
func (f *jpegFrame) frameHeader(marker byte, p []byte) error {
	if len(f.components) > 0 {
		return fault.Damaged("JPEG: a second frame header")
	}
	if len(p) < 6 || len(p) != 6+3*int(p[5]) || p[5] == 0 {
		return fault.Damaged("JPEG: a frame header of %d bytes", len(p))
	}
	f.marker, f.bits = marker, int(p[0])
	f.height, f.width = int(binary.BigEndian.Uint16(p[1:])), int(binary.BigEndian.Uint16(p[3:]))
	for c := p[6:]; len(c) > 0; c = c[3:] {
		f.components = append(f.components, jpegComponent{id: c[0], h: c[1] >> 4, v: c[1] & 15})
	}
	return f.readable()
}

// readable refuses what the decoder has no code for, or no way to check.
func (f *jpegFrame) readable() error {
	n := len(f.components)
	switch {
	case f.width == 0 || f.height == 0:
		return fault.Damaged("JPEG: the frame header says %dx%d pixels", f.width, f.height)
	case f.marker > startOfFrame0+2:
		return unsupported("%s JPEG is not read: save it as baseline or progressive", processes[f.marker])
	case f.bits != 8:
		return unsupported("a JPEG of %d bits a sample is not read: save it with 8 bits, or as PNG or TIFF", f.bits)
	case n == 4:
		return unsupported("a CMYK JPEG is not read: save it in RGB or grey")
	case n != 1 && n != 3:
		return unsupported("a JPEG of %d components is not read: save it in RGB or grey", n)
	}
	for _, c := range f.components {
		if c.h < 1 || c.h > 4 || c.v < 1 || c.v > 4 {
			return fault.Damaged("JPEG: sampling factors %dx%d", c.h, c.v)
		}
	}
	return nil
}

// processes are the coding processes of T.81 table B.1 that are not read.
var processes = map[byte]string{
	0xc3: "lossless", 0xc5: "hierarchical", 0xc6: "hierarchical", 0xc7: "hierarchical lossless", 0xc9: "arithmetic-coded",
	0xca: "arithmetic-coded", 0xcb: "lossless", 0xcd: "hierarchical", 0xce: "hierarchical", 0xcf: "hierarchical",
}

func (f *jpegFrame) progressive() bool { return f.marker == startOfFrame0+2 }

// scanHeader reads the parameters of a SOS segment.
func (f *jpegFrame) scanHeader(p []byte) error {
	if len(f.components) == 0 || len(p) < 1 || p[0] == 0 || len(p) != 4+2*int(p[0]) {
		return fault.Damaged("JPEG: a scan header of %d bytes", len(p))
	}
	if f.scans++; f.scans > maxScans {
		return fault.TooLarge("JPEG: more than %d scans", maxScans)
	}
	f.several = f.several || int(p[0]) < len(f.components) || f.progressive()
	for s := p[1 : 1+2*int(p[0])]; len(s) > 0; s = s[2:] {
		if err := f.scanned(s[0]); err != nil {
			return err
		}
	}
	return nil
}

// scanned counts a scan of the component with that identifier.
func (f *jpegFrame) scanned(id byte) error {
	for i := range f.components {
		c := &f.components[i]
		if c.id != id {
			continue
		}
		c.scans++
		if c.scans > 1 && !f.progressive() {
			return fault.Damaged("JPEG: component %d has two scans", id)
		}
		return nil
	}
	return fault.Damaged("JPEG: a scan of component %d, which the frame header does not name", id)
}

// complete says whether every component was sent.
func (f *jpegFrame) complete() error {
	if len(f.components) == 0 {
		return fault.Incomplete("JPEG: it has no frame header")
	}
	for _, c := range f.components {
		if c.scans == 0 {
			return fault.Incomplete("JPEG: component %d has no scan", c.id)
		}
	}
	return nil
}

func (f *jpegFrame) describe() Header {
	return Header{Format: "JPEG", Pixels: f.pixels(), Width: f.width, Height: f.height, PixelBytes: f.pixelBytes()}
}

// pixels names the pixel format.
func (f *jpegFrame) pixels() string {
	c := f.components
	switch {
	case len(c) == 1:
		return "grey 8-bit"
	case f.transform == adobeRGB || (f.transform == adobeUnknown && c[0].id == 'R' && c[1].id == 'G' && c[2].id == 'B'):
		return "RGB 8-bit"
	}
	if name, ok := subsampling[[6]byte{c[0].h, c[0].v, c[1].h, c[1].v, c[2].h, c[2].v}]; ok {
		return name
	}
	return fmt.Sprintf("YCbCr %dx%d,%dx%d,%dx%d 8-bit", c[0].h, c[0].v, c[1].h, c[1].v, c[2].h, c[2].v)
}

// subsampling names the usual sampling factors without allocating.
var subsampling = map[[6]byte]string{
	{1, 1, 1, 1, 1, 1}: "YCbCr 4:4:4 8-bit",
	{2, 2, 1, 1, 1, 1}: "YCbCr 4:2:0 8-bit",
	{2, 1, 1, 1, 1, 1}: "YCbCr 4:2:2 8-bit",
	{2, 2, 1, 2, 1, 2}: "YCbCr 4:2:2 8-bit",
	{1, 2, 1, 1, 1, 1}: "YCbCr 4:4:0 8-bit",
	{4, 1, 1, 1, 1, 1}: "YCbCr 4:1:1 8-bit",
}

// pixelBytes counts the coefficients, two bytes each, where all are kept until the
// last scan.
func (f *jpegFrame) pixelBytes() int {
	if !f.several {
		return bgrBytes
	}
	var h, v, blocks int
	for _, c := range f.components {
		h, v, blocks = max(h, int(c.h)), max(v, int(c.v)), blocks+int(c.h)*int(c.v)
	}
	return (2*blocks + h*v - 1) / (h * v)
}
