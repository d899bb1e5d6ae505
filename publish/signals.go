package publish

import (
	"time"

	"faird/verdict"
)

// signalLimit bounds the statuses that wait for the sender.
const signalLimit = 1024

// signals are the handshakes' statuses. Each is sent, in order, while there is
// a connection; who comes late finds the newest one retained.
type signals struct {
	newest  map[string][]byte // by station; empty: no handshake, what is retained is cleared
	waiting []shown
}

type shown struct {
	station string
	payload []byte
}

func newSignals() signals { return signals{newest: map[string][]byte{}} }

func (q *signals) set(s shown, connected bool) {
	q.newest[s.station] = s.payload
	if !connected {
		return
	}
	if len(q.waiting) == signalLimit { // nobody can follow: the newest ones do
		q.waiting = q.waiting[1:]
	}
	q.waiting = append(q.waiting, s)
}

// take returns what is to be sent: of stations that are not in sent the newest
// status alone.
func (q *signals) take(sent map[string]bool) []shown {
	var out []shown
	for station, payload := range q.newest {
		if !sent[station] {
			out = append(out, shown{station, payload})
		}
	}
	for _, s := range q.waiting {
		if sent[s.station] {
			out = append(out, s)
		}
	}
	q.waiting = nil
	return out
}

// SetHandshake says what the PLC is to see on <station>/handshake; nil for a
// station without one. It is sent at once, and after every reconnect.
func (p *Publisher) SetHandshake(name string, s *HandshakeState) {
	payload := []byte{}
	if s != nil {
		s.Schema, s.Site, s.Box, s.Station = HandshakeV1, p.id.Site, p.id.Box, name
		s.Time = verdict.Time{Time: time.Now()}
		payload = encode(s)
	}
	p.mu.Lock()
	p.signals.set(shown{name, payload}, p.queue.open)
	p.mu.Unlock()
	p.poke()
}

// sendSignals sends the statuses that changed, and on a fresh connection all.
func (s *session) sendSignals() {
	s.mu.Lock()
	due := s.signals.take(s.signalled)
	s.mu.Unlock()
	for _, d := range due {
		s.signalled[d.station] = true
		s.send(s.topics.station(d.station, "handshake"), true, d.payload, nil)
	}
}

// forget drops the statuses of stations that are gone.
func (q *signals) forget(known func(station string) bool) {
	for station := range q.newest {
		if !known(station) {
			delete(q.newest, station)
		}
	}
}
