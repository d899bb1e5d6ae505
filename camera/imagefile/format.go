package imagefile

import (
	"bytes"

	"gocv.io/x/gocv"

	"faird/camera/fault"
)

// format is one kind of encoded image.
type format struct {
	name   string
	known  func(data []byte) bool
	header func(data []byte) (Header, error)
	decode func(d *Decoder, data []byte, dst *gocv.Mat) (Header, error)
}

var formats = []format{
	{"JPEG", isJPEG, jpegHeader, (*Decoder).DecodeJPEG},
	{"PNG", isPNG, pngHeader, (*Decoder).decodePNG},
	{"TIFF", isTIFF, tiffHeader, (*Decoder).decodeTIFF},
	{"BMP", isBMP, bmpHeader, (*Decoder).decodeBMP},
	{"WebP", isWebP, webpHeader, (*Decoder).decodeWebP},
	{"PNM", isPNM, pnmHeader, (*Decoder).decodePNM},
}

// formatOf tells the format by the first bytes.
func formatOf(data []byte) (format, error) {
	if len(data) == 0 {
		return format{}, fault.Incomplete("it has no bytes")
	}
	for _, f := range formats {
		if f.known(data) {
			return f, nil
		}
	}
	return format{}, unsupported("not an image, or of a format that is not read: save it as JPEG, PNG, TIFF, BMP, WebP, PGM or PPM")
}

func isJPEG(data []byte) bool { return bytes.HasPrefix(data, []byte{0xff, startOfImage}) }
