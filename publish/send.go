package publish

import (
	"bytes"
	"context"
	"time"

	"faird/verdict"
)

// figuresEvery is how often the box's state is sent for its figures alone.
const figuresEvery = 10 * time.Second

// sendLive sends the new verdicts in the order they were handed over. Last
// is sent only for the newest of each station.
func (s *session) sendLive() {
	s.mu.Lock()
	batch := s.queue.take()
	s.mu.Unlock()
	newest := map[string]int{}
	for i, e := range batch {
		if !e.repeat {
			newest[e.station] = i
		}
	}
	for i, e := range batch {
		s.send(s.topics.station(e.station, "verdict"), false, e.payload, s.timed(e, s.settler(e, true)))
		s.send(s.topics.station(e.station, "result"), false, []byte(e.kind), nil)
		if at, ok := newest[e.station]; ok && at == i {
			s.send(s.topics.station(e.station, "last"), true, e.payload, nil)
		}
	}
}

// settle books how a sending ended; counted ones are in flight for Flush.
func (p *Publisher) settle(e entry, acked, counted bool) {
	p.mu.Lock()
	if acked {
		p.queue.landed(e, counted)
	} else {
		p.queue.failed(e, counted)
	}
	p.mu.Unlock()
	if acked && e.key > 0 {
		signal(p.acked)
	}
}

// sendBacklog sends one verdict late: to the verdict topic alone.
func (s *session) sendBacklog(e entry) {
	settle := s.settler(e, e.key == 0)
	s.send(s.topics.station(e.station, "verdict"), false, historical(e.payload), func(acked bool) {
		settle(acked)
		<-s.slots
	})
}

// sendStates sends the box's and the stations' states: all of them on a fresh
// connection, else what changed.
func (s *session) sendStates(ticked bool) {
	now := time.Now()
	s.mu.Lock()
	due := s.table.due(s.fresh, ticked, now)
	gone := s.table.gone
	s.table.gone = nil
	s.mu.Unlock()
	for _, state := range due {
		s.send(s.topics.station(state.Station, "state"), true, encode(state), nil)
	}
	for _, name := range gone {
		s.clear(name)
	}
	s.sendLasts()
	if s.fresh || ticked || len(due) > 0 {
		s.sendBox(now)
	}
	s.fresh = false
}

// sendBox sends the box's state where more than figures changed, or these are due.
func (s *session) sendBox(now time.Time) {
	b := s.boxState()
	plain := b
	if b.Outbox != nil {
		plain.Outbox = &verdict.Waiting{Dropped: b.Outbox.Dropped, Error: b.Outbox.Error}
	}
	compared := encode(plain)
	if bytes.Equal(compared, s.box) && now.Sub(s.boxAt) < figuresEvery {
		return
	}
	s.box, s.boxAt = compared, now
	b.Time = verdict.Time{Time: now}
	s.send(s.topics.box("state"), true, encode(b), nil)
}

// sendLasts restores the newest verdicts on a broker that may have forgotten
// them, or may have an older one: once on each connection, as soon as it is
// known which stations there are.
func (s *session) sendLasts() {
	s.mu.Lock()
	names := s.table.names
	s.mu.Unlock()
	for _, name := range names {
		if s.restored[name] {
			continue
		}
		s.restored[name] = true
		if payload := s.last(name); payload != nil {
			s.send(s.topics.station(name, "last"), true, payload, nil)
		}
	}
}

func (s *session) last(station string) []byte {
	s.mu.Lock()
	payload := s.queue.last[station]
	s.mu.Unlock()
	if payload != nil || s.outbox == nil {
		return payload
	}
	ctx, cancel := context.WithTimeout(context.Background(), idle)
	defer cancel()
	payload, err := s.outbox.Last(ctx, station)
	if err != nil {
		s.log.Warn().Err(err).Str("station", station).Msg("the newest verdict cannot be read")
	}
	return payload
}

// clear removes what is retained for a station that is gone.
func (s *session) clear(station string) {
	delete(s.restored, station)
	delete(s.signalled, station)
	for _, leaf := range []string{"state", "last", "handshake"} {
		s.send(s.topics.station(station, leaf), true, []byte{}, nil)
	}
}

func (s *session) sendReplies() {
	s.mu.Lock()
	replies := s.replies
	s.replies = nil
	s.mu.Unlock()
	for _, r := range replies {
		s.send(s.topics.command(r.Station)+"/reply", false, encode(r), nil)
	}
}
