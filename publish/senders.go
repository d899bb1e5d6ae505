package publish

import (
	"crypto/sha256"
	"sync"
)

// senderLimit bounds the messages whose senders are remembered; each is
// forgotten when it is asked for, which is at once.
const senderLimit = 256

// senders remembers who sent which message to the built-in broker: MQTT 3.1.1
// does not tell its receivers. The zero value is ready.
type senders struct {
	mu   sync.Mutex
	list []sender // oldest first
}

type sender struct {
	message [sha256.Size]byte
	who     string
}

func digest(topic string, payload []byte) [sha256.Size]byte {
	return sha256.Sum256(append([]byte(topic+"\x00"), payload...))
}

func (s *senders) note(topic string, payload []byte, who string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.list = append(s.list, sender{digest(topic, payload), who}); len(s.list) > senderLimit {
		s.list = s.list[1:]
	}
}

// take returns the oldest sender of this message, "" where it is not known.
func (s *senders) take(topic string, payload []byte) string {
	sum := digest(topic, payload)
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, one := range s.list {
		if one.message == sum {
			s.list = append(s.list[:i], s.list[i+1:]...)
			return one.who
		}
	}
	return ""
}

// Sender says who sent a message that the broker has just delivered, as the
// broker knows it: user and client id. It is "" where the broker is not the
// built-in one, since MQTT does not tell. Each message can be asked for once.
func (p *Publisher) Sender(topic string, payload []byte) string {
	if p.broker == nil {
		return ""
	}
	return p.broker.gate.senders.take(topic, payload)
}
