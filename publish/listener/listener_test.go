package listener

import (
	"errors"
	"io"
	"net"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 20 * time.Second

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !is(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %s: %s", patience, what)
		}
	}
}

// failing is a listener whose Accept fails as it is told to.
type failing struct {
	net.Listener
	mu   sync.Mutex
	errs []error
}

func (f *failing) Accept() (net.Conn, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.errs) > 0 {
		err := f.errs[0]
		f.errs = f.errs[1:]
		return nil, err
	}
	return f.Listener.Accept()
}

// rig is a Listener whose connections are read to their end.
type rig struct {
	*Listener
	mu      sync.Mutex
	reached map[string]int
	conns   []*Conn
}

func (r *rig) times(limit string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.reached[limit]
}

func (r *rig) conn(i int) *Conn {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.conns[i]
}

// awaits so many connections since the start.
func (r *rig) awaits(t *testing.T, n int) {
	t.Helper()
	eventually(t, "connections", func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return len(r.conns) == n
	})
}

func newRig(t *testing.T, l Limits, open func() (net.Listener, error)) *rig {
	t.Helper()
	r := &rig{reached: map[string]int{}}
	if open == nil {
		open = func() (net.Listener, error) { return net.Listen("tcp", "127.0.0.1:0") }
	}
	var err error
	r.Listener, err = New(Options{
		Open: open, Limits: l, Left: func(net.Conn) {}, Log: zerolog.Nop(),
		Reached: func(limit, _ string) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.reached[limit]++
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		r.Serve(func(_ string, c net.Conn) error {
			r.mu.Lock()
			r.conns = append(r.conns, c.(*Conn))
			r.mu.Unlock()
			_, err := io.Copy(io.Discard, c)
			return err
		})
	}()
	t.Cleanup(func() {
		r.Close(func(string) {})
		<-served
	})
	return r
}

func generous() Limits {
	return Limits{Sockets: 10, ConnectTimeout: time.Minute, Packet: 1 << 20, Unread: 1 << 20, Held: 4 << 20}
}

func (r *rig) dial(t *testing.T) net.Conn {
	t.Helper()
	c, err := net.DialTimeout("tcp", r.Address(), patience)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// Whatever accepting fails with, it goes on; a listener that is closed under it
// is opened again.
func TestAcceptGoesOn(t *testing.T) {
	var mu sync.Mutex
	var inner net.Listener
	at, opened := "127.0.0.1:0", 0
	open := func() (net.Listener, error) {
		l, err := net.Listen("tcp", at)
		if err != nil {
			return nil, err
		}
		mu.Lock()
		defer mu.Unlock()
		opened++
		at, inner = l.Addr().String(), l
		return &failing{Listener: l, errs: []error{syscall.EMFILE, syscall.ENFILE, syscall.ECONNABORTED, syscall.ENOBUFS, errors.New("anything")}}, nil
	}
	r := newRig(t, generous(), open)
	r.dial(t)
	eventually(t, "accepted", func() bool { return r.Sockets() == 1 })
	if n := r.Failures(); n != 5 {
		t.Errorf("%d failures", n)
	}
	mu.Lock()
	inner.Close()
	mu.Unlock()
	eventually(t, "opened again", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return opened == 2
	})
	eventually(t, "accepted again", func() bool {
		c, err := net.Dial("tcp", r.Address())
		if err == nil {
			t.Cleanup(func() { c.Close() })
		}
		return err == nil && r.Sockets() >= 2
	})
}

func TestOldestStrangerMakesRoom(t *testing.T) {
	l := generous()
	l.Sockets = 2
	r := newRig(t, l, nil)
	first := r.dial(t)
	r.awaits(t, 1)
	second := r.dial(t)
	r.awaits(t, 2)
	r.conn(0).Known()
	r.dial(t)
	eventually(t, "the stranger is cut", func() bool { return r.times("sockets") == 1 })
	for c, want := range map[net.Conn]bool{first: true, second: false} {
		c.SetReadDeadline(time.Now().Add(100 * time.Millisecond)) //nolint:errcheck // a test's connection
		_, err := c.Read(make([]byte, 1))
		if is := errors.Is(err, syscall.ECONNRESET) || errors.Is(err, io.EOF); is == want {
			t.Errorf("%v: %v", c.LocalAddr(), err)
		}
	}
	r.awaits(t, 3)
	r.conn(2).Known()
	fourth := r.dial(t)
	fourth.SetReadDeadline(time.Now().Add(patience)) //nolint:errcheck // a test's connection
	if _, err := fourth.Read(make([]byte, 1)); err == nil || r.Sockets() != 2 {
		t.Errorf("where all are known, another is let in: %v, %d sockets", err, r.Sockets())
	}
}

// A connection from within takes no socket, and is cut for nobody.
func TestDialFromWithin(t *testing.T) {
	l := generous()
	l.Sockets, l.ConnectTimeout = 2, 50*time.Millisecond
	r := newRig(t, l, nil)
	c, err := r.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for range 10 {
		r.dial(t)
	}
	eventually(t, "strangers are cut", func() bool { return r.times("sockets") == 8 })
	eventually(t, "and the others are late", func() bool { return r.times("connect_timeout") >= 2 && r.Sockets() == 0 })
	for range 100 {
		if _, err := c.Write(make([]byte, 1000)); err != nil {
			t.Fatal(err)
		}
	}
	inner := r.conn(0)
	if !Inside(inner) || Inside(c.(*Conn).Conn) {
		t.Error("it is not known for what it is")
	}
	if _, err := inner.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 5)
	if _, err := io.ReadFull(c, b); err != nil || string(b) != "hello" {
		t.Errorf("%q, %v", b, err)
	}
}

// Writing never waits, and what was written before a close arrives.
func TestWritingNeverWaits(t *testing.T) {
	r := newRig(t, generous(), nil)
	client := r.dial(t)
	r.awaits(t, 1)
	c := r.conn(0)
	c.Owed(8 << 20)
	chunk := make([]byte, 64<<10)
	for range 40 { // 2.5 MiB, beyond the limit and what sockets take
		if _, err := c.Write(chunk); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.Write([]byte("the end")); err != nil {
		t.Fatal(err)
	}
	got := make(chan int, 1)
	go func() {
		all, _ := io.ReadAll(client)
		got <- len(all)
	}()
	eventually(t, "written", func() bool { return c.unread() == 0 })
	c.Close()
	if n := <-got; n != 40<<16+7 {
		t.Errorf("%d bytes arrived", n)
	}
	eventually(t, "nothing is held", func() bool { return r.Held() == 0 && r.Sockets() == 0 })
	if _, err := c.Write(chunk); err == nil {
		t.Error("a closed connection can be written to")
	}
}

// Of several that do not read the one for which most waits is cut first.
func TestHeldByAll(t *testing.T) {
	l := generous()
	l.Unread, l.Held = 3<<20, 4<<20
	r := newRig(t, l, nil)
	r.dial(t)
	r.dial(t)
	r.awaits(t, 2)
	chunk := make([]byte, 64<<10)
	for i := range 100 {
		for range 1 + 3*(i%2) {
			_, _ = r.conn(i % 2).Write(chunk)
		}
		if held := r.Held(); held > l.Held {
			t.Fatalf("%d bytes are held", held)
		}
	}
	if r.times("unread")+r.times("queued_bytes") == 0 {
		t.Error("nobody was cut")
	}
}

func TestFraming(t *testing.T) {
	connect := append([]byte{0x10, 0x81, 0x01}, make([]byte, 129)...)
	for name, test := range map[string]struct {
		bytes []byte
		err   error
		open  int // bytes of the packet that is not complete
	}{
		"nothing":                 {nil, nil, 0},
		"half a head":             {[]byte{0x10}, nil, 0},
		"a whole one":             {connect, nil, 0},
		"then a ping":             {append(connect[:len(connect):len(connect)], 0xc0, 0), nil, 0},
		"then half a message":     {append(connect[:len(connect):len(connect)], 0x30, 0x80, 0x02, 1, 2), nil, 256},
		"no CONNECT":              {[]byte{0x30, 0}, errNoConnect, 0},
		"HTTP":                    {[]byte("GET / HTTP/1.1\r\n"), errNoConnect, 0},
		"TLS":                     {[]byte{0x16, 3, 1}, errNoConnect, 0},
		"a long CONNECT":          {[]byte{0x10, 0x81, 0x80, 0x02}, errLongConnect, 0},
		"the longest announced":   {[]byte{0x10, 0xff, 0xff, 0xff, 0x7f}, errLongConnect, 0},
		"a length without end":    {[]byte{0x10, 0x80, 0x80, 0x80, 0x80, 0x80}, nil, 0},
		"then a message too long": {append(connect[:len(connect):len(connect)], 0x30, 0xff, 0xff, 0x7f), errLongPacket, 0},
	} {
		for _, step := range []int{1, 2, len(test.bytes) + 1} { // however it is cut up
			f := framing{}
			var err error
			for rest := test.bytes; len(rest) > 0 && err == nil; rest = rest[min(step, len(rest)):] {
				err = f.look(rest[:min(step, len(rest))], 1<<20)
			}
			if !errors.Is(err, test.err) || err == nil && f.length != test.open {
				t.Errorf("%s by %d: %v, %d open; want %v, %d", name, step, err, f.length, test.err, test.open)
			}
		}
	}
}
