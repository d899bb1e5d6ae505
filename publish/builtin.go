package publish

import "time"

// BuiltinStatus is the broker inside the daemon as /readyz and the metrics show it.
type BuiltinStatus struct {
	Err            string        // why it does not serve clients
	RoundTrip      time.Duration // of the last look at itself: connect, subscribe, publish, receive
	AcceptFailures uint64        // connections that could not be accepted
	Limits         []Use
}

// Builtin is nil where the config names a broker, and before Run has started the
// one inside.
func (p *Publisher) Builtin() *BuiltinStatus {
	if p.broker == nil || p.Status().Broker == "" {
		return nil
	}
	return p.broker.status()
}

func (b *broker) status() *BuiltinStatus {
	s := &BuiltinStatus{AcceptFailures: b.listener.Failures(), Limits: b.uses()}
	took, err := b.health.get()
	if s.RoundTrip = took; err != nil {
		s.Err = err.Error()
	}
	return s
}

// uses are the limits in the order of the config.
func (b *broker) uses() []Use {
	l := b.config.Limits
	away, most, queued := b.bounds.figures()
	retained, retainedBytes := b.quotas.figures()
	fullest, all := b.quotas.subscribed()
	list := []Use{
		kept("sockets", l.Sockets, b.listener.Sockets()),
		kept("user_sockets", l.UserSockets, b.gate.mostSockets()),
		{Limit: "connect_timeout", Max: l.ConnectTimeout.Seconds()},
		{Limit: "wrong_passwords", Max: float64(l.WrongPasswords)},
		{Limit: "packet", Max: float64(l.Packet)},
		kept("unread", l.Unread, b.listener.MostUnread()),
		kept("sessions", l.Sessions, away),
		{Limit: "session_expiry", Max: l.SessionExpiry.Seconds()},
		kept("session_messages", l.SessionMessages, most),
		kept("queued_bytes", l.QueuedBytes, max(queued, b.listener.Held())),
		kept("retained_messages", l.RetainedMessages, retained),
		kept("retained_bytes", l.RetainedBytes, retainedBytes),
		kept("session_subscriptions", l.SessionSubscriptions, fullest),
		kept("subscriptions", l.Subscriptions, all),
	}
	for i := range list {
		list[i].Reached = b.reached.times(list[i].Limit)
	}
	return list
}

func kept[M, N ~int | ~int64](limit string, most M, now N) Use {
	return Use{Limit: limit, Max: float64(most), Now: float64(now), Kept: true}
}
