package publish

import (
	"time"

	"faird/verdict"
)

// Status is the publisher as /readyz, the page and the metrics show it.
type Status struct {
	Connected  bool
	Broker     string    // URL, without a password
	Builtin    bool      // the broker is the one inside
	Since      time.Time // of being connected, or not
	Err        string    // why not connected
	Reconnects uint64    // connections lost since the start
	Live       int       // verdicts queued or in flight on this connection
	Held       int       // verdicts that wait in memory alone
	HeldLost   uint64    // those given up because memory is bounded
	Inbound    Inbound
}

// Status does not wait for anything.
func (p *Publisher) Status() Status {
	p.mu.Lock()
	defer p.mu.Unlock()
	return Status{
		Connected: p.link.connected, Broker: p.link.url, Builtin: p.broker != nil, Since: p.link.since,
		Err: p.link.err, Reconnects: p.link.reconnects, Inbound: p.link.inbound,
		Live: p.queue.pending(), Held: len(p.queue.held), HeldLost: p.queue.heldLost,
	}
}

// boxState is the online form.
func (p *Publisher) boxState() BoxState {
	t := p.Status()
	b := BoxState{
		Schema: BoxV1, Site: p.id.Site, Box: p.id.Box, State: "online", Version: p.id.Version,
		Broker: &BrokerState{
			URL: t.Broker, Builtin: t.Builtin, Since: verdict.Time{Time: t.Since},
			Reconnects: t.Reconnects, Held: t.Held, HeldLost: t.HeldLost,
		},
		Inbound: &t.Inbound,
	}
	if p.outbox != nil {
		w := p.outbox.Waiting()
		b.Outbox = &w
	}
	p.mu.Lock()
	b.Stations = p.table.bits()
	p.mu.Unlock()
	return b
}

// offline is the will, and with the time the last word of an orderly stop.
func (p *Publisher) offline(why string, at time.Time) []byte {
	return encode(BoxState{
		Schema: BoxV1, Site: p.id.Site, Box: p.id.Box, State: "offline", Why: why,
		Version: p.id.Version, Time: verdict.Time{Time: at},
	})
}

// count changes the figures of what came in.
func (p *Publisher) count(change func(*Inbound)) {
	p.mu.Lock()
	change(&p.link.inbound)
	p.mu.Unlock()
}
