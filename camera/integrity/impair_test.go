package integrity

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"
)

// impairment is what happens to datagrams, each with the probability given.
type impairment struct {
	drop, duplicate, reorder, flip float64
	deliver                        bool // hand over flipped datagrams as if their checksums were right
}

// maxDelay is how many datagrams may overtake one that is reordered.
const maxDelay = 10

// link damages the datagrams of one direction of one socket.
type link struct {
	impairment
	rng  *rand.Rand
	held []delayed
	*events
}

type delayed struct {
	datagram []byte
	after    int // datagrams that still overtake it
}

// events counts what links did.
type events struct {
	datagrams, dropped, duplicated, reordered, flipped, altered atomic.Int64
}

func (e *events) String() string {
	var out []string
	for _, c := range []struct {
		n    *atomic.Int64
		what string
	}{
		{&e.datagrams, "datagrams"},
		{&e.dropped, "dropped"},
		{&e.duplicated, "duplicated"},
		{&e.reordered, "reordered"},
		{&e.flipped, "flipped"},
		{&e.altered, "delivered altered"},
	} {
		if n := c.n.Load(); n > 0 {
			out = append(out, fmt.Sprintf("%d %s", n, c.what))
		}
	}
	return strings.Join(out, ", ")
}

// pass sends what arrives at the other end now that a datagram was sent.
func (l *link) pass(datagram []byte, send func([]byte)) {
	l.datagrams.Add(1)
	for _, d := range l.arriving(datagram) {
		if l.happens(l.reorder, &l.reordered) {
			l.held = append(l.held, delayed{bytes.Clone(d), 1 + l.rng.IntN(maxDelay)})
		} else {
			send(d)
		}
	}
	l.release(send)
}

func (l *link) happens(probability float64, count *atomic.Int64) bool {
	yes := l.rng.Float64() < probability
	if yes {
		count.Add(1)
	}
	return yes
}

// arriving returns the datagram as often as it arrives.
func (l *link) arriving(datagram []byte) [][]byte {
	if l.happens(l.drop, &l.dropped) {
		return nil
	}
	if l.happens(l.flip, &l.flipped) {
		flipped := flipBits(datagram, l.rng)
		if !l.deliver && !passesChecksums(datagram, flipped) {
			return nil
		}
		l.altered.Add(1)
		datagram = flipped
	}
	if l.happens(l.duplicate, &l.duplicated) {
		return [][]byte{datagram, datagram}
	}
	return [][]byte{datagram}
}

// release sends the datagrams that were overtaken often enough.
func (l *link) release(send func([]byte)) {
	kept := l.held[:0]
	for _, h := range l.held {
		if h.after--; h.after < 0 {
			send(h.datagram)
		} else {
			kept = append(kept, h)
		}
	}
	l.held = kept
}

// flipBits inverts one random bit, and with a chance of a half each time another.
// What it returns differs: an even number of flips of one bit would be none.
func flipBits(datagram []byte, rng *rand.Rand) []byte {
	out := bytes.Clone(datagram)
	for more := len(out) > 0; more; more = rng.IntN(2) == 0 || bytes.Equal(out, datagram) {
		bit := rng.IntN(8 * len(out))
		out[bit/8] ^= 1 << (bit % 8)
	}
	return out
}

// passesChecksums tells whether a receiver takes a damaged datagram for whole. The
// network card drops frames whose check sequence (CRC-32, IEEE 802.3) is wrong, the
// kernel datagrams whose checksum (RFC 768) is. A proxy that forwards the payload
// gives both anew, so it has to drop what they would have caught.
func passesChecksums(sent, received []byte) bool {
	return crc32.ChecksumIEEE(sent) == crc32.ChecksumIEEE(received) && onesSum(sent) == onesSum(received)
}

// onesSum is the ones' complement sum of 16-bit words; what the header adds to it
// is the same on both ends.
func onesSum(data []byte) uint16 {
	var sum uint32
	for len(data) > 1 {
		sum += uint32(binary.BigEndian.Uint16(data))
		data = data[2:]
	}
	if len(data) == 1 {
		sum += uint32(data[0]) << 8
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return uint16(sum)
}

func TestLink(t *testing.T) {
	const datagrams = 20000
	l := &link{impairment: impairment{drop: 0.1, duplicate: 0.1, reorder: 0.1, flip: 0.1}, rng: random(t.Name()), events: &events{}}
	var newest, late, arrived uint32
	for i := range uint32(datagrams) {
		l.pass(binary.BigEndian.AppendUint32(make([]byte, 100), i), func(d []byte) {
			arrived++
			n := binary.BigEndian.Uint32(d[100:])
			if n+maxDelay+1 < newest {
				t.Fatalf("datagram %d arrived after %d", n, newest)
			}
			if n < newest {
				late++
			}
			newest = max(newest, n)
		})
	}
	t.Logf("seed %d: %v; %d arrived, %d of them late", *seedFlag, l.events, arrived, late)
	for name, n := range map[string]int64{
		"dropped": l.dropped.Load(), "duplicated": l.duplicated.Load(), "reordered": l.reordered.Load(),
		"flipped": l.flipped.Load(), "late": int64(late), "delivered": datagrams - int64(arrived)/2,
	} {
		if n < datagrams/20 {
			t.Errorf("%s: %d of %d", name, n, datagrams)
		}
	}
	if n := l.altered.Load(); n != 0 {
		t.Errorf("%d datagrams arrived altered", n)
	}
}

// The sum of RFC 1071's example, and an alteration that only the CRC notices.
func TestChecksums(t *testing.T) {
	if got := onesSum([]byte{0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7}); got != 0xddf2 {
		t.Errorf("sum %#x", got)
	}
	sent, swapped := []byte{1, 2, 3, 4}, []byte{3, 4, 1, 2}
	if onesSum(sent) != onesSum(swapped) || passesChecksums(sent, swapped) {
		t.Error("swapped words must pass the sum and fail the CRC")
	}
	if !passesChecksums(sent, bytes.Clone(sent)) {
		t.Error("an unaltered datagram must pass")
	}
}
