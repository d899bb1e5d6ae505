// Package listener accepts the connections of the built-in broker. It survives
// every error of accepting, bounds how many connections there are, how long each
// may take to say who it is, and how much may wait for one that does not read. It
// knows nothing of users and topics.
package listener

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mochi-mqtt/server/v2/listeners"
	"github.com/rs/zerolog"
)

// Limits bound what connections may take.
type Limits struct {
	Sockets        int           // connections at once
	ConnectTimeout time.Duration // from being accepted to a whole CONNECT, TLS included
	Packet         int           // bytes that a client may announce at once
	Unread         int64         // bytes that wait for one connection
	Held           int64         // bytes that all of them hold, unread or not yet sent in full
}

// Reached is told of a limit that has been reached, by its key in the config,
// and by whom.
type Reached func(limit, who string)

// Pauses between attempts to accept, after an error.
const (
	pauseMin = 5 * time.Millisecond
	pauseMax = time.Second
)

// Listener implements the library's listeners.Listener.
type Listener struct {
	open    func() (net.Listener, error)
	limits  Limits
	tls     func() *tls.Config // nil: none
	reached Reached
	left    func(net.Conn)
	log     zerolog.Logger

	held     atomic.Int64 // bytes that all connections hold
	failures atomic.Uint64
	serving  chan struct{} // closed by Serve
	ended    chan struct{} // closed by Close
	owned    sync.WaitGroup

	mu        sync.Mutex
	inner     net.Listener
	establish listeners.EstablishFn
	conns     map[*Conn]struct{}
	sockets   int // conns but those of Dial
	over      bool
}

// Options are what a Listener is made of.
type Options struct {
	Open    func() (net.Listener, error) // called again where the listener is lost
	Limits  Limits
	TLS     func() *tls.Config // nil: no TLS
	Reached Reached
	Left    func(net.Conn) // a connection is over, and the library is done with it
	Log     zerolog.Logger
}

// New opens the listener; connections wait until Serve.
func New(o Options) (*Listener, error) {
	inner, err := o.Open()
	if err != nil {
		return nil, err
	}
	return &Listener{
		open: o.Open, limits: o.Limits, tls: o.TLS, reached: o.Reached, left: o.Left, log: o.Log,
		inner: inner, serving: make(chan struct{}), ended: make(chan struct{}), conns: map[*Conn]struct{}{},
	}, nil
}

// Init implements listeners.Listener.
func (l *Listener) Init(*slog.Logger) error { return nil }

// ID implements listeners.Listener.
func (l *Listener) ID() string { return "tcp" }

// Protocol implements listeners.Listener.
func (l *Listener) Protocol() string { return "tcp" }

// Address implements listeners.Listener.
func (l *Listener) Address() string { return l.Addr().String() }

// Addr is where it listens.
func (l *Listener) Addr() net.Addr {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.inner.Addr()
}

// Sockets is how many connections there are.
func (l *Listener) Sockets() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.sockets
}

// MostUnread is how many bytes wait for the client for which most do.
func (l *Listener) MostUnread() (most int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.conns {
		most = max(most, c.unread())
	}
	return most
}

// Held is how many bytes connections hold: what clients have not read, and the
// packets that they have begun to send.
func (l *Listener) Held() int64 { return l.held.Load() }

// Failures is how often a connection could not be accepted.
func (l *Listener) Failures() uint64 { return l.failures.Load() }

// Serve implements listeners.Listener: it accepts until Close.
func (l *Listener) Serve(establish listeners.EstablishFn) {
	l.mu.Lock()
	l.establish = establish
	l.mu.Unlock()
	close(l.serving)
	failing := trouble{log: l.log}
	for {
		conn, err := l.accept()
		switch {
		case err == nil:
			failing.over()
			l.admit(conn)
		case l.closed():
			return
		default:
			l.failures.Add(1)
			if !l.rest(failing.begun(err)) {
				return
			}
		}
	}
}

// accept waits for one connection. A listener that is closed under it is opened
// again.
func (l *Listener) accept() (net.Conn, error) {
	l.mu.Lock()
	inner := l.inner
	l.mu.Unlock()
	conn, err := inner.Accept()
	if !errors.Is(err, net.ErrClosed) || l.closed() {
		return conn, err
	}
	again, failed := l.open()
	if failed != nil {
		return nil, failed
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over {
		again.Close()
		return nil, err
	}
	l.inner = again
	return nil, err
}

// rest returns false where the listener was closed meanwhile.
func (l *Listener) rest(pause time.Duration) bool {
	t := time.NewTimer(pause)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-l.ended:
		return false
	}
}

// trouble says once that accepting fails, and once that it works again.
type trouble struct {
	log   zerolog.Logger
	since time.Time
	times int
	pause time.Duration
}

func (t *trouble) begun(err error) (pause time.Duration) {
	if t.times++; t.times == 1 {
		t.since, t.pause = time.Now(), pauseMin
		t.log.Error().Err(err).Msg("built-in broker: connections cannot be accepted, trying on: are there too many open files? See LimitNOFILE")
		return t.pause
	}
	t.pause = min(2*t.pause, pauseMax)
	return t.pause
}

func (t *trouble) over() {
	if t.times > 0 {
		t.log.Info().Dur("after", time.Since(t.since)).Int("failures", t.times).Msg("built-in broker: connections are accepted again")
	}
	*t = trouble{log: t.log}
}

// admit gives a connection its place. Where there is none the oldest that has
// not said who it is loses its own; where all have, the new one is turned away.
func (l *Listener) admit(raw net.Conn) {
	if l.tls != nil {
		raw = tls.Server(raw, l.tls())
	}
	c := newConn(raw, l)
	l.mu.Lock()
	if l.over {
		l.mu.Unlock()
		raw.Close()
		return
	}
	var out *Conn
	full := l.sockets >= l.limits.Sockets
	if full {
		if out = l.oldestStranger(); out != nil {
			l.remove(out)
		}
	}
	if !full || out != nil {
		l.start(c)
	}
	l.mu.Unlock()
	switch {
	case out != nil:
		out.cut()
		l.reached("sockets", out.who())
	case full:
		raw.Close()
		l.reached("sockets", c.who())
	}
}

// oldestStranger is the one to go: of the address that has most of them. Mu is
// held.
func (l *Listener) oldestStranger() (oldest *Conn) {
	from := map[string]int{}
	for c := range l.conns {
		if !c.known.Load() {
			from[c.host()]++
		}
	}
	for c := range l.conns {
		if c.known.Load() {
			continue
		}
		if oldest == nil || from[c.host()] > from[oldest.host()] || c.host() == oldest.host() && c.since.Before(oldest.since) {
			oldest = c
		}
	}
	return oldest
}

// start has the library work a connection; mu is held.
func (l *Listener) start(c *Conn) {
	l.conns[c] = struct{}{}
	if !c.inside {
		l.sockets++
	}
	c.inTime()
	l.owned.Go(c.write)
	establish := l.establish
	l.owned.Go(func() {
		_ = establish(l.ID(), c) // its errors are the client's
		late := c.late()
		c.Close()
		l.left(c)
		if late {
			l.reached("connect_timeout", c.who())
		}
	})
}

// Dial is a connection from within the process: it takes no socket, and no
// stranger can have it.
func (l *Listener) Dial(ctx context.Context) (net.Conn, error) {
	select {
	case <-l.serving:
	case <-l.ended:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	here, there := net.Pipe()
	c := newConn(there, l)
	c.inside = true
	c.known.Store(true)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over {
		here.Close()
		there.Close()
		return nil, errors.New("the built-in broker does not run")
	}
	l.start(c)
	ours := newConn(here, l) // a pipe has no room: writing to it would wait for a broker that is busy
	ours.inside = true
	ours.known.Store(true)
	l.conns[ours] = struct{}{}
	l.owned.Go(ours.write)
	return ours, nil
}

// gone takes back a connection's place.
func (l *Listener) gone(c *Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.remove(c)
}

// remove is called with mu held.
func (l *Listener) remove(c *Conn) {
	if _, is := l.conns[c]; is && !c.inside {
		l.sockets--
	}
	delete(l.conns, c)
}

// hold counts bytes, less than none where they are gone. Where connections hold
// too much those that hold most are cut.
func (l *Listener) hold(bytes int64) {
	if l.held.Add(bytes) <= l.limits.Held || bytes < 0 {
		return
	}
	for l.held.Load() > l.limits.Held {
		var worst *Conn
		l.mu.Lock()
		for c := range l.conns {
			if !c.inside && (worst == nil || c.waiting() > worst.waiting()) {
				worst = c
			}
		}
		l.mu.Unlock()
		if worst == nil || worst.waiting() == 0 {
			return
		}
		worst.cut()
		l.reached("queued_bytes", worst.who())
	}
}

func (l *Listener) closed() bool {
	select {
	case <-l.ended:
		return true
	default:
		return false
	}
}

// Stop accepts nothing more; what there is goes on.
func (l *Listener) Stop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.over {
		l.over = true
		close(l.ended)
		l.inner.Close()
	}
}

// Close implements listeners.Listener. It returns when nothing of any connection
// is left.
func (l *Listener) Close(closeClients listeners.CloseFn) {
	l.Stop()
	closeClients(l.ID())
	l.mu.Lock()
	for c := range l.conns { // those that the library does not know yet, too
		_ = c.Close()
	}
	l.mu.Unlock()
	l.owned.Wait()
}
