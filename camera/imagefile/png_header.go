package imagefile

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"

	"faird/camera/fault"
)

const pngSignature = "\x89PNG\r\n\x1a\n"

func isPNG(data []byte) bool { return bytes.HasPrefix(data, []byte(pngSignature)) }

// Colour types of a PNG (PNG 3rd ed., 11.2.1).
const (
	pngGrey      = 0
	pngRGB       = 2
	pngPalette   = 3
	pngGreyAlpha = 4
	pngRGBA      = 6
)

var pngNames = map[byte]string{pngGrey: "grey", pngRGB: "RGB", pngPalette: "palette", pngGreyAlpha: "grey and alpha", pngRGBA: "RGBA"}

// pngChannels are the samples of a pixel by colour type.
var pngChannels = map[byte]int{pngGrey: 1, pngRGB: 3, pngPalette: 1, pngGreyAlpha: 2, pngRGBA: 4}

// pngInfo is what the chunks before the first IDAT say.
type pngInfo struct {
	width, height int
	bits          int // of a sample as stored
	colour        byte
	significant   []byte // sBIT: the true bits of each channel
	begun         bool   // an IDAT was seen, which sBIT must precede
}

// pngHeader reads up to the first IDAT.
func pngHeader(data []byte) (Header, error) {
	info, err := walkPNG(data, "IDAT")
	if err != nil {
		return Header{}, err
	}
	return info.describe(), nil
}

// walkPNG checks the chunks (length, type, data, CRC): up to the first IDAT, whose
// data need not be there, or up to and with IEND. libpng is spared the CRCs, which
// Go computes much faster.
func walkPNG(data []byte, last string) (info pngInfo, _ error) {
	for at := len(pngSignature); ; {
		rest := data[at:]
		if len(rest) >= 8 && string(rest[4:8]) == "IDAT" && last == "IDAT" && info.width > 0 {
			return info, nil
		}
		if len(rest) < 12 || int64(binary.BigEndian.Uint32(rest)) > int64(len(rest)-12) {
			return info, fault.Incomplete("PNG: it ends after %d bytes without an IEND chunk", len(data))
		}
		length := int(binary.BigEndian.Uint32(rest))
		typ, body, sum := rest[4:8], rest[8:8+length], binary.BigEndian.Uint32(rest[8+length:])
		if crc32.ChecksumIEEE(rest[4:8+length]) != sum {
			return info, fault.Damaged("PNG: the CRC of the chunk %q at byte %d does not match", typ, at)
		}
		if err := info.take(typ, body, at); err != nil {
			return info, err
		}
		at += 12 + length
		if string(typ) == last {
			return info, pngEnd(data, at)
		}
	}
}

// pngEnd looks at what follows an image. It does not belong to it, but a second
// image says that the file is not what it seems.
func pngEnd(data []byte, at int) error {
	if isPNG(data[at:]) {
		return fault.Damaged("PNG: another image begins at byte %d, after the end of the first", at)
	}
	return nil
}

// take reads the chunks that describe the pixels.
func (p *pngInfo) take(typ, body []byte, at int) error {
	switch first := at == len(pngSignature); {
	case first && (string(typ) != "IHDR" || len(body) != 13):
		return fault.Damaged("PNG: it begins with the chunk %q of %d bytes", typ, len(body))
	case first:
		return p.header(body)
	case string(typ) == "IHDR":
		return fault.Damaged("PNG: it has a second header at byte %d", at)
	case string(typ) == "acTL": // animation control (PNG 3rd ed., 11.3.6.1)
		return unsupported("an animated PNG is not read: save one image")
	case string(typ) == "IDAT":
		p.begun = true
	case string(typ) == "sBIT" && !p.begun:
		p.significant = body
	}
	return nil
}

func (p *pngInfo) header(body []byte) error {
	width, height := binary.BigEndian.Uint32(body), binary.BigEndian.Uint32(body[4:])
	if width == 0 || height == 0 || width > 1<<31-1 || height > 1<<31-1 {
		return fault.Damaged("PNG: the header says %dx%d pixels", width, height)
	}
	p.width, p.height, p.bits, p.colour = int(width), int(height), int(body[8]), body[9]
	if pngChannels[p.colour] == 0 || (p.bits != 1 && p.bits != 2 && p.bits != 4 && p.bits != 8 && p.bits != 16) {
		return fault.Damaged("PNG: colour type %d with %d bits", p.colour, p.bits)
	}
	return nil
}

// depth is the number of bits that carry information in a sample of 16: that of
// sBIT where all colour channels agree. They are the most significant ones (PNG 3rd
// ed., 13.12): an encoder scales its samples up to the whole range.
func (p *pngInfo) depth() int {
	colours := 1
	if p.colour == pngRGB || p.colour == pngRGBA {
		colours = 3
	}
	if p.bits != 16 || len(p.significant) < colours {
		return p.bits
	}
	for _, s := range p.significant[:colours] {
		if s != p.significant[0] || s < 8 || s > 16 {
			return p.bits
		}
	}
	return int(p.significant[0])
}

func (p *pngInfo) describe() Header {
	return Header{
		Format: "PNG", Pixels: pixelName(pngNames[p.colour], p.depth()),
		Width: p.width, Height: p.height, PixelBytes: max(bgrBytes, pngChannels[p.colour]*((p.bits+7)/8)),
	}
}
