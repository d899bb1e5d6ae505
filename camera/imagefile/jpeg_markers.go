package imagefile

import (
	"bytes"
	"encoding/binary"

	"faird/camera/fault"
)

// JPEG markers, each after a byte 0xff (T.81 table B.1).
const (
	startOfFrame0   = 0xc0
	huffmanTables   = 0xc4
	startOfImage    = 0xd8
	endOfImage      = 0xd9
	startOfScan     = 0xda
	restartInterval = 0xdd
	app2            = 0xe2
	app14           = 0xee
)

// maxScans of an image. Encoders use about ten; each one passes over the whole
// image, so that a small file could keep a decoder busy for minutes.
const maxScans = 50

// jpegReader walks over the segments of a JPEG.
type jpegReader struct {
	data   []byte
	at     int
	frame  jpegFrame
	tables jpegTables
	multi  bool // says that other images follow it (CIPA DC-007, MPF)
}

func (r *jpegReader) reset(data []byte) {
	*r = jpegReader{data: data, at: 2, frame: jpegFrame{components: r.frame.components[:0], transform: adobeUnknown}}
}

// jpegHeader reads up to the first scan.
func jpegHeader(data []byte) (Header, error) {
	var r jpegReader
	r.reset(data)
	for {
		marker, _, err := r.segment()
		switch {
		case err != nil:
			return Header{}, err
		case marker == endOfImage:
			return Header{}, fault.Incomplete("JPEG: it has no scan")
		case marker == startOfScan:
			return r.frame.describe(), nil
		}
	}
}

// read walks to the end marker and has each scan checked: its parameters, and its
// entropy-coded data. libjpeg would fill in what is missing before the end marker,
// and does not look at what comes after.
func (r *jpegReader) read(check func(p, data []byte) error) error {
	if !isJPEG(r.data) {
		return fault.Damaged("not a JPEG: it does not begin with FF D8")
	}
	for {
		marker, p, err := r.segment()
		switch {
		case err != nil:
			return err
		case marker == endOfImage:
			return r.finish()
		case marker == startOfScan:
			start := r.at
			if r.skipScan(); r.at == len(r.data) {
				return r.cut()
			}
			if err := check(p, r.data[start:r.at]); err != nil {
				return err
			}
		}
	}
}

// finish judges the whole once the end marker was found.
func (r *jpegReader) finish() error {
	if err := r.frame.complete(); err != nil {
		return err
	}
	rest := bytes.TrimLeft(r.data[r.at:], "\x00\r\n")
	if !r.multi && bytes.HasPrefix(rest, []byte{0xff, startOfImage, 0xff}) {
		return fault.Damaged("JPEG: another image begins at byte %d, after the end of the first", len(r.data)-len(rest))
	}
	return nil
}

// segment reads one marker and the parameters that belong to it.
func (r *jpegReader) segment() (marker byte, p []byte, _ error) {
	marker, err := r.marker()
	if err != nil || marker == endOfImage {
		return marker, nil, err
	}
	if marker == 1 || (marker >= 0xd0 && marker <= startOfImage) {
		return marker, nil, fault.Damaged("JPEG: marker %X at byte %d, where a segment is due", marker, r.at-2)
	}
	if len(r.data)-r.at < 2 {
		return marker, nil, r.cut()
	}
	length := int(binary.BigEndian.Uint16(r.data[r.at:]))
	if length < 2 {
		return marker, nil, fault.Damaged("JPEG: the segment at byte %d has the length %d", r.at-2, length)
	}
	if length > len(r.data)-r.at {
		return marker, nil, r.cut()
	}
	p = r.data[r.at+2 : r.at+length]
	r.at += length
	return marker, p, r.take(marker, p)
}

// marker reads a marker and the fill bytes before it.
func (r *jpegReader) marker() (byte, error) {
	start := r.at
	for r.at < len(r.data) && r.data[r.at] == 0xff {
		r.at++
	}
	switch {
	case r.at >= len(r.data):
		return 0, r.cut()
	case r.at == start || r.data[r.at] == 0:
		return 0, fault.Damaged("JPEG: byte %d is no marker", start)
	}
	r.at++
	return r.data[r.at-1], nil
}

// take looks into the segments that say something about the image.
func (r *jpegReader) take(marker byte, p []byte) error {
	switch {
	case marker == startOfScan:
		return r.frame.scanHeader(p)
	case marker == huffmanTables:
		return r.tables.define(p)
	case marker == restartInterval:
		return r.tables.interval(p)
	case marker == app2 && bytes.HasPrefix(p, []byte("MPF\x00")):
		r.multi = true
	case marker == app14 && len(p) >= 12 && bytes.HasPrefix(p, []byte("Adobe")):
		r.frame.transform = p[11]
	case marker >= startOfFrame0 && marker <= 0xcf && marker != huffmanTables && marker != 0xc8 && marker != 0xcc:
		return r.frame.frameHeader(marker, p)
	}
	return nil
}

// skipScan moves to the marker that ends the entropy-coded data: in them 0xff is
// followed by 0, or is a restart marker.
func (r *jpegReader) skipScan() {
	for {
		next := bytes.IndexByte(r.data[r.at:], 0xff)
		if next < 0 || r.at+next+1 >= len(r.data) {
			r.at = len(r.data)
			return
		}
		r.at += next
		if m := r.data[r.at+1]; m == 0 || (m >= 0xd0 && m <= 0xd7) {
			r.at += 2
		} else if m == 0xff {
			r.at++
		} else {
			return
		}
	}
}

func (r *jpegReader) cut() error {
	return fault.Incomplete("JPEG: it ends after %d bytes without an end marker", len(r.data))
}
