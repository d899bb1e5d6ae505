// Package publish is MQTT: verdicts and states out, triggers and commands in,
// and the broker inside the daemon for boxes that name none. It reads the
// outbox through an interface of its own and takes a verdict from it only when
// the broker has acknowledged it. It never decides anything, never blocks who
// hands it a verdict, and never loses one that is in the outbox.
package publish

import (
	"context"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"faird/config"
	"faird/config/redact"
	"faird/verdict"
)

// Identity names the box on the broker.
type Identity struct{ Site, Box, Version string }

// Handler does what PLCs ask for.
type Handler interface {
	// Trigger takes over the trigger; it must not block.
	Trigger(station string, t Trigger)
	// Ack takes a PLC's acknowledgement; it must not block.
	Ack(station string, a Ack)
	// Command carries out a command of a station, or of the box where station
	// is "". It must return when ctx ends: the answer is due then. It is called
	// for several commands at the same time.
	Command(ctx context.Context, station string, c Command) Reply
}

// Outbox is where undelivered verdicts wait on disk.
type Outbox interface {
	// Backlog returns up to limit waiting verdicts with keys above after, in order.
	Backlog(ctx context.Context, after int64, limit int) ([]verdict.Pending, error)
	// Delivered takes verdicts out; keys that are not there are no error.
	Delivered(ctx context.Context, keys []int64) error
	// Newest returns the highest key committed so far; it does not block.
	Newest() int64
	// Last returns a station's newest verdict, nil where there is none.
	Last(ctx context.Context, station string) ([]byte, error)
	// Waiting returns the figures for the state; it does not block.
	Waiting() verdict.Waiting
}

// Publisher is the box's connection to its broker, with all that waits for it.
// Its methods may be called from any goroutine, and only Run and Flush wait.
type Publisher struct {
	config  config.MQTT
	id      Identity
	topics  topics
	outbox  Outbox // nil: none
	handler Handler
	log     zerolog.Logger
	backoff backoff
	broker  *broker // nil: the config names one
	onTurn  func()
	onLive  func(station string, sinceExposure time.Duration)

	wake      chan struct{} // capacity 1: something to send
	acked     chan struct{} // capacity 1: something to take from the outbox
	received  chan struct{} // capacity 1: a subscriber has a verdict
	commands  chan request
	strangers *strangers
	initial   int64 // keys up to here were there before this process: all backlog

	mu      sync.Mutex
	queue   queue
	table   table
	signals signals
	link    link
	replies []Reply // to be sent
}

// link is the connection's part of the status.
type link struct {
	connected  bool
	url        string
	since      time.Time
	err        string
	reconnects uint64
	inbound    Inbound
}

// New checks the settings: what can be wrong before there is a connection
// (names, files, certificates, the built-in broker's users) is an error here,
// naming the key. Without an outbox (nil) undelivered verdicts wait in memory.
func New(c config.MQTT, id Identity, outbox Outbox, h Handler, log zerolog.Logger) (*Publisher, error) {
	p := &Publisher{
		config: withDefaults(c), id: id, topics: newTopics(id), outbox: outbox, handler: h,
		log:     log.With().Str("part", "mqtt").Logger(),
		backoff: backoff{min: 250 * time.Millisecond, max: 10 * time.Second},
		onTurn:  func() {},
		onLive:  func(string, time.Duration) {},
		wake:    make(chan struct{}, 1), acked: make(chan struct{}, 1), received: make(chan struct{}, 1),
		commands: make(chan request, commandQueue), strangers: newStrangers(),
		queue: newQueue(), table: newTable(), signals: newSignals(),
	}
	if outbox != nil {
		p.initial = outbox.Newest()
	}
	if err := checkIdentity(id); err != nil {
		return nil, err
	}
	if c.Broker == "" {
		b, err := newBroker(p.config.Builtin, p.topics, p.log)
		if err != nil {
			return nil, err
		}
		p.broker, b.receipts.got = b, p.receipt
		return p, nil
	}
	p.link.url = redact.URL(c.Broker)
	_, err := p.options(nil)
	return p, err
}

// OnTurn has f called whenever the publisher's loop completes a turn: at least
// once a second while connected, and after every bounded wait for a broker
// while not. To be set before Run.
func (p *Publisher) OnTurn(f func()) { p.onTurn = f }

// Verdict sends a decided verdict: at once where the broker is there, else
// from the outbox later, marked historical. Key is the outbox's, or 0 for a
// verdict that is not in it, which then waits in memory and says durable:
// false. The verdict is not kept; it may be changed afterwards.
func (p *Publisher) Verdict(v *verdict.Verdict, key int64) {
	e := newEntry(v, key)
	p.mu.Lock()
	p.queue.add(e)
	p.mu.Unlock()
	p.poke()
}

// Repeat sends a verdict once more, as it was, to the verdict and result topics:
// the answer to a trigger that was delivered twice. Without a connection it
// does nothing: the verdict itself is on its way from the outbox.
func (p *Publisher) Repeat(v *verdict.Verdict) {
	p.mu.Lock()
	p.queue.add(entry{station: v.Station, kind: v.Verdict, payload: encode(v), repeat: true})
	p.mu.Unlock()
	p.poke()
}

// SetStation says what a station's retained state is. It is sent when it
// changes (where only counts changed, once a second) and after every reconnect.
func (p *Publisher) SetStation(name string, s StationState) {
	s.Schema, s.Site, s.Box, s.Station = StationV1, p.id.Site, p.id.Box, name
	p.mu.Lock()
	urgent := p.table.set(name, s)
	p.mu.Unlock()
	if urgent {
		p.poke()
	}
}

// SetStations says which stations there are: their topics are subscribed to,
// and the retained messages of those that are gone are cleared.
func (p *Publisher) SetStations(names []string) {
	p.mu.Lock()
	p.table.setNames(names)
	p.signals.forget(p.table.knows)
	p.mu.Unlock()
	p.poke()
}

// Flush waits until every verdict handed over so far is acknowledged, or rests
// in the outbox because there is no connection.
func (p *Publisher) Flush(ctx context.Context) error {
	for {
		p.mu.Lock()
		err := p.queue.unsettled()
		p.mu.Unlock()
		if err == nil || !sleep(ctx, 2*time.Millisecond) {
			return err
		}
	}
}

// poke wakes the sender.
func (p *Publisher) poke() { signal(p.wake) }

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// sleep returns false where ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
