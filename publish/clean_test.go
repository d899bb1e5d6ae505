package publish

import (
	"strings"
	"testing"
	"unicode/utf16"
)

// utf16Bytes is a text as a PLC sends a WSTRING.
func utf16Bytes(s string, little bool) string {
	var out []byte
	for _, u := range utf16.Encode([]rune(s)) {
		high, low := byte(u>>8), byte(u)
		if little {
			high, low = low, high
		}
		out = append(out, high, low)
	}
	return string(out)
}

func TestWhatIsAroundAPayload(t *testing.T) {
	const text = `{"id":"t-1"}`
	zeros := strings.Repeat("\x00", 256)
	tests := map[string]struct{ payload, want, err string }{
		"nothing":               {"", "", ""},
		"plain":                 {text, text, ""},
		"NUL at the end":        {text + "\x00", text, ""},
		"a whole buffer":        {text + zeros, text, ""},
		"NUL and line ends":     {text + "\r\n\x00\x00\r\n", text, ""},
		"a buffer of NUL":       {zeros, "", ""},
		"white space alone":     {" \r\n\t", "", ""},
		"byte order mark":       {"\xef\xbb\xbf" + text, text, ""},
		"mark and buffer":       {"\xef\xbb\xbf" + text + zeros, text, ""},
		"mark alone":            {"\xef\xbb\xbf", "", ""},
		"umlauts":               {`{"id":"Tür"}`, `{"id":"Tür"}`, ""},
		"a replacement":         {`{"id":"T` + "\ufffd" + `"}`, `{"id":"T` + "\ufffd" + `"}`, ""}, // is UTF-8; ids refuse it
		"Latin-1":               {"{\"id\":\"T\xe4\"}", "", "byte 9 is 0xE4, which is not UTF-8"},
		"cut in a character":    {"{\"id\":\"T\xc3", "", "byte 9 is 0xC3"},
		"a surrogate":           {"\xed\xa0\x80", "", "byte 1 is 0xED"},
		"old text in a buffer":  {text + "\x00009\"}", "", "byte 13 is NUL"},
		"NUL in front":          {"\x00" + text, "", "byte 1 is NUL"},
		"UTF-16":                {utf16Bytes(text, true), "", "UTF-16"},
		"UTF-16, big end first": {utf16Bytes(text, false), "", "UTF-16"},
		"UTF-16 with mark":      {utf16Bytes("\ufeff"+text, true), "", "UTF-16"},
		"UTF-16, mark, big end": {utf16Bytes("\ufeff"+text, false), "", "UTF-16"},
		"one digit in a buffer": {"7\x00\x00\x00", "7", ""},
	}
	for name, test := range tests {
		got, err := clean([]byte(test.payload))
		if string(got) != test.want || (err != nil) != (test.err != "") || err != nil && !strings.Contains(err.Error(), test.err) {
			t.Errorf("%s: %q, %v; want %q, %q", name, got, err, test.want, test.err)
		}
	}
}
