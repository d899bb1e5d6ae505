package libav

import (
	"bytes"

	"faird/camera/fault"
)

// NAL unit types of H.265 (table 7-1).
const (
	hevcRASLN       = 8
	hevcRASLR       = 9
	hevcLastVCL     = 31
	hevcBLA         = 16 // first of three
	hevcIDRRADL     = 19
	hevcIDR         = 20
	hevcCRA         = 21
	hevcIRAPEnd     = 23
	hevcVPS         = 32
	hevcSPS         = 33
	hevcPPS         = 34
	hevcEOS         = 36
	hevcEOB         = 37
	hevcSuffixSEI   = 40
	hevcPictureHash = 132 // payload type, table D.1
)

// hevc follows the reference picture sets of an H.265 stream. Each picture lists
// the pictures that must be there before it, so a missing one is noticed;
// libavcodec puts a grey picture in its place and goes on.
type hevc struct {
	limit limit
	vps   [16]*raw
	sps   [16]*hevcSequence
	pps   [64]*hevcPicture

	started bool
	ended   bool           // the sequence ended: a CRA picture starts a new one
	order   int32          // picture order count of the last picture that others build theirs on
	stored  map[int32]bool // picture order counts of the reference pictures
}

type hevcSequence struct {
	raw
	separate      bool
	width, height uint32
	blockBits     int // log2 of the coding tree block's size
	orderBits     int
	sets          []hevcSet
	longTerm      bool
	longOrders    []uint32
	longUsed      []bool
	oversized     error
}

type hevcPicture struct {
	raw
	sequence  uint32
	dependent bool
	output    bool
	extra     int
}

// hevcSet is a short-term reference picture set: distances of picture order
// count, and whether the picture itself refers to them.
type hevcSet struct {
	before, after []hevcDelta
}

type hevcDelta struct {
	delta int32
	used  bool
}

func (h *hevc) parameters(nals [][]byte) {
	for _, nal := range nals {
		if len(nal) < 3 {
			continue
		}
		switch nal[0] >> 1 & 63 {
		case hevcVPS:
			vps := raw(bytes.Clone(nal))
			h.vps[nal[2]>>4] = &vps
		case hevcSPS:
			h.readSequence(nal)
		case hevcPPS:
			h.readPicture(nal)
		}
	}
}

func (h *hevc) sets() [][]byte {
	return inForce(inForce(inForce(nil, h.vps[:]), h.sps[:]), h.pps[:])
}

func (h *hevc) forget() { h.started, h.ended, h.stored = false, false, nil }

// tail is put behind each slice segment. libavcodec does not notice that the data
// of one end too early: it goes on with whatever follows, and on zeros for ever,
// so that the rest of the picture is made up. On ones the arithmetic decoder soon
// comes to an end_of_slice_segment_flag, and the blocks behind it stay marked as
// never decoded. What follows a whole segment is not read.
var tail = bytes.Repeat([]byte{0xff}, 1024)

// write leaves out what libavcodec only trips over, messages (SEI) above all,
// except the pictures' checksums, which it compares.
func (h *hevc) write(dst []byte, nals [][]byte) []byte {
	for _, nal := range nals {
		switch kind := nal[0] >> 1 & 63; {
		case len(nal) < 3 || (nal[0]&1)<<5|nal[1]>>3 != 0: // layers besides the first
		case kind <= hevcLastVCL:
			dst = append(join(dst, nal), tail...)
		case kind == hevcSuffixSEI && nal[2] != hevcPictureHash:
		case kind <= hevcPPS, kind == hevcEOS, kind == hevcEOB, kind == hevcSuffixSEI:
			dst = join(dst, nal)
		}
	}
	return dst
}

func (h *hevc) read(nals [][]byte) (u unit) {
	h.parameters(nals)
	var last hevcHeader
	for _, nal := range nals {
		if len(nal) < 3 || (nal[0]&1)<<5|nal[1]>>3 != 0 { // enhancement layers are not decoded
			continue
		}
		switch kind := nal[0] >> 1 & 63; {
		case kind == hevcEOS || kind == hevcEOB:
			h.ended = true
		case kind <= hevcLastVCL:
			s, err := h.readSlice(nal, last)
			if err != nil {
				return unit{coded: true, err: err}
			}
			if !u.coded {
				u = h.begin(s)
			} else if err := s.continues(last); err != nil && u.err == nil {
				u.err = err
			}
			last = s
		}
	}
	return u
}

// continues says whether a slice segment follows another in the same picture.
func (s hevcHeader) continues(last hevcHeader) error {
	switch {
	case s.first || s.kind != last.kind || s.lsb != last.lsb:
		return fault.Damaged("slices of two pictures in one access unit")
	case s.address <= last.address:
		return fault.Damaged("slice segments out of order")
	}
	return nil
}

// begin takes the first slice segment of a picture: its order count (8.3.1) and
// its reference picture set (8.3.2).
func (h *hevc) begin(s hevcHeader) unit {
	u := unit{coded: true, hidden: !s.output}
	if !s.first {
		u.err = fault.Damaged("the picture begins with slice segment %d: its first one is missing", s.address)
		return u
	}
	u.key = s.kind >= hevcBLA && s.kind <= hevcIRAPEnd
	u.leading = s.kind == hevcRASLN || s.kind == hevcRASLR
	fresh := u.key && (s.kind != hevcCRA || !h.started || h.ended)
	order := h.orderOf(s, fresh)
	if u.key {
		h.started, h.ended = true, false
	}
	if fresh {
		h.stored = map[int32]bool{}
	}
	if h.started {
		if err := h.keep(s, order); err != nil && !u.key {
			u.err = err
		}
		h.stored[order] = true
	}
	if s.temporal == 0 && !(s.kind < 16 && s.kind%2 == 0) && !(s.kind >= 6 && s.kind <= hevcRASLR) {
		h.order = order
	}
	return u
}

func (h *hevc) orderOf(s hevcHeader, fresh bool) int32 {
	if fresh {
		return int32(s.lsb)
	}
	return nearest(h.order, s.lsb, h.sps[h.pps[s.picture].sequence].orderBits)
}

// keep drops what the reference picture set does not name and says what of it is
// not there.
func (h *hevc) keep(s hevcHeader, order int32) (err error) {
	kept := map[int32]bool{}
	want := func(o int32, used bool) {
		if h.stored[o] {
			kept[o] = true
		} else if used && err == nil {
			err = fault.Incomplete("a picture is missing before this one: %d refers to %d", order, o)
		}
	}
	for _, d := range s.set.before {
		want(order+d.delta, d.used)
	}
	for _, d := range s.set.after {
		want(order+d.delta, d.used)
	}
	mask := int32(1)<<h.sps[h.pps[s.picture].sequence].orderBits - 1
	for _, l := range s.long {
		want(h.find(l, order, mask), l.used)
	}
	h.stored = kept
	return err
}

// find returns the order count of a long-term reference picture (8.3.2).
func (h *hevc) find(l hevcLong, order, mask int32) int32 {
	if l.whole {
		return order - int32(l.cycle)*(mask+1) - (order&mask - int32(l.lsb))
	}
	for o := range h.stored {
		if o&mask == int32(l.lsb) {
			return o
		}
	}
	return int32(l.lsb) // not there
}
