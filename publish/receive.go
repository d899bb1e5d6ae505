package publish

import (
	"slices"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

// receive sorts what the broker delivers. It runs on paho's goroutine and must
// not wait.
func (p *Publisher) receive(m mqtt.Message) {
	station, leaf, ok := p.topics.split(m.Topic())
	switch {
	case !ok:
	case leaf == "state" || leaf == "last" || leaf == "handshake":
		p.sweep(station, m)
	case m.Retained():
		p.count(func(i *Inbound) { i.Retained++ })
		p.log.Warn().Str("topic", m.Topic()).Msg("a retained message is ignored: it may be from any time, publish it without retain")
	case leaf == "trigger":
		p.trigger(station, m.Payload())
	case leaf == "ack":
		p.ack(station, m.Payload())
	case leaf == "command":
		p.command(station, m.Topic(), m.Payload())
	}
}

// sweep clears what an earlier config left retained.
func (p *Publisher) sweep(station string, m mqtt.Message) {
	if !m.Retained() || station == "" || len(m.Payload()) == 0 {
		return
	}
	p.mu.Lock()
	known := p.table.knows(station)
	if !known && !slices.Contains(p.table.gone, station) {
		p.table.gone = append(p.table.gone, station)
	}
	p.mu.Unlock()
	if !known {
		p.poke()
	}
}

func (p *Publisher) trigger(station string, payload []byte) {
	t := parseTrigger(payload)
	t.Received = time.Now()
	if t.Err != nil {
		p.count(func(i *Inbound) { i.Invalid++ })
		p.log.Warn().Str("station", station).Err(t.Err).Msg("a trigger cannot be read")
	}
	p.handler.Trigger(station, t)
}

func (p *Publisher) ack(station string, payload []byte) {
	a, err := parseAck(payload)
	if err != nil {
		p.count(func(i *Inbound) { i.Invalid++ })
		p.log.Warn().Str("station", station).Err(err).Msg("an acknowledgement cannot be read")
		return
	}
	p.handler.Ack(station, a)
}
