package sparkplug

import (
	"context"
	"encoding/json"
	"time"

	"faird/verdict"
)

const (
	batch = 64 // verdicts read from the feed at once
	// window bounds the historical verdicts sent and not behind a passed fence,
	// so that a new one never waits behind more than these.
	window = 64
	// settleFor is how long a committed verdict may take to be handed over
	// before it counts as backlog.
	settleFor = time.Second
)

// drain offers the feed's verdicts to the sender in order, until the connection
// or ctx ends. It goes through the feed once: what it passes over is on its way,
// or belongs to a device that is not alive.
func (s *session) drain(ctx context.Context) {
	eligible, newest, sampled := s.initial, s.feed.Newest(), time.Now()
	var after int64
	for {
		if s.rescan.Swap(false) {
			after = 0
		}
		next, more, ok := s.offerBatch(ctx, after, eligible)
		if !ok || !s.offerHeld(ctx) {
			return
		}
		if after = next; more {
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-s.line.Gone():
			return
		case <-time.After(settleFor / 2):
		}
		if time.Since(sampled) >= settleFor {
			eligible, newest, sampled = newest, s.feed.Newest(), time.Now()
		}
	}
}

// isAlive is whether a device was born; of others nothing may be said. What
// waits for them waits on: for the station to come back, or for its age.
func (s *session) isAlive(station string) bool {
	alive := s.alive.Load()
	return alive != nil && (*alive)[station]
}

// offerBatch offers the verdicts after a key, up to the eligible one, and
// returns the key to go on after, and whether there may be more.
func (s *session) offerBatch(ctx context.Context, after, eligible int64) (next int64, more, ok bool) {
	if s.alive.Load() == nil || after >= eligible {
		return after, false, true
	}
	read, cancel := context.WithTimeout(ctx, diskTimeout)
	rows, err := s.feed.Backlog(read, after, batch)
	cancel()
	if err != nil {
		if ctx.Err() == nil {
			s.log.Warn().Err(err).Msg("the feed cannot be read")
		}
		return after, false, ctx.Err() == nil
	}
	for _, row := range rows {
		if row.Key > eligible {
			return after, false, true
		}
		if !s.offerRow(ctx, row) {
			return after, false, false
		}
		after = row.Key
	}
	return after, len(rows) == batch, true
}

func (s *session) offerRow(ctx context.Context, row verdict.Pending) bool {
	if !s.isAlive(row.Station) {
		return true
	}
	var v verdict.Verdict
	if err := json.Unmarshal(row.Payload, &v); err != nil {
		s.log.Error().Err(err).Int64("key", row.Key).Msg("a verdict in the feed cannot be read: it stays there")
		return true
	}
	s.mu.Lock()
	claimed := s.queue.claim(row.Key)
	s.mu.Unlock()
	return !claimed || s.offer(ctx, entry{key: row.Key, station: row.Station, metrics: verdictMetrics(&v)})
}

// offerHeld offers what waits in memory alone.
func (s *session) offerHeld(ctx context.Context) bool {
	for s.alive.Load() != nil {
		s.mu.Lock()
		e, ok := s.queue.takeHeld(s.isAlive)
		s.mu.Unlock()
		if !ok {
			return true
		}
		if !s.offer(ctx, e) {
			return false
		}
	}
	return true
}

// offer waits for a place in the window and for the sender.
func (s *session) offer(ctx context.Context, e entry) bool {
	select {
	case s.slots <- struct{}{}:
		select {
		case s.backlog <- e:
			return true
		case <-s.line.Gone():
		case <-ctx.Done():
		}
	case <-s.line.Gone():
	case <-ctx.Done():
	}
	s.mu.Lock()
	s.queue.failed(e)
	s.mu.Unlock()
	return false
}
