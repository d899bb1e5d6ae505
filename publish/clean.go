package publish

import (
	"bytes"
	"errors"
	"fmt"
	"unicode/utf8"
)

// mark is the byte order mark in UTF-8.
var mark = []byte("\xef\xbb\xbf")

// clean removes what a PLC puts around a text when it sends its whole string
// buffer: one byte order mark at the start, and NUL bytes and white space at the
// end. The rest must be UTF-8 without NUL; nothing is read of what is not. The
// same holds for triggers, acknowledgements and commands.
func clean(payload []byte) ([]byte, error) {
	if isUTF16(payload) {
		return nil, errors.New("the payload is UTF-16: send it as UTF-8")
	}
	text := bytes.TrimRight(bytes.TrimPrefix(payload, mark), "\x00 \t\r\n")
	if at := notUTF8(text); at >= 0 {
		return nil, fmt.Errorf("byte %d is 0x%02X, which is not UTF-8: strings of a PLC are often Latin-1 or Windows-1252, convert them", at+1, text[at])
	}
	if at := bytes.IndexByte(text, 0); at >= 0 {
		return nil, fmt.Errorf("byte %d is NUL, and more follows: send the string, not what else is in its buffer", at+1)
	}
	return text, nil
}

// isUTF16 goes by the byte order mark, or by the zero bytes that UTF-16 puts
// into ASCII, in the first two characters.
func isUTF16(p []byte) bool {
	if bytes.HasPrefix(p, []byte{0xff, 0xfe}) || bytes.HasPrefix(p, []byte{0xfe, 0xff}) {
		return true
	}
	if len(p) < 4 {
		return false
	}
	little := p[0] != 0 && p[1] == 0 && p[2] != 0 && p[3] == 0
	big := p[0] == 0 && p[1] != 0 && p[2] == 0 && p[3] != 0
	return little || big
}

// notUTF8 is where the first byte is that cannot be in UTF-8; -1: nowhere.
func notUTF8(text []byte) int {
	if utf8.Valid(text) {
		return -1
	}
	for at := 0; ; {
		r, size := utf8.DecodeRune(text[at:])
		if r == utf8.RuneError && size <= 1 {
			return at
		}
		at += size
	}
}
