package listener

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// maxConnect bounds a CONNECT packet: nobody knows yet who sends it.
	maxConnect = 32 << 10
	readBuffer = 4 << 10
	// lingerFor is what a closed connection has left to send its last words.
	lingerFor = time.Second
)

var (
	errNoConnect   = errors.New("the first packet is no CONNECT")
	errLongConnect = fmt.Errorf("a CONNECT of more than %d bytes", maxConnect)
	errLongPacket  = errors.New("a packet beyond the limit")
	errOverflow    = errors.New("the client reads too slowly")
)

// Conn is a connection as the library sees it. Writing never waits: what the
// client has not read is kept, up to a limit, and beyond it the connection is
// cut. For the library holds a client's lock while it writes, and whoever
// publishes to that client waits for the lock.
type Conn struct {
	net.Conn
	listener *Listener
	since    time.Time
	inside   bool          // from Dial
	known    atomic.Bool   // has said who it is
	in       *bufio.Reader // of what the client sends; the library reads it packet by packet
	frames   framing

	mu      sync.Mutex
	more    sync.Cond // there is something to write, or something was written, or nothing will be any more
	queue   []byte
	size    int64 // of queue and of what is being written
	coming  int64 // of the packet that the client has announced and not sent in full
	owed    int64 // bytes that the session has kept and that are not yet written
	free    int64 // bytes that may wait beside the limit: those owed, and those of them that wait
	closing bool
	dead    bool
}

func newConn(raw net.Conn, l *Listener) *Conn {
	c := &Conn{Conn: raw, listener: l, since: time.Now(), in: bufio.NewReaderSize(raw, readBuffer)}
	c.more.L = &c.mu
	return c
}

// Inside reports whether a connection comes from the daemon itself, by Dial.
func Inside(c net.Conn) bool {
	conn, is := c.(*Conn)
	return is && conn.inside
}

// Known says that a connection's client has been let in.
func (c *Conn) Known() { c.known.Store(true) }

// Owed allows for so many bytes beside the limit, which the client's session has
// kept for it: they are sent all at once. It is to be called before they are.
func (c *Conn) Owed(bytes int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.owed, c.free = bytes, bytes
}

func (c *Conn) who() string { return c.RemoteAddr().String() }

// host is the address that the connection comes from.
func (c *Conn) host() string {
	host, _, err := net.SplitHostPort(c.who())
	if err != nil {
		return c.who()
	}
	return host
}

// inTime begins the time for the CONNECT.
func (c *Conn) inTime() {
	if !c.inside {
		_ = c.Conn.SetReadDeadline(c.since.Add(c.listener.limits.ConnectTimeout))
	}
}

// late reports whether the client has not said who it is in time.
func (c *Conn) late() bool {
	return !c.known.Load() && time.Since(c.since) >= c.listener.limits.ConnectTimeout
}

// Read implements net.Conn. It looks at the packets' heads: for each the library
// allocates what is announced.
func (c *Conn) Read(b []byte) (int, error) {
	if !c.mayAsk() {
		return 0, net.ErrClosed
	}
	n, err := c.in.Read(b)
	if c.inside || n == 0 {
		return n, err
	}
	if bad := c.frames.look(b[:n], c.listener.limits.Packet); bad != nil {
		if errors.Is(bad, errLongPacket) {
			c.listener.reached("packet", c.who())
		}
		return 0, bad
	}
	c.announce(int64(c.frames.length))
	return n, err
}

// mayAsk waits until the client has read a good part of what it has asked for:
// a few bytes of it make the library send all that is retained. False: the
// connection is closed.
func (c *Conn) mayAsk() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.size > c.listener.limits.Unread/2+c.free && !c.closing {
		c.more.Wait()
	}
	return !c.closing
}

// announce notes how much the client has announced.
func (c *Conn) announce(length int64) {
	c.mu.Lock()
	more := length - c.coming
	if c.dead {
		more = 0
	}
	c.coming += more
	c.mu.Unlock()
	c.hold(more)
}

// Write implements net.Conn.
func (c *Conn) Write(b []byte) (int, error) {
	c.mu.Lock()
	switch {
	case c.closing || c.dead:
		c.mu.Unlock()
		return 0, net.ErrClosed
	case c.size+int64(len(b)) > c.listener.limits.Unread+c.free:
		c.mu.Unlock()
		c.cut()
		c.listener.reached("unread", c.who())
		return 0, errOverflow
	}
	c.queue = append(c.queue, b...)
	c.size += int64(len(b))
	c.owed = max(0, c.owed-int64(len(b)))
	c.more.Broadcast()
	c.mu.Unlock()
	c.hold(int64(len(b)))
	return len(b), nil
}

// write sends what there is until the connection is closed.
func (c *Conn) write() {
	defer c.end()
	for {
		b, last := c.take()
		if len(b) == 0 {
			return
		}
		_, err := c.Conn.Write(b)
		c.sent(int64(len(b)))
		if err != nil || last {
			return
		}
	}
}

// take waits for something to write; last says that nothing more will be, and an
// empty slice that there is nothing.
func (c *Conn) take() (b []byte, last bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.queue) == 0 && !c.closing && !c.dead {
		c.more.Wait()
	}
	if c.dead {
		return nil, true
	}
	b, c.queue = c.queue, nil
	return b, c.closing
}

func (c *Conn) sent(n int64) {
	c.mu.Lock()
	if c.dead {
		n = 0 // no longer counted
	}
	c.size -= n
	c.free = min(c.free, c.size+c.owed)
	c.more.Broadcast()
	c.mu.Unlock()
	c.hold(-n)
}

// end leaves nothing of the connection.
func (c *Conn) end() {
	c.die()
	_ = c.Conn.Close()
	c.listener.gone(c)
}

// die takes back all that the connection holds.
func (c *Conn) die() {
	c.mu.Lock()
	held := c.size + c.coming
	c.dead, c.closing = true, true
	c.queue, c.size, c.coming = nil, 0, 0
	c.more.Broadcast()
	c.mu.Unlock()
	c.hold(-held)
}

func (c *Conn) hold(bytes int64) {
	if bytes != 0 && !c.inside {
		c.listener.hold(bytes)
	}
}

func (c *Conn) unread() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.size
}

func (c *Conn) waiting() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.size + c.coming
}

// Close implements net.Conn. What was written is still sent, for a moment.
func (c *Conn) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closing {
		c.closing = true
		_ = c.Conn.SetReadDeadline(time.Now())
		_ = c.Conn.SetWriteDeadline(time.Now().Add(lingerFor))
		c.more.Broadcast()
	}
	return nil
}

// cut ends the connection without a word.
func (c *Conn) cut() {
	c.die()
	if t, is := c.Conn.(interface{ NetConn() net.Conn }); is {
		_ = t.NetConn().Close() // TLS would wait to say goodbye
	}
	_ = c.Conn.Close()
}

// SetDeadline implements net.Conn. Writing has a deadline only once the
// connection closes.
func (c *Conn) SetDeadline(t time.Time) error { return c.SetReadDeadline(t) }

// SetReadDeadline implements net.Conn.
func (c *Conn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing {
		return os.ErrDeadlineExceeded
	}
	return c.Conn.SetReadDeadline(t)
}

// SetWriteDeadline implements net.Conn; see SetDeadline.
func (c *Conn) SetWriteDeadline(time.Time) error { return nil }
