package publish

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzTrigger holds that no payload makes the parser fall over, or lets more
// through than it may.
func FuzzTrigger(f *testing.F) {
	for _, seed := range []string{
		"", "{}", `{"id":"t-88","part":"A"}`, "\xef\xbb\xbf{}\x00\x00", `{"id":"a","id":"b"}`, `{"id":1e999}`, `{"id":"t"`, `{"id":{"a":[1,{`, `{"trigger":1}`, "[", "\xff\xfe", `{"id":"\ud800"}`,
		`{"id":"` + strings.Repeat("é", 200) + `"}`, `{"part":"` + strings.Repeat("x", 20000),
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		got := parseTrigger(payload)
		for _, s := range []string{got.ID, got.Part} {
			if len(s) > fieldLimit || !utf8.ValidString(s) {
				t.Errorf("%q is let through", s)
			}
		}
		text := bytes.TrimRight(bytes.TrimPrefix(payload, mark), "\x00 \t\r\n")
		if got.Err == nil && len(text) > 0 && !json.Valid(text) {
			t.Errorf("%q passes for a trigger", payload)
		}
		if got.Err == nil && !utf8.Valid(payload) {
			t.Errorf("%q passes for UTF-8", payload)
		}
	})
}

// FuzzAck holds the same of acknowledgements, and that each names a result or
// is a bit.
func FuzzAck(f *testing.F) {
	for _, seed := range []string{"", "01JD", `"01JD"`, `{"id":"01JD"}`, `{"ack":0}`, `{"id":7,"ack":true}`, `{"ack":[`, "\xff", "{"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		got, err := parseAck(payload)
		if err != nil {
			return
		}
		if got.ID == "" && got.Level == nil || len(got.ID) > fieldLimit || !utf8.ValidString(got.ID) {
			t.Errorf("%q passes as %+v", payload, got)
		}
	})
}
