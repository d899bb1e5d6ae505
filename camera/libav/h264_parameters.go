package libav

import (
	"bytes"
	"errors"
)

func (h *h264) readPicture(nal []byte) {
	r := header(nal, 1, 16)
	id, sequence := r.unsigned(), r.unsigned()
	if !r.short && id < 256 && sequence < 32 {
		h.pps[id] = &h264Picture{sequence: sequence, raw: bytes.Clone(nal)}
	}
}

func (h *h264) readSequence(nal []byte) {
	r := header(nal, 1, 1024)
	s, id, err := readH264Sequence(&r, h.limit)
	if err != nil || id > 31 {
		return // slices that refer to it are refused
	}
	s.raw = bytes.Clone(nal)
	h.sps[id] = &s
}

// readH264Sequence reads a sequence parameter set (7.3.2.1.1) up to the size.
func readH264Sequence(r *bitReader, l limit) (s h264Sequence, id uint32, err error) {
	profile := r.bits(8)
	r.skip(16) // constraints, level
	id = r.unsigned()
	chroma, depth := uint32(1), uint32(8)
	switch profile {
	case 100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135:
		chroma = r.unsigned()
		s.separate = chroma == 3 && r.flag()
		depth += max(r.unsigned(), r.unsigned())
		r.skip(1)
		if r.flag() {
			skipScaling(r, chroma)
		}
	}
	s.numberBits = int(r.unsigned() + 4)
	switch s.orderType = r.unsigned(); s.orderType {
	case 0:
		s.orderBits = int(r.unsigned() + 4)
	case 1:
		r.skip(1)
		r.signed()
		r.signed()
		for range min(r.unsigned(), 255) {
			r.signed()
		}
	}
	r.unsigned() // reference frames
	r.skip(1)    // gaps allowed: a gap could as well be a loss, so it counts as one
	width, height := uint64(r.unsigned()+1)*16, uint64(r.unsigned()+1)*16
	if s.frames = r.flag(); !s.frames {
		height *= 2
	}
	if r.short || s.numberBits > 16 || s.orderBits > 16 || depth > 14 || chroma > 3 {
		return s, id, errors.New("the sequence parameter set is broken")
	}
	channels := uint32(3)
	if chroma == 0 {
		channels = 1
	}
	s.oversized = l.check(width, height, channels, depth)
	return s, id, nil
}

// skipScaling skips the scaling matrices (7.3.2.1.1.1).
func skipScaling(r *bitReader, chroma uint32) {
	lists := 8
	if chroma == 3 {
		lists = 12
	}
	for i := range lists {
		if !r.flag() {
			continue
		}
		size, last, next := 16, int32(8), int32(8)
		if i >= 6 {
			size = 64
		}
		for range size {
			if next != 0 {
				next = (last + r.signed() + 256) % 256
			}
			if next != 0 {
				last = next
			}
		}
	}
}
