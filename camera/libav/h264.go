package libav

import (
	"math"

	"faird/camera/fault"
)

// NAL unit types of H.264 (table 7-1).
const (
	h264Slice      = 1
	h264PartitionA = 2
	h264IDR        = 5
	h264SEI        = 6
	h264SPS        = 7
	h264PPS        = 8
)

// h264 follows the frame numbers of an H.264 stream.
type h264 struct {
	limit limit
	sps   [32]*h264Sequence
	pps   [256]*h264Picture

	started   bool
	number    uint32 // frame_num of the last reference frame
	order     int32  // picture order count of the last reference picture
	keyOrder  int32  // that of a key picture that is no IDR picture
	half      bool   // the last access unit was the first field of a frame
	last      h264Header
	recovered bool // a recovery point was announced for the next picture
	rejoins   bool // the last picture was one, and no IDR
}

type h264Sequence struct {
	raw
	separate   bool // colour planes are coded separately
	numberBits int
	orderType  uint32
	orderBits  int
	frames     bool // no fields
	oversized  error
}

type h264Picture struct {
	raw
	sequence uint32
}

// h264Header is what is read of a slice header (7.3.3).
type h264Header struct {
	idr           bool
	refIDC        byte
	first         uint32 // macroblock
	intra         bool
	picture       uint32 // parameter set
	number        uint32 // frame_num
	field, bottom bool
	idrID, order  uint32
}

func (h *h264) parameters(nals [][]byte) {
	for _, nal := range nals {
		switch nal[0] & 31 {
		case h264SPS:
			h.readSequence(nal)
		case h264PPS:
			h.readPicture(nal)
		}
	}
}

func (h *h264) sets() [][]byte { return inForce(inForce(nil, h.sps[:]), h.pps[:]) }

func (h *h264) forget() { h.started, h.half, h.recovered, h.rejoins = false, false, false, false }

// write leaves out what libavcodec only trips over, such as the messages of cameras
// (SEI): it would take a broken one for a broken picture.
func (h *h264) write(dst []byte, nals [][]byte) []byte {
	for _, nal := range nals {
		switch nal[0] & 31 {
		case h264Slice, h264IDR, h264SPS, h264PPS:
			dst = join(dst, nal)
		case h264SEI:
			if h.rejoins { // it hides a picture that no recovery point goes before
				dst = join(dst, nal)
			}
		}
	}
	return dst
}

func (h *h264) read(nals [][]byte) unit {
	var u unit
	var slices []h264Header
	h.parameters(nals)
	for _, nal := range nals {
		switch nal[0] & 31 {
		case h264SEI:
			h.recovered = h.recovered || exactRecovery(nal)
		case h264PartitionA:
			return unit{coded: true, err: fault.Damaged("data partitioning, which libavcodec does not decode")}
		case h264Slice, h264IDR:
			s, err := h.readSlice(nal)
			if err != nil {
				return unit{coded: true, err: err}
			}
			slices = append(slices, s)
		}
	}
	if len(slices) == 0 {
		return u
	}
	u.coded = true
	u.err = samePicture(slices)
	u.key = slices[0].idr || (h.recovered && allIntra(slices) && h.sequenceOf(slices[0]).orderType != 1)
	h.recovered, h.rejoins = false, u.key && !slices[0].idr
	h.arrange(&u, slices[0])
	h.follow(&u, slices[0], slices[0].bottom != slices[len(slices)-1].bottom)
	return u
}

func allIntra(slices []h264Header) bool {
	for _, s := range slices {
		if !s.intra {
			return false
		}
	}
	return true
}

// samePicture says whether slices belong to one picture (7.4.1.2.4), or to both
// fields of a frame, that begins with its first macroblock.
func samePicture(slices []h264Header) error {
	a := slices[0]
	for i, b := range slices {
		if i > 0 && a.field && b.field && a.bottom != b.bottom && a.number == b.number {
			a = b // the second field
		} else if i > 0 && !a.matches(b) {
			return fault.Damaged("slices of two pictures in one access unit")
		} else if i > 0 {
			continue
		}
		if b.first != 0 {
			return fault.Damaged("the picture begins with macroblock %d: its first slice is missing", b.first)
		}
	}
	return nil
}

func (a h264Header) matches(b h264Header) bool {
	return a.number == b.number && a.idr == b.idr && a.idrID == b.idrID && (a.refIDC == 0) == (b.refIDC == 0) &&
		a.order == b.order && a.field == b.field && a.bottom == b.bottom
}

// arrange finds the pictures that lead a key picture: decoded after it and shown
// before it (8.2.1.1). The order count of type 2 is that of decoding.
func (h *h264) arrange(u *unit, s h264Header) {
	q := h.sequenceOf(s)
	if s.idr || q.orderType != 0 {
		h.order, h.keyOrder = int32(s.order), math.MinInt32
		return
	}
	order := nearest(h.order, s.order, q.orderBits)
	if u.key {
		h.keyOrder = order
	}
	u.leading = !u.key && order < h.keyOrder
	if s.refIDC != 0 {
		h.order = order
	}
}

// nearest returns the picture order count with those low bits that is the
// nearest to one before (8.2.1.1 of H.264, 8.3.1 of H.265).
func nearest(before int32, lsb uint32, bits int) int32 {
	size := int32(1) << bits
	low, old := int32(lsb), before&(size-1)
	order := before - old + low
	switch {
	case low < old && old-low >= size/2:
		order += size
	case low > old && low-old > size/2:
		order -= size
	}
	return order
}

func (h *h264) sequenceOf(s h264Header) *h264Sequence { return h.sps[h.pps[s.picture].sequence] }

// follow checks that no reference frame is missing before this picture: frame_num
// goes up by one after each (7.4.3). libavcodec fills a gap with copies.
func (h *h264) follow(u *unit, s h264Header, both bool) {
	if u.second = h.half && s.field && s.bottom != h.last.bottom && s.number == h.last.number && !s.idr; u.second {
		h.half = false
		return
	}
	if h.half && u.err == nil {
		u.err = fault.Incomplete("the second field of the picture before is missing")
	}
	wrap := uint32(1)<<h.sequenceOf(s).numberBits - 1
	want := (h.number + 1) & wrap
	switch {
	case u.key:
		h.started = true
	case !h.started:
	case s.number != want && u.err == nil:
		u.err = fault.Incomplete("a frame is missing before this one: number %d follows %d", s.number, h.number)
	}
	if s.refIDC != 0 {
		h.number = s.number
	} else {
		h.number = (s.number - 1) & wrap
	}
	h.half, h.last = s.field && !both, s
}

func (h *h264) readSlice(nal []byte) (h264Header, error) {
	r := header(nal, 1, 32)
	s := h264Header{idr: nal[0]&31 == h264IDR, refIDC: nal[0] >> 5 & 3}
	if broken(nal) {
		return s, errBroken
	}
	s.first = r.unsigned()
	kind := r.unsigned() % 5
	s.intra = kind == 2 || kind == 4
	s.picture = r.unsigned()
	if s.picture > 255 || h.pps[s.picture] == nil || h.sps[h.pps[s.picture].sequence] == nil {
		return s, fault.Incomplete("parameter set %d is missing", s.picture)
	}
	q := h.sps[h.pps[s.picture].sequence]
	if q.oversized != nil {
		return s, q.oversized
	}
	if q.separate {
		r.skip(2)
	}
	s.number = r.bits(q.numberBits)
	if !q.frames {
		if s.field = r.flag(); s.field {
			s.bottom = r.flag()
		}
	}
	if s.idr {
		s.idrID = r.unsigned()
	}
	if q.orderType == 0 {
		s.order = r.bits(q.orderBits)
	}
	if r.short {
		return s, fault.Damaged("a slice breaks off in its header")
	}
	return s, nil
}

// exactRecovery says whether an SEI message announces that decoding may begin
// with this access unit and is exact from it on (D.1.8): recovery_frame_cnt 0,
// exact_match_flag 1, broken_link_flag 0.
func exactRecovery(nal []byte) bool {
	r := header(nal, 1, 1024)
	for len(r.data)-r.at>>3 > 2 {
		kind, size := r.variable(), r.variable()
		if kind == 6 {
			return r.unsigned() == 0 && r.flag() && !r.flag() && !r.short
		}
		r.skip(8 * int(min(size, 1024)))
	}
	return false
}

// variable reads the type or size of an SEI message: bytes of 255 and a last one.
func (r *bitReader) variable() (v uint32) {
	for !r.short {
		b := r.bits(8)
		if v += b; b != 255 {
			break
		}
	}
	return v
}
