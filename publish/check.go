package publish

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

const (
	// checkEvery is how often the built-in broker looks at itself.
	checkEvery = 5 * time.Second
	// checkTimeout bounds one look.
	checkTimeout = 5 * time.Second
	// checkAgain is how soon a try that failed is followed by another.
	checkAgain = 100 * time.Millisecond
)

// health is what the built-in broker's last look at itself found.
type health struct {
	mu   sync.Mutex
	err  error
	took time.Duration
	at   time.Time
}

var errNotChecked = errors.New("not looked at yet")

// set returns what was found before.
func (h *health) set(took time.Duration, err error) (before error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	before = h.err
	h.err, h.took, h.at = err, took, time.Now()
	return before
}

// get is the newest finding. One that is old is an error too.
func (h *health) get() (took time.Duration, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch age := time.Since(h.at); {
	case h.at.IsZero():
		return 0, errNotChecked
	case h.err == nil && age > 2*(checkEvery+checkTimeout):
		return 0, fmt.Errorf("not looked at for %s", age.Round(time.Second))
	}
	return h.took, h.err
}

// watch looks at the broker as a client does, over its listener: it connects,
// subscribes, publishes and receives. That the daemon's own connection stands
// says nothing of that.
func (b *broker) watch() {
	t := time.NewTicker(checkEvery)
	defer t.Stop()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	b.owned.Go(func() {
		<-b.stopped
		cancel()
	})
	for {
		took, err := b.look(ctx)
		if ctx.Err() != nil {
			return
		}
		switch before := b.health.set(took, err); {
		case err != nil && before == nil:
			b.log.Error().Err(err).Str("broker", b.url).Msg("built-in broker: it does not serve clients")
		case err == nil && before != nil:
			b.log.Info().Str("broker", b.url).Msg("built-in broker: it serves clients again")
		}
		select {
		case <-b.stopped:
			return
		case <-t.C:
		}
	}
}

// look tries until a message comes back, within checkTimeout: one connection may
// fall victim to a flood of others.
func (b *broker) look(ctx context.Context) (took time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	for {
		if took, err = b.roundTrip(ctx); err == nil || !sleep(ctx, checkAgain) {
			return took, err
		}
	}
}

// roundTrip has one message come back, until ctx ends.
func (b *broker) roundTrip(ctx context.Context) (took time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	a := Access{
		Section: "mqtt.builtin", Broker: b.url, ClientID: b.gate.checker.name, User: b.gate.checker.name, Password: b.gate.checker.secret,
		Timeout: checkTimeout, KeepAlive: time.Minute,
	}
	if b.certs != nil {
		a.secure = b.certs.Client()
	}
	nonce := rand.Text()
	back := make(chan struct{})
	var came atomic.Bool
	began := time.Now()
	line, _, err := OpenLine(ctx, a, Will{}, func(m mqtt.Message) {
		if string(m.Payload()) == nonce && !came.Swap(true) {
			close(back)
		}
	})
	if err != nil {
		return 0, err
	}
	defer line.Close()
	for _, token := range []mqtt.Token{line.Client.Subscribe(checkTopic, 1, nil), line.Client.Publish(checkTopic, 1, false, nonce)} {
		select {
		case <-token.Done():
		case <-ctx.Done():
			return 0, fmt.Errorf("no answer within %s", checkTimeout)
		}
		if err := token.Error(); err != nil {
			return 0, err
		}
	}
	select {
	case <-back:
		took = time.Since(began)
		line.Disconnect()
		return took, nil
	case <-line.Gone():
		return 0, line.Cause()
	case <-ctx.Done():
		return 0, fmt.Errorf("a message does not come back within %s", checkTimeout)
	}
}
