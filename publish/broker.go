package publish

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
	"github.com/rs/zerolog"

	"faird/config"
	"faird/publish/listener"
)

const defaultListen = "127.0.0.1:1883"

// broker is the one inside the daemon, for boxes that name none. The daemon's
// own connections to it come from within the process, so that nothing that
// happens on the network keeps them out.
type broker struct {
	config   config.Builtin
	log      zerolog.Logger
	reached  *reached
	gate     *gate
	bounds   *bounds
	quotas   *quotas
	receipts *receipts
	certs    *listener.Certificates // nil: no TLS

	server   *mochi.Server
	listener *listener.Listener
	url      string
	health   health
	stopped  chan struct{}
	owned    sync.WaitGroup
}

// newBroker checks the settings.
func newBroker(c config.Builtin, t topics, log zerolog.Logger) (*broker, error) {
	if c.Listen == "" {
		c.Listen = defaultListen
	}
	if c.Limits == (config.BuiltinLimits{}) {
		c.Limits = config.DefaultLimits()
	}
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		return nil, fmt.Errorf("mqtt.builtin.listen: %w: write host:port", err)
	}
	if !c.LoopbackOnly() && len(c.Users) == 0 {
		return nil, fmt.Errorf("mqtt.builtin.listen: %s is beyond this machine: name users in mqtt.builtin.users, or listen on 127.0.0.1", c.Listen)
	}
	b := &broker{config: c, log: log, reached: newReached(log), stopped: make(chan struct{})}
	var err error
	if b.gate, err = newGate(c, t, log, b.reached); err != nil {
		return nil, err
	}
	if c.TLS.Cert != "" {
		if b.certs, err = listener.LoadCertificates(c.TLS); err != nil {
			return nil, err
		}
	}
	b.bounds = newBounds(c.Limits, b.gate, b.reached)
	b.quotas = newQuotas(c.Limits, b.gate, b.reached)
	b.receipts = newReceipts(t, b.gate.inside.name)
	return b, nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// start listens and returns the URL, with the port that was chosen where the
// config says 0.
func (b *broker) start() (string, error) {
	if err := b.listen(); err != nil {
		return "", err
	}
	b.server = mochi.New(&mochi.Options{
		Logger: slog.New(slog.DiscardHandler), Capabilities: capabilities(b.config.Limits),
		ClientNetReadBufferSize: readBuffer,
	})
	b.gate.server, b.bounds.server, b.quotas.server = b.server, b.server, b.server
	for _, h := range []mochi.Hook{b.gate, b.bounds, b.quotas, b.receipts, newMend()} {
		if err := b.server.AddHook(h, nil); err != nil {
			b.listener.Stop()
			return "", fmt.Errorf("built-in broker: %w", err)
		}
	}
	b.receipts.watch(b.server)
	if err := b.server.AddListener(b.listener); err != nil {
		b.listener.Stop()
		return "", fmt.Errorf("built-in broker: %w", err)
	}
	if err := b.server.Serve(); err != nil {
		b.listener.Stop()
		return "", fmt.Errorf("built-in broker: %w", err)
	}
	b.url = b.scheme() + reachable(b.listener.Addr().(*net.TCPAddr))
	b.owned.Go(b.sweep)
	b.owned.Go(b.watch)
	return b.url, nil
}

func (b *broker) scheme() string {
	if b.certs != nil {
		return "ssl://"
	}
	return "tcp://"
}

// listen takes the address.
func (b *broker) listen() (err error) {
	at := b.config.Listen
	o := listener.Options{
		Open: func() (net.Listener, error) {
			l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", at)
			if err == nil {
				at = l.Addr().String() // the same port again
			}
			return l, err
		},
		Limits: listener.Limits{
			Sockets: b.config.Limits.Sockets, ConnectTimeout: b.config.Limits.ConnectTimeout,
			Packet: int(b.config.Limits.Packet), Unread: int64(b.config.Limits.Unread), Held: int64(b.config.Limits.QueuedBytes),
		},
		Reached: b.reached.limit,
		Left: func(c net.Conn) {
			if cl := b.gate.left(c); cl != nil {
				b.bounds.left(cl)
			}
		},
		Log: b.log,
	}
	if b.certs != nil {
		o.TLS = b.certs.Server
	}
	b.listener, err = listener.New(o)
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("mqtt.builtin.listen: %s is taken by another program: stop it, choose another port, or name it as mqtt.broker: %w", b.config.Listen, err)
	}
	if err != nil {
		return fmt.Errorf("mqtt.builtin.listen: %w", err)
	}
	return nil
}

// capabilities are the limits that the library keeps by itself.
func capabilities(l config.BuiltinLimits) *mochi.Capabilities {
	c := mochi.NewDefaultServerCapabilities()
	c.MaximumPacketSize = uint32(l.Packet)                                 //nolint:gosec // a GiB at most
	c.MaximumSessionExpiryInterval = uint32(l.SessionExpiry / time.Second) //nolint:gosec // 30 days at most
	c.MaximumInflight = uint16(l.SessionMessages)                          //nolint:gosec // that many at most
	c.MaximumMessageExpiryInterval = 0                                     // a state is retained until the next one, however long a line rests
	c.TopicAliasMaximum = 0                                                // clients could keep long names for each of 65,535
	c.MaximumClientWritesPending = writesPending
	return c
}

const (
	// writesPending is how many messages wait for a client's own goroutine, which
	// never waits for the client.
	writesPending = 1024
	// readBuffer is the library's, the smallest that it takes: the listener has one
	// of its own, so that it is asked before each packet.
	readBuffer = 16
)

// reachable is where this machine finds a listener on every address.
func reachable(a *net.TCPAddr) string {
	if a.IP.IsUnspecified() {
		return fmt.Sprintf("127.0.0.1:%d", a.Port)
	}
	return a.String()
}

// sweep looks after what nobody tells of, once a second.
func (b *broker) sweep() {
	t := time.NewTicker(time.Second)
	defer t.Stop()
	for lost := int64(0); ; {
		select {
		case <-b.stopped:
			return
		case <-t.C:
		}
		b.bounds.reconcile()
		if now := atomic.LoadInt64(&b.server.Info.InflightDropped); now > lost {
			b.reached.limit("session_messages", "the fullest session")
			lost = now
		}
	}
}

// stop sees every client off before it closes: the library's Close hangs for
// ever where a client leaves just then (it takes a read lock within another).
func (b *broker) stop() {
	close(b.stopped)
	b.owned.Wait()
	b.listener.Stop() // so nobody comes
	for _, cl := range b.server.Clients.GetAll() {
		if !cl.Closed() {
			_ = b.server.DisconnectClient(cl, packets.ErrServerShuttingDown)
		}
	}
	for end := time.Now().Add(stopTimeout); atomic.LoadInt64(&b.server.Info.ClientsConnected) > 0 && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	_ = b.server.Close() // it always closes
}

// access is how the publisher gets in.
func (b *broker) access() (url, user, password string) {
	return b.url, b.gate.inside.name, b.gate.inside.secret
}

func random() string { return rand.Text() }
