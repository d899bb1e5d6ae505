package libav

import (
	"bytes"
	"slices"
)

// readSequence reads a sequence parameter set (7.3.2.2.1) up to the long-term
// reference pictures.
func (h *hevc) readSequence(nal []byte) {
	r := header(nal, 2, 4096)
	var s hevcSequence
	r.skip(4)
	layers := int(r.bits(3))
	r.skip(1)
	skipProfile(&r, layers)
	id := r.unsigned()
	chroma := r.unsigned()
	s.separate = chroma == 3 && r.flag()
	s.width, s.height = r.unsigned(), r.unsigned()
	if r.flag() { // conformance window
		for range 4 {
			r.unsigned()
		}
	}
	depth := 8 + max(r.unsigned(), r.unsigned())
	s.orderBits = int(r.unsigned() + 4)
	first := layers
	if r.flag() {
		first = 0
	}
	for range layers - first + 1 {
		r.unsigned()
		r.unsigned()
		r.unsigned()
	}
	s.blockBits = int(r.unsigned() + 3)
	s.blockBits += int(r.unsigned())
	for range 4 { // transform blocks
		r.unsigned()
	}
	if scaled := r.flag(); scaled && r.flag() {
		skipHEVCScaling(&r)
	}
	r.skip(2)
	if r.flag() { // PCM
		r.skip(8)
		r.unsigned()
		r.unsigned()
		r.skip(1)
	}
	s.readSets(&r)
	if r.short || id > 15 || chroma > 3 || depth > 16 || s.orderBits > 16 || s.blockBits > 6 || s.width == 0 || s.height == 0 {
		return // slices that refer to it are refused
	}
	channels := uint32(3)
	if chroma == 0 {
		channels = 1
	}
	s.oversized = h.limit.check(uint64(s.width), uint64(s.height), channels, depth)
	s.raw = bytes.Clone(nal)
	h.sps[id] = &s
}

func (s *hevcSequence) readSets(r *bitReader) {
	sets := int(r.unsigned())
	if sets > 64 {
		r.short = true
		return
	}
	for range sets {
		s.sets = append(s.sets, readSet(r, s.sets, false))
	}
	if s.longTerm = r.flag(); !s.longTerm {
		return
	}
	for range min(r.unsigned(), 32) {
		s.longOrders = append(s.longOrders, r.bits(min(s.orderBits, 16)))
		s.longUsed = append(s.longUsed, r.flag())
	}
}

// readSet reads st_ref_pic_set (7.3.7, 7.4.8) that comes after the known ones; a
// slice may name the one to predict its own from.
func readSet(r *bitReader, known []hevcSet, slice bool) hevcSet {
	if len(known) > 0 && r.flag() {
		return derivedSet(r, known, slice)
	}
	before, after := r.unsigned(), r.unsigned()
	if before > 16 || after > 16 {
		r.short = true
		return hevcSet{}
	}
	return hevcSet{before: readDeltas(r, before, -1), after: readDeltas(r, after, 1)}
}

func readDeltas(r *bitReader, n uint32, sign int32) (out []hevcDelta) {
	at := int32(0)
	for range n {
		at += sign * int32(r.unsigned()+1)
		out = append(out, hevcDelta{delta: at, used: r.flag()})
	}
	return out
}

// derivedSet predicts a set from one before it: equations 7-61 and 7-62.
func derivedSet(r *bitReader, known []hevcSet, slice bool) (out hevcSet) {
	from := len(known) - 1
	if slice {
		from -= int(min(r.unsigned(), 64))
	}
	negative := r.flag()
	shift := int32(r.unsigned() + 1)
	if negative {
		shift = -shift
	}
	if from < 0 || r.short {
		r.short = true
		return out
	}
	ref := known[from]
	before, after := shifted(r, ref.before, shift), shifted(r, ref.after, shift)
	itself := shifted(r, []hevcDelta{{}}, shift)
	for _, d := range slices.Backward(after) {
		out.add(d, d.delta < 0)
	}
	for _, d := range append(itself, before...) {
		out.add(d, d.delta < 0)
	}
	for _, d := range slices.Backward(before) {
		out.add(d, d.delta > 0)
	}
	for _, d := range append(itself, after...) {
		out.add(d, d.delta > 0)
	}
	if len(out.before) > 16 || len(out.after) > 16 {
		r.short = true
	}
	return out
}

// shifted reads which of some pictures are taken over. Those that are not have
// no distance.
func shifted(r *bitReader, from []hevcDelta, shift int32) (out []hevcDelta) {
	for _, d := range from {
		d.used = r.flag()
		if d.delta += shift; !d.used && !r.flag() { // use_delta_flag
			d.delta = 0
		}
		out = append(out, d)
	}
	return out
}

func (s *hevcSet) add(d hevcDelta, wanted bool) {
	switch {
	case !wanted:
	case d.delta < 0:
		s.before = append(s.before, d)
	default:
		s.after = append(s.after, d)
	}
}

// skipProfile skips profile_tier_level (7.3.3).
func skipProfile(r *bitReader, layers int) {
	r.skip(88 + 8)
	var profile, level [8]bool
	for i := range layers {
		profile[i], level[i] = r.flag(), r.flag()
	}
	if layers > 0 {
		r.skip(2 * (8 - layers))
	}
	for i := range layers {
		if profile[i] {
			r.skip(88)
		}
		if level[i] {
			r.skip(8)
		}
	}
}

// skipHEVCScaling skips scaling_list_data (7.3.4).
func skipHEVCScaling(r *bitReader) {
	for size := range 4 {
		step := 1
		if size == 3 {
			step = 3
		}
		for matrix := 0; matrix < 6; matrix += step {
			if !r.flag() {
				r.unsigned()
				continue
			}
			if size > 1 {
				r.signed()
			}
			for range min(64, 1<<(4+size<<1)) {
				r.signed()
			}
		}
	}
}

func (h *hevc) readPicture(nal []byte) {
	r := header(nal, 2, 16)
	id, sequence := r.unsigned(), r.unsigned()
	p := hevcPicture{raw: bytes.Clone(nal), sequence: sequence, dependent: r.flag(), output: r.flag(), extra: int(r.bits(3))}
	if !r.short && id < 64 && sequence < 16 {
		h.pps[id] = &p
	}
}
