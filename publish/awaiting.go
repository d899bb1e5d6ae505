package publish

import (
	"encoding/json"
	"time"
)

// awaiting is a verdict that is sent to a subscriber of the built-in broker and
// not known to have come.
type awaiting struct {
	entry
	until time.Time // when it goes back to the outbox; zero: the broker itself has not acknowledged it
}

// RequireAcks names the stations whose verdicts leave the outbox only when a
// subscriber of the built-in broker has acknowledged them.
func (p *Publisher) RequireAcks(stations []string) {
	if p.broker == nil {
		return
	}
	p.broker.receipts.require(stations)
	p.mu.Lock()
	p.queue.rewind = true // what was left lying may go now
	p.mu.Unlock()
}

// needsReceipt reports whether a subscriber must have the station's verdicts.
func (p *Publisher) needsReceipt(station string) bool {
	return p.broker != nil && p.broker.receipts.needs(station)
}

// settler returns what is to be told how a sending ended; counted ones are in
// flight for Flush. It is asked for before the sending: a receipt may be quick.
// A verdict that is nowhere but in memory waits for no subscriber.
func (p *Publisher) settler(e entry, counted bool) func(acked bool) {
	if e.repeat || e.key == 0 || !p.needsReceipt(e.station) {
		return func(acked bool) { p.settle(e, acked, counted) }
	}
	id := verdictID(e.payload)
	p.mu.Lock()
	p.queue.awaited[id] = awaiting{entry: e}
	p.mu.Unlock()
	return func(acked bool) { p.confirm(id, acked && p.broker.receipts.subscribed(e.station), counted) }
}

// confirm is the end of a sending to the broker: from here on the subscriber
// has its time, or the verdict rests in the outbox until one comes.
func (p *Publisher) confirm(id string, there, counted bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if counted {
		p.queue.flying--
	}
	a, waits := p.queue.awaited[id]
	switch {
	case !waits: // the receipt was quicker
	case there:
		a.until = time.Now().Add(p.config.Timeout)
		p.queue.busy[a.key] = along // one station's subscriber holds up no other's backlog
		p.queue.awaited[id] = a
	default:
		delete(p.queue.awaited, id)
		p.queue.failed(a.entry, false)
	}
}

// receipt is a subscriber's acknowledgement of a verdict.
func (p *Publisher) receipt(payload []byte) {
	id := verdictID(payload)
	p.mu.Lock()
	defer p.mu.Unlock()
	if a, waits := p.queue.awaited[id]; waits {
		delete(p.queue.awaited, id)
		p.queue.landed(a.entry, false)
		signal(p.acked)
		signal(p.received)
	}
}

// overdue gives back to the outbox what subscribers had their time for.
func (q *queue) overdue(now time.Time) {
	for id, a := range q.awaited {
		if !a.until.IsZero() && now.After(a.until) {
			delete(q.awaited, id)
			q.failed(a.entry, false)
		}
	}
}

// awaitedOf is how many verdicts of a station are on their way to a subscriber.
func (q *queue) awaitedOf(station string) (n int) {
	for _, a := range q.awaited {
		if a.station == station {
			n++
		}
	}
	return n
}

func verdictID(payload []byte) string {
	var v struct {
		ID string `json:"id"`
	}
	_ = json.Unmarshal(payload, &v) // encode has marshalled it
	return v.ID
}
