package sparkplug

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"faird/config/redact"
	"faird/publish"
)

const (
	gather    = 20 * time.Millisecond // how long deliveries are collected for one transaction
	doneLimit = 1000                  // keys taken out of the feed at once
	// diskTimeout bounds one access to the feed.
	diskTimeout = 2 * time.Second
)

// Run holds a session whenever it can, for ever, each on a connection of its
// own. When ctx ends it sends what is live, says its death and disconnects, all
// within two seconds.
func (n *Node) Run(ctx context.Context) error {
	stopped := make(chan struct{})
	var owned sync.WaitGroup
	owned.Go(func() { n.takeOut(stopped) })
	defer owned.Wait()
	defer close(stopped)
	n.reconnect(ctx)
	return nil
}

// backoff is how long to wait between attempts.
type backoff struct{ min, max time.Duration }

// errHostAway ends a session in order: the next one waits for the host.
var errHostAway = errors.New("the primary host application went offline")

func (n *Node) reconnect(ctx context.Context) {
	pause, said := n.backoff.min, ""
	for ctx.Err() == nil {
		err := n.connection(ctx)
		if ctx.Err() != nil {
			return
		}
		if n.lost(err) {
			pause, said = n.backoff.min, ""
		}
		if text := err.Error(); text != said {
			n.log.Warn().Err(err).Msg("no Sparkplug session, trying on")
			said = text
		}
		n.onTurn()
		sleep(ctx, pause*3/4+rand.N(pause/2+1)) //nolint:gosec // nothing to guess here
		pause = min(2*pause, n.backoff.max)
		n.onTurn()
	}
}

// lost notes the end of a connection, or of an attempt; true where there was one.
func (n *Node) lost(err error) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	was := n.status.Connected
	if was || n.status.Since.IsZero() {
		n.status.Since = time.Now()
	}
	n.status.Connected, n.status.Born, n.status.Err = false, false, redact.Text(err.Error())
	return was
}

// access is the broker of this node: its own, or that of the plain topics.
func (n *Node) access() (publish.Access, error) {
	a, err := n.broker.Access("-sparkplug")
	if n.config.Broker != "" {
		a, err = publish.Access{
			Section: "sparkplug", Broker: n.config.Broker, User: n.config.Username, Password: string(n.config.Password),
			ClientID: "faird-" + n.id.Site + "-" + n.id.Box + "-sparkplug", TLS: n.config.TLS,
			Timeout: a.Timeout, KeepAlive: a.KeepAlive, // mqtt's
		}, nil
	}
	if n.config.ClientID != "" {
		a.ClientID = n.config.ClientID
	}
	return a, err
}

// takeOut takes delivered verdicts from the feed, many at a time. It outlives
// connections: what was delivered stays so.
func (n *Node) takeOut(stopped <-chan struct{}) {
	said := ""
	for running := true; running; {
		select {
		case <-n.acked:
		case <-stopped:
			running = false
		}
		if running {
			time.Sleep(gather)
		}
		for n.takeOutSome(&said) {
		}
	}
}

// takeOutSome returns whether there may be more to take.
func (n *Node) takeOutSome(said *string) bool {
	n.mu.Lock()
	keys := n.queue.done[:min(len(n.queue.done), doneLimit)]
	n.mu.Unlock()
	if len(keys) == 0 {
		return false
	}
	ctx, cancel := context.WithTimeout(context.Background(), diskTimeout)
	defer cancel()
	if err := n.feed.Delivered(ctx, keys); err != nil {
		if text := err.Error(); text != *said {
			n.log.Error().Err(err).Msg("delivered verdicts cannot be taken from the feed: they may be delivered twice")
			*said = text
		}
		time.AfterFunc(time.Second, func() { signal(n.acked) })
		return false
	}
	*said = ""
	n.mu.Lock()
	n.queue.settled(len(keys))
	n.mu.Unlock()
	return true
}
