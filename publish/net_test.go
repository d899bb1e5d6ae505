package publish

import (
	"bytes"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"
)

// proxy stands between the box and a broker and behaves like a bad network.
type proxy struct {
	listener net.Listener
	to       string
	mu       sync.Mutex
	conns    []net.Conn
	refusing bool
	stalled  chan struct{} // not nil: nothing passes until it is closed
	accepted int
	owned    sync.WaitGroup
}

func newProxy(t testing.TB, to string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: l, to: to}
	p.owned.Go(p.accept)
	t.Cleanup(func() {
		l.Close()
		p.stall(false)
		p.cut()
		p.owned.Wait()
	})
	return p
}

func (p *proxy) url() string { return "tcp://" + p.listener.Addr().String() }

func (p *proxy) accept() {
	for {
		c, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.mu.Lock()
		p.accepted++
		refusing := p.refusing
		p.mu.Unlock()
		up, err := net.Dial("tcp", p.to)
		if err != nil || refusing {
			c.Close()
			if err == nil {
				up.Close()
			}
			continue
		}
		p.mu.Lock()
		p.conns = append(p.conns, c, up)
		p.mu.Unlock()
		p.owned.Go(func() { p.pump(c, up) })
		p.owned.Go(func() { p.pump(up, c) })
	}
}

func (p *proxy) pump(from, to net.Conn) {
	defer from.Close()
	defer to.Close()
	b := make([]byte, 4096)
	for {
		n, err := from.Read(b)
		p.mu.Lock()
		stalled := p.stalled
		p.mu.Unlock()
		if stalled != nil {
			<-stalled
		}
		if n > 0 {
			if _, err := to.Write(b[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// cut closes every connection.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		c.Close()
	}
	p.conns = nil
}

func (p *proxy) refuse(on bool) {
	p.mu.Lock()
	p.refusing = on
	p.mu.Unlock()
	if on {
		p.cut()
	}
}

// stall leaves connections open and lets nothing through.
func (p *proxy) stall(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if on && p.stalled == nil {
		p.stalled = make(chan struct{})
	} else if !on && p.stalled != nil {
		close(p.stalled)
		p.stalled = nil
	}
}

// lazyBroker accepts everything and acknowledges no message until it is told to.
type lazyBroker struct {
	listener net.Listener
	mu       sync.Mutex
	acks     bool
	grant    byte // to subscriptions
	conns    []net.Conn
	accepted int
	got      []string // topics
	owned    sync.WaitGroup
}

func newLazyBroker(t testing.TB) *lazyBroker {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &lazyBroker{listener: l}
	b.owned.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			b.mu.Lock()
			b.accepted++
			b.conns = append(b.conns, c)
			b.mu.Unlock()
			b.owned.Go(func() { b.talk(c) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		b.mu.Lock()
		for _, c := range b.conns {
			c.Close()
		}
		b.mu.Unlock()
		b.owned.Wait()
	})
	return b
}

func (b *lazyBroker) url() string { return "tcp://" + b.listener.Addr().String() }

func (b *lazyBroker) talk(c net.Conn) {
	defer c.Close()
	for {
		p, err := packets.ReadPacket(c)
		if err != nil {
			return
		}
		if answer := b.answer(p); answer != nil && answer.Write(c) != nil {
			return
		}
	}
}

func (b *lazyBroker) answer(p packets.ControlPacket) packets.ControlPacket {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch p := p.(type) {
	case *packets.ConnectPacket:
		return packets.NewControlPacket(packets.Connack)
	case *packets.SubscribePacket:
		a := packets.NewControlPacket(packets.Suback).(*packets.SubackPacket)
		a.MessageID, a.ReturnCodes = p.MessageID, bytes.Repeat([]byte{b.grant}, len(p.Topics))
		return a
	case *packets.PublishPacket:
		b.got = append(b.got, p.TopicName)
		if !b.acks {
			return nil
		}
		a := packets.NewControlPacket(packets.Puback).(*packets.PubackPacket)
		a.MessageID = p.MessageID
		return a
	case *packets.PingreqPacket:
		return packets.NewControlPacket(packets.Pingresp)
	}
	return nil
}

func (b *lazyBroker) times() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.accepted
}

func (b *lazyBroker) acknowledge() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.acks = true
}

// silentServer accepts connections and never says anything.
func silentServer(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var owned sync.WaitGroup
	owned.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			owned.Go(func() {
				c.SetDeadline(time.Now().Add(2 * patience)) //nolint:errcheck // a test's connection
				io.Copy(io.Discard, c)                      //nolint:errcheck // until the other side goes
				c.Close()
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		owned.Wait()
	})
	return "tcp://" + l.Addr().String()
}
