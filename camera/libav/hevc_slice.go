package libav

import (
	"math/bits"

	"faird/camera/fault"
)

// hevcHeader is what is read of a slice segment header (7.3.6.1).
type hevcHeader struct {
	kind      byte // NAL unit type
	temporal  int
	first     bool
	dependent bool
	picture   uint32
	address   uint32
	output    bool
	lsb       uint32
	set       hevcSet
	long      []hevcLong
}

type hevcLong struct {
	lsb   uint32
	cycle uint32 // of the high bits, counted back from the picture's own
	whole bool   // the high bits are given
	used  bool
}

func (h *hevc) readSlice(nal []byte, last hevcHeader) (hevcHeader, error) {
	r := header(nal, 2, 512)
	s := hevcHeader{kind: nal[0] >> 1 & 63, temporal: int(nal[1]&7) - 1, output: true}
	if broken(nal) {
		return s, errBroken
	}
	s.first = r.flag()
	if s.kind >= hevcBLA && s.kind <= hevcIRAPEnd {
		r.skip(1) // no_output_of_prior_pics_flag
	}
	s.picture = r.unsigned()
	if s.picture > 63 || h.pps[s.picture] == nil || h.sps[h.pps[s.picture].sequence] == nil {
		return s, fault.Incomplete("parameter set %d is missing", s.picture)
	}
	p := h.pps[s.picture]
	q := h.sps[p.sequence]
	if q.oversized != nil {
		return s, q.oversized
	}
	if !s.first {
		s.dependent = p.dependent && r.flag()
		s.address = r.bits(q.addressBits())
	}
	if s.dependent {
		address, first := s.address, s.first
		s = last // the rest of the header is that of the slice before
		s.address, s.first, s.dependent = address, first, true
		s.kind = nal[0] >> 1 & 63
	} else {
		r.skip(p.extra)
		r.unsigned() // slice type
		if p.output {
			s.output = r.flag()
		}
		if q.separate {
			r.skip(2)
		}
		if s.kind != hevcIDR && s.kind != hevcIDRRADL {
			s.readOrder(&r, q)
		}
	}
	if r.short {
		return s, fault.Damaged("a slice breaks off in its header")
	}
	return s, nil
}

func (q *hevcSequence) addressBits() int {
	size := uint32(1) << q.blockBits
	blocks := ((q.width + size - 1) >> q.blockBits) * ((q.height + size - 1) >> q.blockBits)
	return bits.Len32(blocks - 1)
}

func (s *hevcHeader) readOrder(r *bitReader, q *hevcSequence) {
	s.lsb = r.bits(q.orderBits)
	if !r.flag() {
		s.set = readSet(r, q.sets, true)
	} else if n := len(q.sets); n > 0 {
		if i := int(r.bits(bits.Len(uint(n - 1)))); i < n {
			s.set = q.sets[i]
		} else {
			r.short = true
		}
	}
	if q.longTerm {
		s.readLong(r, q)
	}
}

// readLong reads the long-term reference pictures of a slice (7.4.7.1).
func (s *hevcHeader) readLong(r *bitReader, q *hevcSequence) {
	known := uint32(0)
	if len(q.longOrders) > 0 {
		known = r.unsigned()
	}
	more := r.unsigned()
	if known > 32 || more > 32 {
		r.short = true
		return
	}
	cycle := uint32(0)
	for i := range known + more {
		var l hevcLong
		if i < known {
			n := int(r.bits(bits.Len(uint(len(q.longOrders) - 1))))
			if n >= len(q.longOrders) {
				r.short = true
				return
			}
			l.lsb, l.used = q.longOrders[n], q.longUsed[n]
		} else {
			l.lsb, l.used = r.bits(q.orderBits), r.flag()
		}
		if i == known {
			cycle = 0
		}
		if l.whole = r.flag(); l.whole {
			cycle += r.unsigned()
		}
		l.cycle = cycle
		s.long = append(s.long, l)
	}
}
