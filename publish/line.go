package publish

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"sync"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"faird/config"
)

// Access is how a broker is reached.
type Access struct {
	Section                          string // of the config, for errors: mqtt
	Broker, ClientID, User, Password string
	TLS                              config.TLS
	Timeout, KeepAlive               time.Duration

	within func(context.Context) (net.Conn, error) // to the built-in broker, within the process; nil: over the network
	secure *tls.Config                             // in place of TLS; nil: not
}

// Access returns how the publisher's own broker is reached, for another
// connection, whose client id ends in suffix. The built-in broker has none
// before Run has started it. Files are read anew each time.
func (p *Publisher) Access(suffix string) (Access, error) {
	if p.broker != nil && p.Status().Broker == "" {
		return Access{Timeout: p.config.Timeout, KeepAlive: p.config.KeepAlive}, errors.New("the built-in broker does not run yet")
	}
	a, err := p.access()
	a.ClientID += suffix
	return a, err
}

// options are those that every connection has in common.
func (a Access) options(dial mqtt.OpenConnectionFunc) (*mqtt.ClientOptions, error) {
	o := mqtt.NewClientOptions().AddBroker(a.Broker).SetClientID(a.ClientID)
	if a.User != "" {
		o.SetUsername(a.User).SetPassword(a.Password)
	}
	// A clean session: a trigger that the broker kept while the box was away
	// would be answered with a picture of another part.
	o.SetCleanSession(true).SetAutoReconnect(false).SetConnectRetry(false).SetProtocolVersion(4)
	o.SetConnectTimeout(a.Timeout).SetWriteTimeout(min(a.Timeout, writeTimeout)).SetPingTimeout(a.Timeout)
	o.SetKeepAlive(a.KeepAlive).SetOrderMatters(true)
	o.SetCustomOpenConnectionFn(dial)
	if a.secure != nil {
		o.SetTLSConfig(a.secure)
	} else if isTLS(a.Broker) {
		t, err := tlsConfig(a.TLS, a.Section)
		if err != nil {
			return nil, err
		}
		o.SetTLSConfig(t)
	}
	return o, nil
}

// dial connects a client, with every wait bounded by the time-out.
func (a Access) dial(ctx context.Context, c mqtt.Client, w *wiring) error {
	token := c.Connect()
	select {
	case <-token.Done():
	case <-ctx.Done():
		w.cut()
		<-token.Done() // every wait in it is bounded by ctx or by the connection just cut
	}
	err := token.Error()
	if err == nil {
		return nil
	}
	w.cut()
	if ctx.Err() != nil {
		err = fmt.Errorf("no answer within %s: %w", a.Timeout, err)
	}
	return a.explain(err)
}

// Will is what the broker says for a line that is lost; without a topic nothing.
type Will struct {
	Topic   string
	Payload []byte
	QoS     byte
}

// Line is one connection of another protocol to a broker. Its client is used
// for this connection alone, so that what the broker answers on it belongs to
// it. Whoever opens it closes it.
type Line struct {
	Client mqtt.Client

	wiring
	once  sync.Once
	gone  chan struct{} // closed when the line is lost or given up
	cause error         // why, set before gone is closed
	over  chan struct{} // closed when paho has ended everything of it
}

// OpenLine returns once the broker has accepted the connection. Receive gets
// every message and must not wait. Sent tells whether a CONNECT may have
// reached the broker, so that its will may be heard of.
func OpenLine(ctx context.Context, a Access, w Will, receive func(mqtt.Message)) (l *Line, sent bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, a.Timeout)
	defer cancel()
	l = &Line{gone: make(chan struct{}), over: make(chan struct{})}
	l.within = a.within
	o, err := a.options(func(u *url.URL, o mqtt.ClientOptions) (net.Conn, error) {
		c, err := l.open(ctx, u, o)
		sent = err == nil
		return c, err
	})
	if err != nil {
		return nil, false, err
	}
	if w.Topic != "" {
		o.SetBinaryWill(w.Topic, w.Payload, w.QoS, false)
	}
	o.SetDefaultPublishHandler(func(_ mqtt.Client, m mqtt.Message) { receive(m) })
	o.SetConnectionLostHandler(func(_ mqtt.Client, err error) {
		l.Fail(err)
		close(l.over)
	})
	l.Client = mqtt.NewClient(o)
	if err := a.dial(ctx, l.Client, &l.wiring); err != nil {
		return nil, sent, err
	}
	return l, true, nil
}

// Gone is closed when the line is lost or given up; Cause then says why.
func (l *Line) Gone() <-chan struct{} { return l.gone }

// Cause is why the line is gone.
func (l *Line) Cause() error { return l.cause }

// Fail gives the line up without a word, so that the broker sends the will;
// the first reason is kept.
func (l *Line) Fail(err error) {
	l.once.Do(func() {
		l.cause = err
		close(l.gone)
	})
	l.cut()
}

// Disconnect ends the line in order, which takes the will back.
func (l *Line) Disconnect() {
	l.Client.Disconnect(quiesceMS)
	l.once.Do(func() {
		l.cause = context.Canceled
		close(l.gone)
	})
	l.cut()
}

// Close waits until nothing of the line is left.
func (l *Line) Close() {
	l.Fail(errGone)
	if errors.Is(l.cause, context.Canceled) { // of an orderly end paho tells nobody
		return
	}
	select {
	case <-l.over:
	case <-time.After(idle):
	}
}
