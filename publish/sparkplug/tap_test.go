package sparkplug

import (
	"io"
	"net"
	"sync"
	"testing"

	"github.com/eclipse/paho.mqtt.golang/packets"
)

// tap is a wire to the broker that notes what the node sends, packet by packet.
type tap struct {
	to string
	l  net.Listener

	mu    sync.Mutex
	sent  []packets.ControlPacket
	conns []net.Conn
	hold  chan struct{} // nil, or closed when what was stalled may go on
	wg    sync.WaitGroup
}

func newTap(t testing.TB, broker string) *tap {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &tap{to: broker, l: l}
	p.wg.Go(p.accept)
	t.Cleanup(func() {
		_ = l.Close()
		p.stall(false)
		p.cut()
		p.wg.Wait()
	})
	return p
}

func (p *tap) url() string { return "tcp://" + p.l.Addr().String() }

func (p *tap) accept() {
	for {
		c, err := p.l.Accept()
		if err != nil {
			return
		}
		b, err := net.Dial("tcp", p.to)
		if err != nil {
			_ = c.Close()
			continue
		}
		p.mu.Lock()
		p.conns = append(p.conns, c, b)
		p.mu.Unlock()
		p.wg.Go(func() { _, _ = io.Copy(c, b); _ = c.Close() })
		p.wg.Go(func() { p.listen(c, b) })
	}
}

// listen passes packets on, and notes them first.
func (p *tap) listen(from, to net.Conn) {
	defer func() { _ = to.Close() }()
	for {
		packet, err := packets.ReadPacket(from)
		if err != nil {
			return
		}
		p.mu.Lock()
		p.sent = append(p.sent, packet)
		hold := p.hold
		p.mu.Unlock()
		if hold != nil {
			<-hold
		}
		if err := packet.Write(to); err != nil {
			return
		}
	}
}

// cut ends every connection without a word.
func (p *tap) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		_ = c.Close()
	}
	p.conns = nil
}

// stall keeps what is sent from reaching the broker.
func (p *tap) stall(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case on:
		p.hold = make(chan struct{})
	case p.hold != nil:
		close(p.hold)
		p.hold = nil
	}
}

// packets are those of one kind, as they were sent.
func packetsOf[T packets.ControlPacket](p *tap) []T {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []T
	for _, packet := range p.sent {
		if one, ok := packet.(T); ok {
			out = append(out, one)
		}
	}
	return out
}

// all is every packet so far.
func (p *tap) all() []packets.ControlPacket {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]packets.ControlPacket(nil), p.sent...)
}
