package publish

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync/atomic"
	"syscall"
	"time"

	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/listeners"
	"github.com/mochi-mqtt/server/v2/packets"
	"github.com/rs/zerolog"

	"faird/config"
)

const defaultListen = "127.0.0.1:1883"

// broker is the one inside the daemon, for boxes that name none. The publisher
// reaches it over TCP like any other.
type broker struct {
	listen string
	gate   *gate
	log    zerolog.Logger
	server *mochi.Server
	url    string

	receipts *receipts
	listener net.Listener
}

// newBroker checks the settings.
func newBroker(c config.Builtin, t topics, log zerolog.Logger) (*broker, error) {
	if c.Listen == "" {
		c.Listen = defaultListen
	}
	host, _, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return nil, fmt.Errorf("mqtt.builtin.listen: %w: write host:port", err)
	}
	local := isLoopback(host)
	if !local && len(c.Users) == 0 {
		return nil, fmt.Errorf("mqtt.builtin.listen: %s is beyond this machine: name users in mqtt.builtin.users, or listen on 127.0.0.1", c.Listen)
	}
	g, err := newGate(c.Users, t, log)
	if err != nil {
		return nil, err
	}
	return &broker{listen: c.Listen, gate: g, log: log, receipts: newReceipts(t, g.inside)}, nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// start listens and returns the URL, with the port that was chosen where the
// config says 0.
func (b *broker) start() (string, error) {
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", b.listen)
	if errors.Is(err, syscall.EADDRINUSE) {
		return "", fmt.Errorf("mqtt.builtin.listen: %s is taken by another program: stop it, choose another port, or name it as mqtt.broker: %w", b.listen, err)
	}
	if err != nil {
		return "", fmt.Errorf("mqtt.builtin.listen: %w", err)
	}
	b.server = mochi.New(&mochi.Options{Logger: slog.New(slog.DiscardHandler), Capabilities: capabilities()})
	for _, h := range []mochi.Hook{b.gate, b.receipts, newMend()} {
		if err := b.server.AddHook(h, nil); err != nil {
			l.Close()
			return "", fmt.Errorf("built-in broker: %w", err)
		}
	}
	b.receipts.watch(b.server)
	b.listener = l
	if err := b.server.AddListener(listeners.NewNet("tcp", l)); err != nil {
		l.Close()
		return "", fmt.Errorf("built-in broker: %w", err)
	}
	if err := b.server.Serve(); err != nil {
		l.Close()
		return "", fmt.Errorf("built-in broker: %w", err)
	}
	b.url = "tcp://" + reachable(l.Addr().(*net.TCPAddr))
	return b.url, nil
}

// capabilities bound what clients can make the daemon keep.
func capabilities() *mochi.Capabilities {
	c := mochi.NewDefaultServerCapabilities()
	c.MaximumClients = 256
	c.MaximumPacketSize = 4 << 20
	c.MaximumSessionExpiryInterval = 24 * 60 * 60 // seconds: a PLC that restarts finds its session
	c.MaximumMessageExpiryInterval = 0            // a state is retained until the next one, however long a line rests
	return c
}

// reachable is where this machine finds a listener on every address.
func reachable(a *net.TCPAddr) string {
	if a.IP.IsUnspecified() {
		return fmt.Sprintf("127.0.0.1:%d", a.Port)
	}
	return a.String()
}

// stop sees every client off before it closes: the library's Close hangs for
// ever where a client leaves just then (it takes a read lock within another).
func (b *broker) stop() {
	_ = b.listener.Close() // so nobody comes
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
func (b *broker) access() (url, user, password string) { return b.url, b.gate.inside, b.gate.secret }

func random() string { return rand.Text() }
