package sparkplug

import (
	"fmt"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

// fence proves that messages reached the broker, which Sparkplug's QoS 0 does
// not: an UNSUBSCRIBE from a topic that was never subscribed to goes after them
// on the same connection, changes nothing, and is answered in any case
// (MQTT-3.10.4-5). Its answer means that the broker has read what went before.
type fence struct {
	sent   []entry // since the last fence
	behind []entry // the fence that is under way
	token  mqtt.Token
	at     time.Time
}

// add notes a verdict that was just sent.
func (f *fence) add(e entry) { f.sent = append(f.sent, e) }

func (f *fence) pending() bool { return len(f.sent)+len(f.behind) > 0 }

// done is closed when the fence under way is answered; nil where there is none.
func (f *fence) done() <-chan struct{} {
	if f.token == nil {
		return nil
	}
	return f.token.Done()
}

// put builds a fence behind what was sent.
func (f *fence) put(c mqtt.Client, topic string) {
	f.behind, f.sent = f.sent, nil
	f.token, f.at = c.Unsubscribe(topic), time.Now()
}

// passed returns what was behind the fence once it is answered.
func (f *fence) passed(timeout time.Duration) ([]entry, error) {
	if f.token == nil {
		return nil, nil
	}
	select {
	case <-f.token.Done():
	default:
		if time.Since(f.at) > timeout {
			return nil, fmt.Errorf("the broker did not answer within %s", timeout)
		}
		return nil, nil
	}
	if err := f.token.Error(); err != nil {
		return nil, err
	}
	out := f.behind
	f.behind, f.token = nil, nil
	return out, nil
}

// abandon returns everything of which it is not known whether it arrived.
func (f *fence) abandon() []entry { return append(f.behind, f.sent...) }

// delivery is a verdict that reached the broker.
type delivery struct {
	entry
	at time.Time
}

// acknowledge looks after the fence, and has what is delivered taken from the
// feed.
func (s *session) acknowledge(ticked bool) error {
	passed, err := s.fence.passed(s.timeout)
	if err != nil {
		err = fmt.Errorf("verdicts are not known to have arrived: %w", err)
		s.line.Fail(err)
		return err
	}
	now := time.Now()
	for _, e := range passed {
		if e.historical {
			<-s.slots
		}
		if e.key > 0 {
			e.metrics = nil // it can be read from the feed again
		}
		s.acked = append(s.acked, delivery{e, now})
	}
	if s.fence.token == nil && len(s.fence.sent) > 0 {
		s.fence.put(s.line.Client, s.topics.of(ndata))
	}
	if len(passed) > 0 || ticked {
		s.land(now)
	}
	if s.isGone() {
		return s.line.Cause()
	}
	return nil
}

// land books what reached the broker long enough ago that the primary host
// cannot have been away already without the broker having said so.
func (s *session) land(now time.Time) {
	before := now
	if s.config.PrimaryHost != "" {
		before = now.Add(-s.config.Grace)
	}
	n := 0
	s.mu.Lock()
	for n < len(s.acked) && !s.acked[n].at.After(before) {
		s.queue.landed(s.acked[n].entry)
		n++
	}
	s.mu.Unlock()
	if n == 0 {
		return
	}
	s.acked = append(s.acked[:0:0], s.acked[n:]...)
	signal(s.Node.acked)
}
