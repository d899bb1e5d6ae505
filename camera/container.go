package camera

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

var pngSignature = []byte("\x89PNG\r\n\x1a\n")

var errCut = errors.New("the file is cut off")

// complete says whether a PNG or JPEG file is whole, because OpenCV fills in what
// is missing of a cut-off one and says nothing; other formats pass.
func complete(data []byte) error {
	switch {
	case len(data) == 0:
		return errors.New("the file is empty")
	case bytes.HasPrefix(data, pngSignature):
		return completePNG(data[len(pngSignature):])
	case bytes.HasPrefix(data, []byte{0xff, startOfImage}):
		return completeJPEG(data[2:])
	}
	return nil
}

// completePNG walks the chunks (length, type, data, CRC) to IEND.
func completePNG(data []byte) error {
	for {
		if len(data) < 12 {
			return errCut
		}
		length := int64(binary.BigEndian.Uint32(data))
		if length > int64(len(data)-12) {
			return errCut
		}
		body, sum := data[4:8+length], binary.BigEndian.Uint32(data[8+length:])
		if crc32.ChecksumIEEE(body) != sum {
			return fmt.Errorf("chunk %q of the PNG is damaged", body[:4])
		}
		if string(body[:4]) == "IEND" {
			return nil
		}
		data = data[12+length:]
	}
}

// JPEG markers, each after a byte 0xff.
const (
	startOfImage = 0xd8
	endOfImage   = 0xd9
)

// completeJPEG walks the segments and scans to the end of the image.
func completeJPEG(data []byte) error {
	for {
		start := bytes.IndexByte(data, 0xff)
		if start < 0 || start+1 >= len(data) {
			return errCut
		}
		marker := data[start+1]
		data = data[start+1:]
		switch {
		case marker == 0xff: // fill byte: the marker is still to come
			continue
		case marker == endOfImage:
			return nil
		case marker == 0 || marker == 1 || (marker >= 0xd0 && marker <= startOfImage): // stuffed byte, or a marker without a segment
			data = data[1:]
			continue
		}
		if len(data) < 3 {
			return errCut
		}
		length := int(binary.BigEndian.Uint16(data[1:]))
		if length < 2 || length > len(data)-1 {
			return errCut
		}
		data = data[1+length:]
	}
}
