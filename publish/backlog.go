package publish

import (
	"context"
	"time"
)

const (
	batch = 64 // verdicts read from the outbox at once
	// settleFor is how long a committed verdict may take to be handed over
	// before it counts as backlog.
	settleFor = time.Second
	// gather is how long acknowledgements are collected for one transaction.
	gather    = 20 * time.Millisecond
	doneLimit = 1000 // keys taken out of the outbox at once
)

// drain offers the backlog to the sender in order, until the connection or ctx ends.
func (s *session) drain(ctx context.Context) {
	eligible, newest := s.initial, s.newest()
	sampled := time.Now()
	var after int64
	for {
		if !s.offerHeld(ctx) {
			return
		}
		next, ok := s.offerBatch(ctx, after, eligible)
		if !ok {
			return
		}
		if after = next; after > 0 {
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-s.gone:
			return
		case <-time.After(settleFor / 2):
		}
		if time.Since(sampled) >= settleFor {
			eligible, newest, sampled = newest, s.newest(), time.Now()
		}
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

// offerBatch offers the verdicts after a key, up to the eligible one, and
// returns the key to go on after, 0 at the end.
func (s *session) offerBatch(ctx context.Context, after, eligible int64) (int64, bool) {
	if s.outbox == nil {
		return 0, true
	}
	rows, err := s.outbox.Backlog(ctx, after, batch)
	if err != nil {
		if ctx.Err() == nil {
			s.log.Warn().Err(err).Msg("the backlog cannot be read")
		}
		return 0, ctx.Err() == nil
	}
	for _, row := range rows {
		if row.Key > eligible {
			return 0, true
		}
		after = row.Key
		s.mu.Lock()
		claimed := s.queue.claim(row.Key)
		s.mu.Unlock()
		if claimed && !s.offer(ctx, entry{key: row.Key, station: row.Station, payload: row.Payload}) {
			return 0, false
		}
	}
	if len(rows) < batch {
		return 0, true
	}
	return after, true
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
