package publish

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"faird/config/redact"
)

// stopTimeout bounds what Run still does once its context has ended.
const stopTimeout = 800 * time.Millisecond

// Run connects for ever, each connection with a client of its own, so that an
// acknowledgement belongs to the connection it came on. When ctx ends it sends
// what is live, says offline and disconnects, all within two seconds. It
// returns an error only where the built-in broker cannot listen.
func (p *Publisher) Run(ctx context.Context) error {
	if p.broker != nil {
		url, err := p.broker.start()
		if err != nil {
			return err
		}
		defer p.broker.stop()
		p.mu.Lock()
		p.link.url = url
		p.mu.Unlock()
	}
	stopped := make(chan struct{})
	var owned sync.WaitGroup
	owned.Go(func() { p.takeOut(stopped) })
	owned.Go(func() { p.runCommands(ctx) })
	defer owned.Wait()
	defer close(stopped)
	p.reconnect(ctx)
	return nil
}

// reconnect holds a connection whenever it can, with pauses that grow.
func (p *Publisher) reconnect(ctx context.Context) {
	pause := p.backoff.min
	said := ""
	for ctx.Err() == nil {
		began := time.Now()
		err := p.connection(ctx)
		if ctx.Err() != nil {
			return
		}
		if p.lost(err) || time.Since(began) > p.backoff.max {
			pause, said = p.backoff.min, ""
		}
		if text := err.Error(); text != said {
			p.log.Error().Err(err).Str("broker", p.Status().Broker).Msg("no connection to the broker, trying on")
			said = text
		}
		p.onTurn()
		sleep(ctx, jitter(pause))
		pause = min(2*pause, p.backoff.max)
		p.onTurn()
	}
}

// lost notes the end of a connection, or of an attempt; true where there was one.
func (p *Publisher) lost(err error) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	was := p.link.connected
	if was {
		p.link.reconnects++
	}
	if was || p.link.since.IsZero() {
		p.link.since = time.Now()
	}
	p.link.connected, p.link.err = false, redact.Text(err.Error())
	return was
}

// connection is one connection from its beginning to its end.
func (p *Publisher) connection(ctx context.Context) error {
	s, err := p.dial(ctx)
	if err != nil {
		return err
	}
	defer s.end()
	if err := s.begin(ctx); err != nil {
		return err
	}
	p.mu.Lock()
	p.link.connected, p.link.err, p.link.since = true, "", time.Now()
	p.queue.open = true
	p.mu.Unlock()
	p.log.Info().Str("broker", p.Status().Broker).Msg("connected to the broker")
	err = s.serve(ctx)
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return fmt.Errorf("connection lost: %w", err)
}

// backoff is how long to wait between attempts.
type backoff struct{ min, max time.Duration }

// jitter keeps the boxes of a plant from coming back all at once.
func jitter(d time.Duration) time.Duration {
	return d*3/4 + rand.N(d/2+1) //nolint:gosec // nothing to guess here
}
