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
		if n == 0 || bytes.HasSuffix(data[:n], noBytes) { // a file system's zeros in the place of data
			return nil, fault.Damaged("a NAL unit of %d bytes ends in zeros", n)
		}
		out = append(out, data[:n])
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

// broken says whether a NAL unit holds bytes that no encoder writes (7.4.1 of H.264,
// 7.4.2 of H.265): two zeros are never followed by 0, 1 or 2, and a 3 after them is an
// emulation prevention byte, which 0 to 3 follow, or the end.
func broken(nal []byte) bool {
	nal = bytes.TrimRight(nal, "\x00")
	for at := 0; ; {
		i := bytes.Index(nal[at:], twoZeros)
		if i < 0 {
			return false
		}
		at += i + len(twoZeros)
		if next := nal[at:]; next[0] < 3 || next[0] == 3 && len(next) > 1 && next[1] > 3 {
			return true
		}
	}
}

var twoZeros, noBytes = make([]byte, 2), make([]byte, 4)

var errBroken = fault.Damaged("a slice holds bytes that no encoder writes")

// join writes NAL units with start codes.
func join(dst []byte, nals ...[]byte) []byte {
	for _, nal := range nals {
		dst = append(append(dst, 0), startCode...)
		dst = append(dst, nal...)
	}
	return dst
}
