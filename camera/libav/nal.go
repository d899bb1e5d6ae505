package libav

import (
	"bytes"
	"encoding/binary"

	"faird/camera/fault"
)

// framing is how the NAL units of an access unit are told apart.
type framing int

const annexB framing = 0 // by start codes; otherwise by lengths of 1 to 4 bytes

// maxNALs of an access unit, which a hostile one may claim to have.
const maxNALs = 4096

var startCode = []byte{0, 0, 1}

// split returns the NAL units of an access unit.
func (f framing) split(data []byte) ([][]byte, error) {
	if f == annexB {
		return splitAnnexB(data)
	}
	var out [][]byte
	for len(data) > 0 {
		if len(data) < int(f) || len(out) == maxNALs {
			return nil, fault.Damaged("%d stray bytes behind the last NAL unit", len(data))
		}
		var size [4]byte
		copy(size[4-f:], data)
		n := uint64(binary.BigEndian.Uint32(size[:]))
		if data = data[f:]; n > uint64(len(data)) {
			return nil, fault.Incomplete("a NAL unit of %d bytes breaks off after %d", n, len(data))
		}
		if n > 0 {
			out = append(out, data[:n])
		}
		data = data[n:]
	}
	return out, nil
}

// splitAnnexB looks for start codes (annex B.1 of H.264 and H.265).
func splitAnnexB(data []byte) ([][]byte, error) {
	var out [][]byte
	start := bytes.Index(data, startCode)
	if start < 0 {
		return nil, fault.Damaged("no start code in %d bytes", len(data))
	}
	for data = data[start+3:]; ; {
		end := bytes.Index(data, startCode)
		nal := data
		if end >= 0 {
			nal = data[:end]
		}
		if nal = bytes.TrimRight(nal, "\x00"); len(nal) > 0 {
			out = append(out, nal)
		}
		if end < 0 {
			return out, nil
		}
		if len(out) == maxNALs {
			return nil, fault.Damaged("more than %d NAL units in one access unit", maxNALs)
		}
		data = data[end+3:]
	}
}

// join writes NAL units with start codes.
func join(dst []byte, nals ...[]byte) []byte {
	for _, nal := range nals {
		dst = append(append(dst, 0), startCode...)
		dst = append(dst, nal...)
	}
	return dst
}
