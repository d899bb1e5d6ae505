package publish

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"faird/config"
)

// refusedSubscription is the SUBACK's code for it (MQTT 3.1.1, 3.9.3).
const refusedSubscription = 0x80

// ErrNotEchoed is wrapped where the broker takes a message and does not pass
// it on: MQTT 3.1.1 has no other way to refuse one.
var ErrNotEchoed = errors.New("the broker took a message and did not give it back")

// Tried is what a Try found.
type Tried struct {
	Connect time.Duration // TCP, TLS and MQTT together
	Echo    time.Duration // from publishing to receiving
	TLS     string        // version, "" for none
	Chain   []*x509.Certificate
	Refused []string // subscriptions
}

// ExternalAccess is how a box reaches the broker that its config names, under a
// client id that takes no running daemon's connection away.
func ExternalAccess(c config.MQTT, id Identity) (Access, error) {
	p := &Publisher{config: withDefaults(c), id: id}
	a, err := p.access()
	a.ClientID += "-doctor"
	return a, err
}

// BoxTopic is a topic of the box; with "+" for the station a filter.
func BoxTopic(id Identity, leaf string) string { return newTopics(id).box(leaf) }

// Try connects once, asks for subscriptions, and where echo names a topic has a
// retained message come back on it, which it clears again.
func Try(ctx context.Context, a Access, subscribe []string, echo string) (t Tried, err error) {
	began := time.Now()
	if isTLS(a.Broker) {
		if t.TLS, t.Chain, err = a.handshake(ctx); err != nil {
			return t, a.explain(err)
		}
	}
	nonce := rand.Text()
	back := make(chan struct{}, 1)
	line, _, err := OpenLine(ctx, a, Will{}, func(m mqtt.Message) {
		if m.Topic() == echo && string(m.Payload()) == nonce {
			select {
			case back <- struct{}{}:
			default:
			}
		}
	})
	if err != nil {
		return t, err
	}
	defer line.Close()
	t.Connect = time.Since(began)
	for _, topic := range subscribe {
		if err := t.subscribe(line, a.Timeout, topic); err != nil {
			return t, err
		}
	}
	if echo != "" {
		if err = t.echo(ctx, line, a.Timeout, echo, nonce, back); err != nil {
			return t, err
		}
	}
	line.Disconnect()
	return t, nil
}

func (t *Tried) subscribe(l *Line, timeout time.Duration, topic string) error {
	token := l.Client.Subscribe(topic, 1, nil)
	if !token.WaitTimeout(timeout) {
		return fmt.Errorf("subscribe to %s: no answer within %s", topic, timeout)
	}
	granted, _ := token.(*mqtt.SubscribeToken)
	if code, given := granted.Result()[topic]; given && code == refusedSubscription {
		t.Refused = append(t.Refused, topic)
		return nil
	}
	if err := token.Error(); err != nil {
		return fmt.Errorf("subscribe to %s: %w", topic, err)
	}
	return nil
}

func (t *Tried) echo(ctx context.Context, l *Line, timeout time.Duration, topic, nonce string, back <-chan struct{}) error {
	if err := t.subscribe(l, timeout, topic); err != nil || slices.Contains(t.Refused, topic) {
		return err
	}
	defer func() { // nothing stays behind
		l.Client.Publish(topic, 1, true, []byte{}).WaitTimeout(timeout)
	}()
	sent := time.Now()
	if token := l.Client.Publish(topic, 1, true, nonce); !token.WaitTimeout(timeout) {
		return fmt.Errorf("publish to %s: no acknowledgement within %s", topic, timeout)
	}
	wait, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	select {
	case <-back:
		t.Echo = time.Since(sent)
		return nil
	case <-l.Gone():
		return fmt.Errorf("the broker closed the connection on a message to %s, as it does to who may not write: %w", topic, l.Cause())
	case <-wait.Done():
		return fmt.Errorf("%s: %w within %s", topic, ErrNotEchoed, timeout)
	}
}

// handshake is a TLS connection of its own: a WebSocket's cannot be looked into.
func (a Access) handshake(ctx context.Context) (version string, chain []*x509.Certificate, err error) {
	ctx, cancel := context.WithTimeout(ctx, a.Timeout)
	defer cancel()
	c, err := tlsConfig(a.TLS, a.Section)
	if err != nil {
		return "", nil, err
	}
	u, err := url.Parse(a.Broker)
	if err != nil {
		return "", nil, err
	}
	host := withPort(u)
	if u.Scheme == "wss" && u.Port() == "" {
		host = net.JoinHostPort(u.Hostname(), "443")
	}
	conn, err := (&tls.Dialer{Config: c}).DialContext(ctx, "tcp", host)
	if err != nil {
		return "", nil, err
	}
	defer conn.Close()
	state := conn.(*tls.Conn).ConnectionState()
	return tls.VersionName(state.Version), state.PeerCertificates, nil
}
