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
	every := s.topics.station("+", "command")
	filters := map[string]byte{s.topics.box("command"): 1, every: 1}
	for _, name := range names {
		s.filters(name, filters)
	}
	denied, err := s.subscribe(ctx, filters)
	if err == nil && slices.Contains(denied, every) {
		s.narrow = true
		err = s.beginNarrow(ctx, names)
	}
	if err != nil {
		return err
	}
	s.subscribed = names
	s.sweepUntil = time.Now().Add(sweepFor)
	s.client.SubscribeMultiple(s.sweeps(), nil) // refused by a strict broker, which does no harm
	return nil
}

// beginNarrow asks for each station's commands where a broker does not let the
// box hear those of stations that there are not.
func (s *session) beginNarrow(ctx context.Context, names []string) error {
	filters := map[string]byte{}
	for _, name := range names {
		filters[s.topics.command(name)] = 1
	}
	if len(filters) == 0 {
		return nil
	}
	_, err := s.subscribe(ctx, filters)
	return err
}

// subscribe returns what the broker denied.
func (s *session) subscribe(ctx context.Context, filters map[string]byte) (denied []string, err error) {
	token := s.client.SubscribeMultiple(filters, nil).(*mqtt.SubscribeToken)
	if err := s.waitFor(ctx, token, "subscription"); err != nil {
		return nil, err
	}
	for filter, granted := range token.Result() {
		if granted == refused {
			denied = append(denied, filter)
			s.log.Error().Str("topic", filter).Msg("the broker refuses the subscription: let this box's user read it")
		}
	}
	return denied, nil
}

// filters are a station's own; its commands come with those of every station,
// known or not.
func (s *session) filters(station string, into map[string]byte) {
	for _, leaf := range []string{"trigger", "ack"} {
		into[s.topics.station(station, leaf)] = 1
	}
	if s.narrow {
		into[s.topics.command(station)] = 1
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
