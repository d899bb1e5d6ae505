package integrity

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/bluenviron/gortsplib/v4/pkg/base"
	"github.com/bluenviron/gortsplib/v4/pkg/conn"
)

// tcpFault is what happens to connections.
type tcpFault struct {
	after int  // mean bytes from the server until it happens, 0: never
	stall bool // nothing more comes, and the connection stays; else it is closed
}

// proxy stands between an RTSP client and its server. It damages what the server
// sends, over TCP and over UDP.
type proxy struct {
	listener net.Listener
	server   string // its address
	name     string // of the scenario, for the seeds
	udp      impairment
	tcp      tcpFault
	events   events
	faults   atomic.Int64 // connections cut or stalled
	played   atomic.Int64 // PLAY requests
	plays    *plays       // of a server that starts its clip over for each client
	ended    func()       // called when the server says goodbye over RTCP

	mu     sync.Mutex
	open   map[io.Closer]bool
	closed bool
	wg     sync.WaitGroup
}

// start listens, until the test ends.
func (p *proxy) start(t *testing.T) {
	t.Helper()
	var err error
	if p.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	p.open = map[io.Closer]bool{}
	p.wg.Go(p.accept)
	t.Cleanup(p.close)
}

func (p *proxy) address() string { return p.listener.Addr().String() }

func (p *proxy) accept() {
	for count := 0; ; count++ {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		if p.own(client) {
			p.wg.Go(func() { p.serve(client, count) })
		}
	}
}

// own notes what is to be closed at the end, unless that has come.
func (p *proxy) own(c io.Closer) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		_ = c.Close()
		return false
	}
	p.open[c] = true
	return true
}

func (p *proxy) disown(c io.Closer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.open, c)
	_ = c.Close()
}

func (p *proxy) close() {
	_ = p.listener.Close()
	p.mu.Lock()
	p.closed = true
	for c := range p.open {
		_ = c.Close()
	}
	p.mu.Unlock()
	p.wg.Wait()
}

// serve relays one connection. The server is called with the first request, for
// a client may only have looked whether anybody is there.
func (p *proxy) serve(client net.Conn, count int) {
	defer p.disown(client)
	fromClient := conn.NewConn(client)
	first, err := fromClient.Read()
	if err != nil {
		return
	}
	server, err := net.Dial("tcp", p.server)
	if err != nil || !p.own(server) {
		return
	}
	rng := random(fmt.Sprint(p.name, " connection ", count))
	s := &session{proxy: p, rng: rng, toClient: p.faulty(client, rng), toServer: server, media: map[string]*media{}}
	defer s.close()
	var back sync.WaitGroup
	back.Go(func() {
		s.fromServer(conn.NewConn(server))
		if !errors.Is(s.toClient.err, errStalled) {
			_ = client.Close()
		}
	})
	s.fromClient(fromClient, first)
	p.disown(server)
	back.Wait()
}

func (p *proxy) faulty(client net.Conn, rng *rand.Rand) *faulty {
	f := &faulty{Writer: client, left: -1, stall: p.tcp.stall, count: &p.faults}
	if p.tcp.after > 0 {
		f.left = p.tcp.after/2 + rng.IntN(p.tcp.after)
	}
	return f
}

// faulty writes until so many bytes are through.
type faulty struct {
	io.Writer
	left  int // negative: no end
	stall bool
	count *atomic.Int64
	err   error
}

var (
	errCut     = errors.New("connection cut")
	errStalled = errors.New("connection stalled")
)

func (f *faulty) Write(data []byte) (int, error) {
	if f.err != nil {
		return 0, f.err
	}
	if f.left < 0 || len(data) <= f.left {
		f.left -= min(len(data), max(f.left, 0))
		return f.Writer.Write(data)
	}
	n, _ := f.Writer.Write(data[:f.left])
	f.count.Add(1)
	if f.err = errCut; f.stall {
		f.err = errStalled
	}
	return n, f.err
}

// session is one connection and its media.
type session struct {
	*proxy
	rng      *rand.Rand
	toClient *faulty
	toServer io.Writer
	mu       sync.Mutex
	media    map[string]*media // over UDP, by the CSeq of their SETUP
}

func (s *session) fromClient(c *conn.Conn, message any) {
	for {
		request, ok := message.(*base.Request)
		if ok && request.Method == base.Setup {
			s.setUp(request)
		}
		if ok && request.Method == base.Play {
			s.played.Add(1)
			s.plays.start()
		}
		if forward(s.toServer, message) != nil {
			return
		}
		var err error
		if message, err = c.Read(); err != nil {
			return
		}
	}
}

func (s *session) fromServer(c *conn.Conn) {
	for {
		message, err := c.Read()
		if err != nil {
			return
		}
		switch m := message.(type) {
		case *base.Response:
			s.isSetUp(m)
		case *base.InterleavedFrame:
			s.goodbye(m.Channel, m.Payload)
		}
		if err := forward(s.toClient, message); err != nil {
			return
		}
	}
}

// goodbye looks for RTCP's BYE (RFC 3550, 6.6), alone or after a report.
func (s *session) goodbye(channel int, packet []byte) {
	for channel%2 == 1 && len(packet) >= 4 {
		if packet[1] == 203 && s.ended != nil {
			s.ended()
		}
		length := 4 * (1 + int(packet[2])<<8 + int(packet[3]))
		packet = packet[min(length, len(packet)):]
	}
}

func forward(to io.Writer, message any) error {
	data, err := message.(interface{ Marshal() ([]byte, error) }).Marshal()
	if err == nil {
		_, err = to.Write(data)
	}
	return err
}

func (s *session) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.media {
		m.close()
	}
}
