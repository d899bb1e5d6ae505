package publish

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// Texts that differ stay different, or are refused: no two parts become one.
func TestNoTwoIDsBecomeOne(t *testing.T) {
	for _, pair := range [][2]string{
		{"{\"id\":\"T\xe4\"}", "{\"id\":\"T\xf6\"}"}, // Latin-1
		{`{"id":"T\ud800"}`, `{"id":"T\ud801"}`},
		{"{\"id\":\"T\ufffd\"}", `{"id":"T\ufffd"}`}, // a converter has been at work
		{`{"id":"t-1\u0000"}`, `{"id":"t-1\u0000\u0000"}`},
		{`{"id":88}`, `{"id":88.0}`},
		{`{"id":88}`, `{"id":8.8e1}`},
		{`{"id":0}`, `{"id":-0}`},
		{`{"id":9007199254740993}`, `{"id":9007199254740992}`}, // beyond a double
		{`{"id":1e400}`, `{"id":1e401}`},
		{`{"id":"t"}`, `{"id":"t "}`},
	} {
		a, b := parseTrigger([]byte(pair[0])), parseTrigger([]byte(pair[1]))
		if a.Err == nil && b.Err == nil && a.ID == b.ID {
			t.Errorf("%s and %s are both %q", pair[0], pair[1], a.ID)
		}
	}
}

// Of what is not UTF-8 nothing is read.
func TestNothingIsReadOfAnotherEncoding(t *testing.T) {
	for _, payload := range []string{"{\"id\":\"t-1\",\"part\":\"T\xe4\"}", utf16Bytes(`{"id":"t-1"}`, true), "{\"id\":\"t-1\"}\x00rest"} {
		if got := parseTrigger([]byte(payload)); got.Err == nil || got.ID != "" || got.Part != "" {
			t.Errorf("%q is read as %+v", payload, got)
		}
	}
}

// An id means the same in a trigger, an acknowledgement and a command.
func TestIDsMeanTheSameEverywhere(t *testing.T) {
	long := strings.Repeat("x", 257)
	for value, want := range map[string]string{ // "": refused
		`"t-88"`: "t-88", `88`: "88", `"88"`: "88", `88.0`: "88.0", `8.8e1`: "8.8e1", `-0`: "-0", `1e400`: "1e400",
		`123456789012345678901234567890`: "123456789012345678901234567890", `"Tür"`: "Tür", `"\u00e4"`: "ä", `"\u001d"`: "\x1d",
		`"a\u0000"`: "", `"\ud800"`: "", `"\ufffd"`: "", `true`: "", `[1]`: "", `{"a":1}`: "", `01`: "", `"` + long + `"`: "",
	} {
		trigger := parseTrigger(fmt.Appendf(nil, `{"id":%s}`, value))
		ack, ackErr := parseAck(fmt.Appendf(nil, `{"id":%s,"ack":true}`, value))
		var c Command
		commandErr := parseCommand(fmt.Appendf(nil, `{"id":%s,"command":"pause"}`, value), &c)
		for what, is := range map[string]struct {
			id  string
			err error
		}{"trigger": {trigger.ID, trigger.Err}, "ack": {ack.ID, ackErr}, "command": {c.ID, commandErr}} {
			if (is.err == nil) != (want != "") || want != "" && is.id != want {
				t.Errorf("%s with %.40s: %.40q, %v; want %q", what, value, is.id, is.err, want)
			}
		}
	}
	for payload, want := range map[string]string{"88": "88", `"88"`: "88", "88.0": "88.0", "01JD\x00\x00": "01JD", "\xef\xbb\xbf01JD\r\n": "01JD", ` "01JD" `: "01JD", `"t\u00e4"`: "tä"} {
		if a, err := parseAck([]byte(payload)); err != nil || a.ID != want {
			t.Errorf("bare %q: %+v, %v; want %q", payload, a, err, want)
		}
	}
}

func TestKeysThatAreThereTwice(t *testing.T) {
	tests := map[string]struct {
		payload  string
		id, part string // what the answer echoes
		says     string
	}{
		"id":              {`{"part":"A","id":"t-1","id":"t-2"}`, "", "A", `"id" is there twice`},
		"the same id":     {`{"id":"t-1","id":"t-1"}`, "", "", `"id" is there twice`},
		"escaped":         {`{"id":"t-1","\u0069d":"t-2"}`, "", "", `"id" is there twice`},
		"part":            {`{"id":"t-1","part":"A","part":"B"}`, "t-1", "", `"part" is there twice`},
		"the PLC's own":   {`{"id":"t-1","shift":1,"shift":2}`, "t-1", "", `"shift" is there twice`},
		"further down":    {`{"id":"t-1","own":{"a":1,"a":2}}`, "t-1", "", `"a" is there twice`},
		"another case":    {`{"id":"t-1","ID":"t-2"}`, "t-1", "", `"ID" must be written "id"`},
		"in the wrong":    {`{"Id":"t-1"}`, "", "", `"Id" must be written "id"`},
		"part in capital": {`{"id":"t-1","PART":"A"}`, "t-1", "", `"PART" must be written "part"`},
	}
	for name, test := range tests {
		got := parseTrigger([]byte(test.payload))
		if got.ID != test.id || got.Part != test.part || got.Err == nil || !strings.Contains(got.Err.Error(), test.says) {
			t.Errorf("%s: %+v, want %q", name, got, test.says)
		}
	}
	if a, err := parseAck([]byte(`{"id":"a","id":"b"}`)); err == nil {
		t.Errorf("an acknowledgement of two verdicts is taken: %+v", a)
	}
	var c Command
	if err := parseCommand([]byte(`{"id":"1","command":"pause","command":"resume"}`), &c); err == nil || c.ID != "1" || c.Command != "" {
		t.Errorf("two commands in one: %+v, %v", c, err)
	}
}

// internal is what an error to a PLC's programmer must not speak of.
var internal = regexp.MustCompile(`\bGo\b|golang|struct|[Uu]nmarshal|publish\.|json:|jsontext|encoding/|float64|\bint\b|bool\b|interface|nil\b|runtime|reflect`)

func TestErrorsSpeakOfJSON(t *testing.T) {
	values := []string{`null`, `true`, `"x"`, `7`, `-1.5e3`, `[1,2]`, `{"a":{}}`, `""`, `1e400`, `tru`}
	fields := map[string][]string{
		"trigger": {"id", "part", "time", "trigger"},
		"ack":     {"id", "ack"},
		"command": {"id", "by", "command", "threshold", "review", "model", "count", "value"},
	}
	commands := []string{"threshold", "model", "pause", "save", "explode"}
	refused := map[string]bool{}
	note := func(what, payload string, err error) {
		if err == nil {
			return
		}
		refused[what] = true
		if found := internal.FindString(err.Error()); found != "" {
			t.Errorf("%s %s: %q in %q", what, payload, found, err)
		}
	}
	each := func(payload, field string) {
		note("trigger "+field, payload, parseTrigger([]byte(payload)).Err)
		_, err := parseAck([]byte(payload))
		note("ack "+field, payload, err)
		var c Command
		if err = parseCommand([]byte(payload), &c); err == nil {
			err = c.Check("cap")
		}
		note("command "+field, payload, err)
	}
	for _, value := range values {
		each(value, "whole")
		for _, field := range fields["trigger"] {
			each(fmt.Sprintf(`{"x":1,%q:%s}`, field, value), field)
		}
		for _, field := range fields["ack"] {
			each(fmt.Sprintf(`{%q:%s}`, field, value), field)
		}
		for _, field := range fields["command"] {
			each(fmt.Sprintf(`{%q:%s}`, field, value), field)
			for _, c := range commands {
				each(fmt.Sprintf(`{"command":%q,%q:%s}`, c, field, value), field)
			}
		}
	}
	for what, list := range fields {
		for _, field := range list {
			if !refused[what+" "+field] {
				t.Errorf("no value of %s's %q was refused", what, field)
			}
		}
	}
	for payload, says := range map[string]string{
		`{"id":[1]}`:                         `field "id" must be a string or a number, got an array`,
		`{"id":true}`:                        `field "id" must be a string or a number, got true or false`,
		`{"time":7}`:                         `field "time" must be a string, got a number`,
		`{"time":"noon"}`:                    `field "time": "noon" is not RFC 3339`,
		`{"trigger":2}`:                      `field "trigger" must be true, false, 1 or 0, got 2`,
		`1`:                                  `want a JSON object, got a number`,
		`"t-88"`:                             `want a JSON object, got a string`,
		`null`:                               `want a JSON object, got null`,
		`[]`:                                 `want a JSON object, got an array`,
		`pause`:                              `not JSON: byte 1`,
		`{"id":"t-1"`:                        `not JSON: it ends too early`,
		`{"id":"t-1"}{"id":"t-2"}`:           `more follows the JSON object, after byte 12`,
		`{"id":"t-1"} and so on`:             `more follows the JSON object, after byte 12`,
		"{\"id\":\"two\nlines\"}":            `not JSON: byte 11`,
		`{"id":"t-1",}`:                      `not JSON: byte 12`,
		`{'id':'t-1'}`:                       `not JSON: byte 2`,
		strings.Repeat(`[`, 1<<14):           `want a JSON object, got an array`,
		`{"a":` + strings.Repeat(`[`, 16000): `not JSON`,
	} {
		if err := parseTrigger([]byte(payload)).Err; err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%.60s: %.200v, want %q", payload, err, says)
		}
	}
}
