package libav

// bitReader reads the fixed-length and Exp-Golomb codes of H.264 and H.265
// headers (clause 9.1 of H.264, 9.2 of H.265). Reading beyond the end gives
// zeros and sets short.
type bitReader struct {
	data  []byte
	at    int // bits
	short bool
}

func (r *bitReader) bit() uint32 {
	if r.at>>3 >= len(r.data) {
		r.short = true
		return 0
	}
	b := r.data[r.at>>3] >> (7 - r.at&7) & 1
	r.at++
	return uint32(b)
}

func (r *bitReader) flag() bool { return r.bit() == 1 }

func (r *bitReader) bits(n int) (v uint32) {
	for range n {
		v = v<<1 | r.bit()
	}
	return v
}

func (r *bitReader) skip(n int) {
	for range n {
		r.bit()
	}
}

// unsigned reads ue(v).
func (r *bitReader) unsigned() uint32 {
	zeros := 0
	for !r.flag() {
		if zeros++; zeros > 31 || r.short {
			r.short = true
			return 0
		}
	}
	return 1<<zeros - 1 + r.bits(zeros)
}

// signed reads se(v).
func (r *bitReader) signed() int32 {
	v := r.unsigned()
	if v&1 == 1 {
		return int32(v/2) + 1
	}
	return -int32(v / 2)
}

// header returns a reader of the first n bytes of a NAL unit's payload, which
// follow its header of skip bytes, without their emulation prevention bytes
// (clause 7.4.1 of H.264, 7.4.2 of H.265).
func header(nal []byte, skip, n int) bitReader {
	out := make([]byte, 0, min(n, len(nal)))
	zeros := 0
	for _, b := range nal[min(skip, len(nal)):] {
		if zeros >= 2 && b == 3 {
			zeros = 0
			continue
		}
		if len(out) == n {
			break
		}
		if zeros++; b != 0 {
			zeros = 0
		}
		out = append(out, b)
	}
	return bitReader{data: out}
}
