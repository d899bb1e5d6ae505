package rtsp

import (
	"time"

	"github.com/pion/rtp"

	"faird/camera/fault"
)

// assembler puts pictures together from RTP packets. gortsplib has removed
// duplicates and restored the order; every gap that is left is a loss (RFC 3550,
// 5.1: sequence numbers increment by one for each packet).
type assembler struct {
	track   track
	queue   *queue
	maxUnit int
	clock   senderClock

	decode  depacketize
	held    *rtp.Packet // the newest one, until it is known whether its picture ends with it
	arrived time.Time   // of held
	next    uint16      // sequence number expected
	started bool
	size    int // bytes of payload collected for the picture in progress

	// The picture in progress, known by its RTP timestamp. Packets of a picture
	// that lost some are skipped to its end.
	stamp    uint32
	pending  bool
	skipping bool
	gap      bool // told to the next unit
}

func newAssembler(t track, q *queue, maxUnit int) *assembler {
	return &assembler{track: t, queue: q, maxUnit: maxUnit, clock: senderClock{rate: t.format.ClockRate()}}
}

// push takes the next packet.
func (a *assembler) push(p *rtp.Packet, now time.Time) {
	if lost := p.SequenceNumber - a.next; a.started && lost != 0 {
		a.lose(p, now, fault.Incomplete("%d RTP packets were lost", lost))
	}
	if !a.started && !beginsPicture(a.track.codec, p.Payload) { // joined in the middle of one
		a.stamp, a.skipping = p.Timestamp, true
	}
	a.next, a.started = p.SequenceNumber+1, true
	a.release(p.Timestamp)
	if a.skipping && p.Timestamp == a.stamp {
		a.skipping = !p.Marker // the next picture of a camera whose timestamps stand still
		return
	}
	if p.Timestamp != a.stamp || !a.pending {
		a.stamp, a.pending, a.skipping, a.size = p.Timestamp, true, false, 0
	}
	if a.size += len(p.Payload); a.size > a.maxUnit {
		a.lose(p, now, fault.TooLarge("an encoded picture of more than %d bytes: lower the camera's bit rate, or raise camera.max_pixels", a.maxUnit))
		return
	}
	if a.held, a.arrived = p, now; p.Marker {
		a.release(p.Timestamp)
	}
}

// release takes in the packet that was held back, now that the timestamp of the
// next one is known. Some cameras do not mark the last packet of a picture; it
// ends where another timestamp begins.
func (a *assembler) release(next uint32) {
	p := a.held
	if p == nil {
		return
	}
	a.held = nil
	p.Marker = p.Marker || p.Timestamp != next
	a.depacketize(p, a.arrived)
}

func (a *assembler) depacketize(p *rtp.Packet, now time.Time) {
	if a.decode == nil {
		var err error
		if a.decode, err = a.track.depacketizer(); err != nil {
			a.lose(p, now, fault.Damaged("%w", err))
			return
		}
	}
	data, err := a.decode(p)
	if err != nil {
		a.lose(p, now, fault.Damaged("RTP payload: %w", err))
		return
	}
	a.pending = a.pending && !p.Marker
	if data != nil {
		a.deliver(Unit{Data: data, Time: a.clock.captured(p.Timestamp, now)})
	}
}

// lose gives up the picture in progress and that of packet p, of which packets
// before p may be missing too.
func (a *assembler) lose(p *rtp.Packet, now time.Time, why error) {
	at := a.clock.captured(p.Timestamp, now)
	if a.pending && p.Timestamp != a.stamp {
		a.deliver(Unit{Time: at, Err: why, Gap: true})
	}
	a.deliver(Unit{Time: at, Err: why, Gap: true})
	a.decode, a.held, a.gap = nil, nil, true
	a.stamp, a.skipping, a.pending = p.Timestamp, true, false
}

func (a *assembler) deliver(u Unit) {
	if u.Err == nil {
		u.Gap, a.gap = u.Gap || a.gap, false
	}
	a.queue.put(u, a.track.independent())
}
