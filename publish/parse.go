package publish

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

const (
	// fieldLimit bounds each text that a PLC may send, in bytes.
	fieldLimit = 256
	// payloadLimit bounds what is parsed at all, without padding.
	payloadLimit = 16 << 10
)

// parseTrigger never fails: a trigger that cannot be read is still owed an
// answer, with what could be read of it. Keys that it does not know are the
// PLC's own.
func parseTrigger(payload []byte) Trigger {
	text, err := clean(payload)
	if err != nil {
		return Trigger{Err: fmt.Errorf("trigger: %w", err)}
	}
	if len(text) == 0 {
		return Trigger{}
	}
	o := readObject(text)
	if o.err != nil {
		o.err = fmt.Errorf(`%w: send {"id":"…","part":"…"}, or nothing`, o.err)
	}
	t := Trigger{ID: o.name("id"), Part: o.name("part"), Level: o.bit("trigger"), Time: o.moment("time")}
	o.exactly("id", "part", "time", "trigger")
	if o.err != nil {
		t.Err = fmt.Errorf("trigger: %w", o.err)
	}
	return t
}

// parseAck reads {"id":"…"}, with the PLC's bit in "ack" or without, or the
// bare id.
func parseAck(payload []byte) (Ack, error) {
	text, err := clean(payload)
	if err != nil {
		return Ack{}, fmt.Errorf("ack: %w", err)
	}
	a, err := readAck(bytes.TrimSpace(text))
	switch {
	case err != nil:
		return a, fmt.Errorf(`ack: %w: send {"id":"…"} with the id of the verdict`, err)
	case a.ID == "" && a.Level == nil:
		return a, errors.New(`ack: it names no verdict: send {"id":"…"}`)
	}
	return a, nil
}

func readAck(text []byte) (a Ack, err error) {
	switch {
	case bytes.HasPrefix(text, []byte("{")) || bytes.HasPrefix(text, []byte("[")):
		o := readObject(text)
		a = Ack{ID: o.name("id"), Level: o.bit("ack")}
		o.exactly("id", "ack")
		return a, o.err
	case bytes.HasPrefix(text, []byte(`"`)):
		if !jsontext.Value(text).IsValid() {
			return a, errors.New("the quoted id is not a JSON string")
		}
		a.ID = unquote(text)
	default:
		a.ID = string(text)
	}
	if err := checkName(a.ID); err != nil {
		return Ack{}, fmt.Errorf("the id %w", err)
	}
	return a, nil
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
