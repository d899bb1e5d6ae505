package publish

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

// sweepFor is how long a new connection looks for retained messages of
// stations that are not there any more, say since a restart with another config.
const sweepFor = 3 * time.Second

// refused is what a broker grants where it grants nothing.
const refused = 0x80

// begin subscribes, so that a PLC that sees the state finds its trigger heard.
func (s *session) begin(ctx context.Context) error {
	s.mu.Lock()
	names := s.table.names
	s.table.renewed = false
	s.mu.Unlock()
	filters := map[string]byte{s.topics.box("command"): 1}
	for _, name := range names {
		s.filters(name, filters)
	}
	token := s.client.SubscribeMultiple(filters, nil).(*mqtt.SubscribeToken)
	if err := s.waitFor(ctx, token, "subscription"); err != nil {
		return err
	}
	for filter, granted := range token.Result() {
		if granted == refused {
			s.log.Error().Str("topic", filter).Msg("the broker refuses the subscription: let this box's user read it")
		}
	}
	s.subscribed = names
	s.sweepUntil = time.Now().Add(sweepFor)
	s.client.SubscribeMultiple(s.sweeps(), nil) // refused by a strict broker, which does no harm
	return nil
}

func (s *session) filters(station string, into map[string]byte) {
	for _, leaf := range []string{"trigger", "ack", "command"} {
		into[s.topics.station(station, leaf)] = 1
	}
}

func (s *session) sweeps() map[string]byte {
	return map[string]byte{s.topics.station("+", "state"): 1, s.topics.station("+", "last"): 1, s.topics.station("+", "handshake"): 1}
}

func (s *session) waitFor(ctx context.Context, token mqtt.Token, what string) error {
	t := time.NewTimer(s.config.Timeout)
	defer t.Stop()
	select {
	case <-token.Done():
		return token.Error()
	case <-t.C:
		return fmt.Errorf("no answer to the %s within %s", what, s.config.Timeout)
	case <-s.gone:
		return s.cause
	case <-ctx.Done():
		return ctx.Err()
	}
}

// follow subscribes and unsubscribes as stations come and go, and ends the sweep.
func (s *session) follow() {
	s.mu.Lock()
	names, renewed := s.table.names, s.table.renewed
	s.table.renewed = false
	s.mu.Unlock()
	if renewed {
		s.resubscribe(names)
	}
	if !s.sweepUntil.IsZero() && time.Now().After(s.sweepUntil) {
		s.sweepUntil = time.Time{}
		s.enlist(s.client.Unsubscribe(slices.Collect(maps.Keys(s.sweeps()))...), "unsubscription")
	}
}

func (s *session) resubscribe(names []string) {
	more, less := map[string]byte{}, map[string]byte{}
	for _, name := range names {
		if !slices.Contains(s.subscribed, name) {
			s.filters(name, more)
		}
	}
	for _, name := range s.subscribed {
		if !slices.Contains(names, name) {
			s.filters(name, less)
		}
	}
	s.subscribed = names
	if len(more) > 0 {
		s.enlist(s.client.SubscribeMultiple(more, nil), "subscription")
	}
	for filter := range less {
		s.enlist(s.client.Unsubscribe(filter), "unsubscription")
	}
}

// enlist has the answer to a subscription waited for like any acknowledgement.
func (s *session) enlist(token mqtt.Token, what string) {
	select {
	case s.flights <- flight{token: token, sent: time.Now(), what: what}:
	case <-s.gone:
	}
}
