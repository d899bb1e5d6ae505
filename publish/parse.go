package publish

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	// fieldLimit bounds each text that a PLC may send, in bytes.
	fieldLimit = 256
	// payloadLimit bounds what is parsed at all.
	payloadLimit = 16 << 10
)

// parseTrigger never fails: a trigger that cannot be read is still owed an
// answer, with what could be read of it.
func parseTrigger(payload []byte) Trigger {
	payload = bytes.TrimSpace(payload)
	if len(payload) == 0 {
		return Trigger{}
	}
	if len(payload) > payloadLimit {
		t := salvage(payload[:payloadLimit])
		t.Err = fmt.Errorf("trigger: %d bytes, at most %d are read", len(payload), payloadLimit)
		return t
	}
	var fields struct {
		ID      text `json:"id"`
		Part    text `json:"part"`
		Time    text `json:"time"`
		Trigger *bit `json:"trigger"`
	}
	if err := json.Unmarshal(payload, &fields); err != nil {
		t := salvage(payload)
		t.Err = fmt.Errorf(`trigger: %w: send {"id":"…","part":"…"}, or nothing`, err)
		return t
	}
	t := Trigger{ID: clip(string(fields.ID)), Part: clip(string(fields.Part)), Level: (*bool)(fields.Trigger)}
	if len(fields.ID) > fieldLimit || len(fields.Part) > fieldLimit {
		t.Err = fmt.Errorf("trigger: id and part may have %d bytes each", fieldLimit)
	}
	if fields.Time != "" && t.Err == nil {
		var err error
		if t.Time, err = time.Parse(time.RFC3339Nano, string(fields.Time)); err != nil {
			t.Err = fmt.Errorf("trigger: time %q is not RFC 3339, like 2026-11-23T10:15:00Z", clip(string(fields.Time)))
		}
	}
	return t
}

// salvage reads id and part of a trigger that is no JSON, as far as it is: the
// PLC that waits for its answer knows it by them.
func salvage(payload []byte) (t Trigger) {
	d := json.NewDecoder(bytes.NewReader(payload))
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return t
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return t
		}
		var value json.RawMessage
		if d.Decode(&value) != nil {
			return t
		}
		var into text
		if json.Unmarshal(value, &into) != nil {
			continue
		}
		switch key {
		case "id":
			t.ID = clip(string(into))
		case "part":
			t.Part = clip(string(into))
		}
	}
	return t
}

// parseAck reads {"id":"…"}, with the PLC's bit in "ack" or without, or the
// bare id.
func parseAck(payload []byte) (Ack, error) {
	payload = bytes.TrimSpace(payload)
	if len(payload) > payloadLimit {
		return Ack{}, fmt.Errorf("ack: %d bytes, at most %d are read", len(payload), payloadLimit)
	}
	var fields struct {
		ID  text `json:"id"`
		Ack *bit `json:"ack"`
	}
	if !bytes.HasPrefix(payload, []byte("{")) {
		fields.ID = text(bytes.Trim(payload, `"`))
	} else if err := json.Unmarshal(payload, &fields); err != nil {
		return Ack{}, fmt.Errorf(`ack: %w: send {"id":"…"} with the id of the verdict`, err)
	}
	a := Ack{ID: string(fields.ID), Level: (*bool)(fields.Ack)}
	if a.ID == "" && a.Level == nil {
		return a, fmt.Errorf(`ack: it names no verdict: send {"id":"…"}`)
	}
	if len(a.ID) > fieldLimit || !utf8.ValidString(a.ID) {
		return a, fmt.Errorf("ack: %q is no verdict's id", clip(a.ID))
	}
	return a, nil
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

// bit is a truth value, or 0 or 1.
type bit bool

// UnmarshalJSON implements json.Unmarshaler.
func (b *bit) UnmarshalJSON(data []byte) error {
	switch string(data) {
	case "true", "1":
		*b = true
	case "false", "0":
		*b = false
	default:
		return fmt.Errorf("neither true nor false: %.40s", data)
	}
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
