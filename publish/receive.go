package publish

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

const (
	// fieldLimit bounds each text that a PLC may send, in bytes.
	fieldLimit = 256
	// payloadLimit bounds what is parsed at all.
	payloadLimit = 16 << 10
)

// receive sorts what the broker delivers. It runs on paho's goroutine and must
// not wait.
func (p *Publisher) receive(m mqtt.Message) {
	station, leaf, ok := p.topics.split(m.Topic())
	switch {
	case !ok:
	case leaf == "state" || leaf == "last":
		p.sweep(station, m)
	case m.Retained():
		p.count(func(i *Inbound) { i.Retained++ })
		p.log.Warn().Str("topic", m.Topic()).Msg("a retained message is ignored: it may be from any time, publish it without retain")
	case leaf == "trigger":
		p.trigger(station, m.Payload())
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

// parseTrigger never fails: a trigger that cannot be read is still owed an
// answer, with what could be read of it.
func parseTrigger(payload []byte) Trigger {
	payload = bytes.TrimSpace(payload)
	if len(payload) == 0 {
		return Trigger{}
	}
	if len(payload) > payloadLimit {
		return Trigger{Err: fmt.Errorf("trigger: %d bytes, at most %d are read", len(payload), payloadLimit)}
	}
	var fields struct {
		ID   text `json:"id"`
		Part text `json:"part"`
		Time text `json:"time"`
	}
	err := json.Unmarshal(payload, &fields)
	if err != nil {
		err = fmt.Errorf(`trigger: %w: send {"id":"…","part":"…"}, or nothing`, err)
	}
	t := Trigger{ID: clip(string(fields.ID)), Part: clip(string(fields.Part)), Err: err}
	if t.Err == nil && (len(fields.ID) > fieldLimit || len(fields.Part) > fieldLimit) {
		t.Err = fmt.Errorf("trigger: id and part may have %d bytes each", fieldLimit)
	}
	if fields.Time != "" && t.Err == nil {
		if t.Time, err = time.Parse(time.RFC3339Nano, string(fields.Time)); err != nil {
			t.Err = fmt.Errorf("trigger: time %q is not RFC 3339, like 2026-11-23T10:15:00Z", clip(string(fields.Time)))
		}
	}
	return t
}

// text is a string, or a number as PLCs that count their parts send it.
type text string

// UnmarshalJSON implements json.Unmarshaler.
func (t *text) UnmarshalJSON(data []byte) error {
	var s string
	if json.Unmarshal(data, &s) == nil {
		*t = text(s)
		return nil
	}
	var n json.Number
	if err := json.Unmarshal(data, &n); err != nil {
		return fmt.Errorf("neither text nor number: %.40s", data)
	}
	*t = text(n)
	return nil
}

// clip bounds what is echoed and logged, at a character's end.
func clip(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) <= fieldLimit {
		return s
	}
	s = s[:fieldLimit]
	for !utf8.ValidString(s) {
		s = s[:len(s)-1]
	}
	return s
}
