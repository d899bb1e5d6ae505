package rtsp

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v4/pkg/format"
	"github.com/bluenviron/gortsplib/v4/pkg/format/rtph264"
	"github.com/bluenviron/gortsplib/v4/pkg/format/rtph265"
	"github.com/pion/rtp"

	"faird/camera/fault"
	"faird/verdict"
)

const maxUnit = 1 << 20

var (
	h264Track = track{&format.H264{PayloadTyp: 96, PacketizationMode: 1}, "h264"}
	h265Track = track{&format.H265{PayloadTyp: 96}, "hevc"}
)

// slice is a NAL unit of a length with the beginning of a slice: the header, and
// whether it is the first of its picture.
func slice(t track, n, size int, first bool) []byte {
	header := []byte{0x61} // non-IDR slice
	if t.codec == "hevc" {
		header = []byte{1 << 1, 1} // TRAIL_R
	}
	mark := byte(0x40)
	if first {
		mark = 0x80
	}
	return append(append(header, mark), bytes.Repeat([]byte{byte(n)}, size)...)
}

// packets are those of pictures, several for each, numbered on from first.
func packets(t *testing.T, tr track, pictures int, first uint16) (all [][]*rtp.Packet, data [][]byte) {
	t.Helper()
	var encode func([][]byte) ([]*rtp.Packet, error)
	if tr.codec == "hevc" {
		e := &rtph265.Encoder{PayloadType: 96, PayloadMaxSize: 100, InitialSequenceNumber: &first}
		if err := e.Init(); err != nil {
			t.Fatal(err)
		}
		encode = e.Encode
	} else {
		e := &rtph264.Encoder{PayloadType: 96, PayloadMaxSize: 100, PacketizationMode: 1, InitialSequenceNumber: &first}
		if err := e.Init(); err != nil {
			t.Fatal(err)
		}
		encode = e.Encode
	}
	for n := range pictures {
		units := [][]byte{slice(tr, n, 350, true), slice(tr, n+100, 40, false), slice(tr, n+50, 120, false)} // fragmented, single, fragmented
		list, err := encode(units)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range list {
			p.Timestamp = uint32(n) * 3600
		}
		all, data = append(all, list), append(data, annexB(units))
	}
	return all, data
}

// receive pushes packets and returns what came of them.
func receive(tr track, list []*rtp.Packet) []Unit {
	q := newQueue(maxUnit)
	a := newAssembler(tr, q, maxUnit)
	var units []Unit
	for i, p := range list {
		c := *p
		a.push(&c, time.Unix(1000, 0).Add(time.Duration(i)*time.Millisecond))
		for {
			u, ok, _ := q.take()
			if !ok {
				break
			}
			units = append(units, u)
		}
	}
	return units
}

func flat(groups [][]*rtp.Packet) (list []*rtp.Packet) {
	for _, g := range groups {
		list = append(list, g...)
	}
	return list
}

func TestWholeStreamComesThrough(t *testing.T) {
	for _, tr := range []track{h264Track, h265Track} {
		t.Run(tr.codec, func(t *testing.T) {
			groups, want := packets(t, tr, 5, 65530) // the numbers wrap
			units := receive(tr, flat(groups))
			if len(units) != 5 {
				t.Fatalf("%d units of 5", len(units))
			}
			for i, u := range units {
				if u.Err != nil || u.Gap || !bytes.Equal(u.Data, want[i]) {
					t.Errorf("unit %d: %v, gap %v, %d bytes of %d", i, u.Err, u.Gap, len(u.Data), len(want[i]))
				}
			}
		})
	}
}

// Whichever packets are lost: what is delivered is one of the pictures sent, each
// once and in order, and the first one after a loss says so.
func TestNoPictureWithALostPacketIsDelivered(t *testing.T) {
	for _, tr := range []track{h264Track, h265Track} {
		t.Run(tr.codec, func(t *testing.T) {
			groups, want := packets(t, tr, 40, 65000)
			all := flat(groups)
			random := rand.New(rand.NewPCG(1, 2))
			for round := range 300 {
				var kept []*rtp.Packet
				lost := map[int]bool{} // pictures
				share := random.Float64() * 0.2
				for _, p := range all {
					if random.Float64() < share {
						lost[int(p.Timestamp/3600)] = true
					} else {
						kept = append(kept, p)
					}
				}
				checkUnits(t, round, receive(tr, kept), want, lost)
			}
		})
	}
}

func checkUnits(t *testing.T, round int, units []Unit, want [][]byte, lost map[int]bool) {
	t.Helper()
	last, delivered := -1, 0
	for _, u := range units {
		if u.Err != nil {
			if fault.Of(u.Err) != verdict.Incomplete || u.Data != nil {
				t.Errorf("round %d: %v with %d bytes", round, u.Err, len(u.Data))
			}
			continue
		}
		n := last + 1
		for n < len(want) && !bytes.Equal(u.Data, want[n]) {
			n++
		}
		if n == len(want) {
			t.Fatalf("round %d: a picture that was not sent, or again, of %d bytes", round, len(u.Data))
		}
		if lost[n] {
			t.Errorf("round %d: picture %d was delivered, and a packet of it was lost", round, n)
		}
		if n > last+1 && last >= 0 && !u.Gap {
			t.Errorf("round %d: pictures between %d and %d are missing, and nobody is told", round, last, n)
		}
		last, delivered = n, delivered+1
	}
	if len(lost) < 5 && delivered == 0 {
		t.Errorf("round %d: nothing was delivered, and %d of %d pictures lost packets", round, len(lost), len(want))
	}
}

func TestPictureBeyondTheLimit(t *testing.T) {
	groups, _ := packets(t, h264Track, 3, 1)
	q := newQueue(200)
	a := newAssembler(h264Track, q, 200)
	a.push(groups[0][0], time.Now())
	for _, p := range groups[0][1:] {
		a.push(p, time.Now())
	}
	u, ok, _ := q.take()
	if !ok || fault.Of(u.Err) != verdict.TooLarge {
		t.Fatalf("%+v", u)
	}
	if _, more, _ := q.take(); more {
		t.Error("one picture has two faults")
	}
}

func TestJoiningInTheMiddleOfAPicture(t *testing.T) {
	groups, want := packets(t, h264Track, 3, 1)
	units := receive(h264Track, flat(groups)[2:]) // begins with a fragment
	if n := len(units); n == 0 || !bytes.Equal(units[n-1].Data, want[2]) {
		t.Errorf("%d units", n)
	}
}

func TestQueueIsBounded(t *testing.T) {
	q := newQueue(1000)
	for n := range 500 {
		q.put(Unit{Data: make([]byte, 100), Time: time.Unix(int64(n), 0)}, false)
		if len(q.units) > maxQueued || q.bytes > q.maxBytes {
			t.Fatalf("%d units, %d bytes", len(q.units), q.bytes)
		}
	}
	gaps := 0
	for {
		u, ok, _ := q.take()
		if !ok {
			break
		}
		if u.Gap {
			gaps++
		}
		if u.Err != nil && !errors.Is(u.Err, ErrSlow) {
			t.Error(u.Err)
		}
	}
	if gaps == 0 || q.bytes != 0 {
		t.Errorf("%d gaps told, %d bytes left", gaps, q.bytes)
	}
}

func TestNewestIndependentPictureStays(t *testing.T) {
	q := newQueue(1000)
	for n := range 10 {
		q.put(Unit{Data: []byte{byte(n)}}, true)
	}
	q.put(Unit{Err: fault.Incomplete("lost")}, true)
	q.put(Unit{Data: []byte{10}}, true)
	q.end(io.EOF)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for _, want := range []struct {
		data    byte
		skipped int
		fault   bool
	}{{9, 9, false}, {0, 0, true}, {10, 0, false}} {
		u, err := q.next(ctx)
		if err != nil || (u.Err != nil) != want.fault || u.Skipped != want.skipped || (!want.fault && u.Data[0] != want.data) {
			t.Errorf("%+v, %v, want %+v", u, err, want)
		}
	}
	if _, err := q.next(ctx); !errors.Is(err, io.EOF) {
		t.Error(err)
	}
}

// Some cameras never set the marker bit. A picture ends where the next timestamp
// begins, and has the time at which its own last packet arrived.
func TestPicturesWithoutMarkers(t *testing.T) {
	for _, tr := range []track{h264Track, h265Track} {
		t.Run(tr.codec, func(t *testing.T) {
			const pictures = 5
			groups, want := packets(t, tr, pictures, 1)
			q := newQueue(maxUnit)
			a := newAssembler(tr, q, maxUnit)
			start := time.Unix(1000, 0)
			for n, group := range groups {
				for i, p := range group {
					p.Marker = false
					p.Timestamp = uint32(n) * 90000 // one a second
					a.push(p, start.Add(time.Duration(n)*time.Second+time.Duration(i)*time.Millisecond))
				}
			}
			for n := range pictures - 1 { // the last one may go on
				u, ok, _ := q.take()
				if !ok || u.Err != nil || !bytes.Equal(u.Data, want[n]) {
					t.Fatalf("picture %d: %v, %v, %d bytes of %d", n, ok, u.Err, len(u.Data), len(want[n]))
				}
				if late := u.Time.Sub(start.Add(time.Duration(n) * time.Second)); late < 0 || late > 20*time.Millisecond {
					t.Errorf("picture %d is dated %v after its first packet", n, late)
				}
			}
		})
	}
}

// Of a camera whose timestamps stand still, the markers alone tell pictures apart: a
// lost packet costs its picture and not all that follow.
func TestTimestampsThatStandStill(t *testing.T) {
	for _, tr := range []track{h264Track, h265Track} {
		t.Run(tr.codec, func(t *testing.T) {
			groups, want := packets(t, tr, 6, 1)
			all := flat(groups)
			for _, p := range all {
				p.Timestamp = 7
			}
			lost := len(groups[0]) + len(groups[1]) + 1 // the second packet of the third picture
			units := receive(tr, append(all[:lost:lost], all[lost+1:]...))
			var whole [][]byte
			for _, u := range units {
				if u.Err == nil {
					whole = append(whole, u.Data)
				}
			}
			if len(whole) != 5 || !bytes.Equal(whole[1], want[1]) || !bytes.Equal(whole[2], want[3]) || !bytes.Equal(whole[4], want[5]) {
				t.Errorf("%d pictures of %d units came through", len(whole), len(units))
			}
		})
	}
}
