package publish

import (
	"context"
	"time"
)

const (
	batch = 64 // verdicts read from the outbox at once
	// breath is how long a batch takes at least, so that a replay leaves processor
	// time to the stations: 4,000 verdicts a second.
	breath = batch * time.Second / 4000
	// settleFor is how long a committed verdict may take to be handed over
	// before it counts as backlog.
	settleFor = time.Second
	// gather is how long acknowledgements are collected for one transaction.
	gather    = 20 * time.Millisecond
	doneLimit = 256 // keys taken out of the outbox at once: a new verdict may have to wait for them
	// roomFor is how long the backlog waits for one subscriber's receipts,
	// before it goes on with other stations'.
	roomFor = 100 * time.Millisecond
)

// drain offers the backlog to the sender in order, until the connection or ctx ends.
func (s *session) drain(ctx context.Context) {
	eligible, newest := s.initial, s.newest()
	sampled := time.Now()
	var c cursor
	for {
		if !s.offerHeld(ctx) {
			return
		}
		began := time.Now()
		more, ok := s.offerBatch(ctx, &c, eligible)
		if !ok {
			return
		}
		rest := settleFor / 2
		if more {
			rest = breath - time.Since(began)
		}
		select {
		case <-ctx.Done():
			return
		case <-s.gone:
			return
		case <-time.After(rest):
		}
		if more {
			continue
		}
		if time.Since(sampled) >= settleFor {
			eligible, newest, sampled = newest, s.newest(), time.Now()
		}
		s.turnBack(&c)
	}
}

func (s *session) newest() int64 {
	if s.outbox == nil {
		return 0
	}
	return s.outbox.Newest()
}

// offerHeld offers what waits in memory alone.
func (s *session) offerHeld(ctx context.Context) bool {
	for {
		s.mu.Lock()
		e, ok := s.queue.takeHeld()
		s.mu.Unlock()
		if !ok {
			return true
		}
		if !s.offer(ctx, e) {
			return false
		}
	}
}

// cursor is how far the backlog has been looked through.
type cursor struct {
	after   int64           // key: all up to here were offered or left lying
	blocked map[string]bool // stations whose verdicts were left lying, for want of a subscriber that acknowledges
}

// turnBack has the backlog looked through from its beginning where something
// went back to it, or what was left lying may go now.
func (s *session) turnBack(c *cursor) {
	s.mu.Lock()
	again := s.queue.rewind
	s.queue.rewind = false
	s.mu.Unlock()
	for station := range c.blocked {
		again = again || s.mayOffer(station)
	}
	if again {
		*c = cursor{}
	}
}

// mayOffer reports whether the station's backlog may be sent: where a
// subscriber must have it, while one is there that keeps up.
func (s *session) mayOffer(station string) bool {
	if !s.needsReceipt(station) {
		return true
	}
	s.mu.Lock()
	n := s.queue.awaitedOf(station)
	s.mu.Unlock()
	if n >= window || !s.broker.receipts.subscribed(station) {
		return false
	}
	delete(s.unread, station)
	return true
}

// room waits a moment for a subscriber that keeps up.
func (s *session) room(ctx context.Context, station string) bool {
	for end := time.Now().Add(roomFor); !s.mayOffer(station); {
		if !s.broker.receipts.subscribed(station) {
			return false
		}
		select {
		case <-s.received:
		case <-time.After(time.Until(end)):
			return false
		case <-s.gone:
			return false
		case <-ctx.Done():
			return false
		}
	}
	return true
}

// offerBatch offers the next verdicts of the backlog, up to the eligible one.
func (s *session) offerBatch(ctx context.Context, c *cursor, eligible int64) (more, ok bool) {
	if s.outbox == nil {
		return false, true
	}
	rows, err := s.outbox.Backlog(ctx, c.after, batch)
	if err != nil {
		if ctx.Err() == nil {
			s.log.Warn().Err(err).Msg("the backlog cannot be read")
		}
		return false, ctx.Err() == nil
	}
	for _, row := range rows {
		if row.Key > eligible {
			return false, true
		}
		if c.blocked[row.Station] || !s.room(ctx, row.Station) { // none overtakes one left lying
			s.leave(c, row.Station)
			c.after = row.Key
			continue
		}
		s.mu.Lock()
		claimed, unsure := s.queue.claim(row.Key)
		s.mu.Unlock()
		if unsure {
			return false, true
		}
		c.after = row.Key
		if claimed && !s.offer(ctx, entry{key: row.Key, station: row.Station, payload: row.Payload}) {
			return false, false
		}
	}
	return len(rows) == batch, true
}

// leave notes that a station's backlog cannot go now, and says why, once.
func (s *session) leave(c *cursor, station string) {
	if c.blocked == nil {
		c.blocked = map[string]bool{}
	}
	c.blocked[station] = true
	if !s.unread[station] && !s.broker.receipts.subscribed(station) {
		s.unread[station] = true
		s.log.Warn().Str("station", station).Msg("ack is required, and nobody subscribes to the verdicts with QoS 1 or 2: they wait in the outbox")
	}
}

// offer waits for a place in the window and for the sender.
func (s *session) offer(ctx context.Context, e entry) bool {
	select {
	case s.slots <- struct{}{}:
	case <-s.gone:
		s.settle(e, false, e.key == 0)
		return false
	case <-ctx.Done():
		s.settle(e, false, e.key == 0)
		return false
	}
	select {
	case s.backlog <- e:
		return true
	case <-s.gone:
	case <-ctx.Done():
	}
	<-s.slots
	s.settle(e, false, e.key == 0)
	return false
}

// takeOut takes acknowledged verdicts from the outbox, many at a time. It
// outlives connections: an acknowledgement stays one.
func (p *Publisher) takeOut(stopped <-chan struct{}) {
	said := ""
	for running := true; running; {
		select {
		case <-p.acked:
		case <-stopped:
			running = false
		}
		if running {
			time.Sleep(gather)
		}
		for p.takeOutSome(&said) {
		}
	}
}

// takeOutSome returns whether there may be more to take.
func (p *Publisher) takeOutSome(said *string) bool {
	p.mu.Lock()
	keys := p.queue.done[:min(len(p.queue.done), doneLimit)]
	p.mu.Unlock()
	if len(keys) == 0 {
		return false
	}
	ctx, cancel := context.WithTimeout(context.Background(), settleFor)
	defer cancel()
	if err := p.outbox.Delivered(ctx, keys); err != nil {
		if text := err.Error(); text != *said {
			p.log.Error().Err(err).Msg("acknowledged verdicts cannot be taken from the outbox: they may be delivered twice")
			*said = text
		}
		time.AfterFunc(settleFor, func() { signal(p.acked) })
		return false
	}
	*said = ""
	p.mu.Lock()
	p.queue.settled(len(keys))
	p.mu.Unlock()
	return true
}
