package main

import (
	"net"
	"sync"
	"testing"
)

// proxy stands between faird and its broker, and does what networks do.
type proxy struct {
	listener net.Listener
	to       string
	pumps    sync.WaitGroup

	mu    sync.Mutex
	flow  *sync.Cond // of mu: the ways opened, or a connection ended
	stuck [2]bool    // nothing goes on: up to the broker, down to faird
	pipes map[*pipe]bool
	over  bool
}

const (
	up   = 0
	down = 1
)

// pipe is one connection through the proxy.
type pipe struct {
	ends [2]net.Conn // faird's, the broker's
	cut  bool
}

func newProxy(t *testing.T, to string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: l, to: to, pipes: map[*pipe]bool{}}
	p.flow = sync.NewCond(&p.mu)
	p.pumps.Go(p.accept)
	t.Cleanup(p.close)
	return p
}

func (p *proxy) url() string { return "tcp://" + p.listener.Addr().String() }

func (p *proxy) accept() {
	for {
		c, err := p.listener.Accept()
		if err != nil {
			return
		}
		b, err := net.Dial("tcp", p.to)
		if err != nil {
			c.Close()
			continue
		}
		q := &pipe{ends: [2]net.Conn{c, b}}
		p.mu.Lock()
		p.pipes[q] = true
		if p.over {
			p.end(q, false)
		}
		p.mu.Unlock()
		p.pumps.Go(func() { p.pump(q, up) })
		p.pumps.Go(func() { p.pump(q, down) })
	}
}

// pump carries one way until either end closes. What it holds when the
// connection is cut is lost, as in a network.
func (p *proxy) pump(q *pipe, way int) {
	from, to := q.ends[way], q.ends[1-way]
	buf := make([]byte, 16<<10)
	for {
		n, err := from.Read(buf)
		p.mu.Lock()
		for p.stuck[way] && !q.cut {
			p.flow.Wait()
		}
		lost := q.cut
		p.mu.Unlock()
		if n > 0 && !lost {
			_, werr := to.Write(buf[:n])
			lost = werr != nil
		}
		if err != nil || lost {
			p.mu.Lock()
			p.end(q, false)
			p.mu.Unlock()
			return
		}
	}
}

// end closes a pipe, with mu held. A hard end is a reset, the other an orderly close.
func (p *proxy) end(q *pipe, hard bool) {
	if q.cut {
		return
	}
	q.cut = true
	delete(p.pipes, q)
	for _, c := range q.ends {
		if hard {
			_ = c.(*net.TCPConn).SetLinger(0)
		}
		_ = c.Close()
	}
	p.flow.Broadcast()
}

// cut ends every connection.
func (p *proxy) cut(hard bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for q := range p.pipes {
		p.end(q, hard)
	}
}

// stall has the connections, those to come too, stay open and carry nothing one
// way or both.
func (p *proxy) stall(upwards, downwards bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stuck = [2]bool{upwards, downwards}
	p.flow.Broadcast()
}

func (p *proxy) close() {
	_ = p.listener.Close()
	p.stall(false, false)
	p.mu.Lock()
	p.over = true
	p.mu.Unlock()
	p.cut(true)
	p.pumps.Wait()
}
