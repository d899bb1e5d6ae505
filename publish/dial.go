package publish

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/url"
	"sync/atomic"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

// dial opens one connection and returns once the broker has accepted it.
func (p *Publisher) dial(ctx context.Context) (*session, error) {
	ctx, cancel := context.WithTimeout(ctx, p.config.Timeout)
	defer cancel()
	s := newSession(p)
	o, err := p.options(func(u *url.URL, o mqtt.ClientOptions) (net.Conn, error) { return s.open(ctx, u, o) })
	if err != nil {
		return nil, err
	}
	o.SetDefaultPublishHandler(func(_ mqtt.Client, m mqtt.Message) { p.receive(m) })
	o.SetConnectionLostHandler(func(_ mqtt.Client, err error) {
		s.fail(err)
		close(s.over)
	})
	s.client = mqtt.NewClient(o)
	a, err := p.access()
	if err != nil {
		return nil, err
	}
	s.within = a.within
	if err := a.dial(ctx, s.client, &s.wiring); err != nil {
		return nil, err
	}
	return s, nil
}

// open is the connection beneath MQTT, kept so that it can be cut.
func (w *wiring) open(ctx context.Context, u *url.URL, o mqtt.ClientOptions) (net.Conn, error) {
	if w.within != nil {
		c, err := w.within(ctx)
		if err != nil {
			return nil, err
		}
		return w.keep(c, c), nil
	}
	if u.Scheme == "ws" || u.Scheme == "wss" {
		c, err := mqtt.NewWebsocket(u.String(), o.TLSConfig, o.ConnectTimeout, o.HTTPHeaders, o.WebsocketOptions)
		if err != nil {
			return nil, err
		}
		return w.keep(c, c), nil
	}
	raw, err := new(net.Dialer).DialContext(ctx, "tcp", withPort(u))
	if err != nil {
		return nil, err
	}
	if !isTLS(u.Scheme + "://") {
		return w.keep(raw, raw), nil
	}
	c := o.TLSConfig.Clone()
	if c.ServerName == "" {
		c.ServerName = u.Hostname()
	}
	secure := tls.Client(raw, c)
	if err := secure.HandshakeContext(ctx); err != nil {
		raw.Close()
		return nil, err
	}
	return w.keep(secure, raw), nil
}

func withPort(u *url.URL) string {
	if u.Port() != "" {
		return u.Host
	}
	if isTLS(u.Scheme + "://") {
		return net.JoinHostPort(u.Hostname(), "8883")
	}
	return net.JoinHostPort(u.Hostname(), "1883")
}

// wiring is where a connection is kept.
type wiring struct {
	wire   atomic.Pointer[wire]
	within func(context.Context) (net.Conn, error) // to the built-in broker; nil: over the network
}

func (w *wiring) keep(c net.Conn, raw io.Closer) net.Conn {
	kept := &wire{Conn: c, raw: raw}
	w.wire.Store(kept)
	return kept
}

func (w *wiring) cut() {
	if kept := w.wire.Load(); kept != nil {
		kept.cut()
	}
}

// wire is a connection that can be cut without a word, so that the broker
// sends the will, and without waiting for what is stuck in it.
type wire struct {
	net.Conn
	raw   io.Closer // beneath TLS
	isCut atomic.Bool
}

func (w *wire) cut() {
	w.isCut.Store(true)
	w.raw.Close()
}

// Read reports a cut as a loss: paho keeps silent about connections that were closed.
func (w *wire) Read(b []byte) (int, error) {
	n, err := w.Conn.Read(b)
	if err != nil && w.isCut.Load() {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}
