package config

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"unicode/utf16"

	"faird/config/redact"
)

// maxSecret bounds a file that holds a password.
const maxSecret = 64 << 10

// ReadSecret reads a password or token from a file of its own. The line break
// that editors leave at the end is no part of it. Like the config itself the
// file may begin with a byte order mark and may be UTF-16, as Windows writes it.
// From then on the secret is masked in logs and errors.
func ReadSecret(path string) (string, error) {
	data, err := readFile(path, maxSecret)
	if err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	text, err := decodeText(data)
	if err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	if text = strings.TrimSuffix(strings.TrimSuffix(text, "\n"), "\r"); text == "" {
		return "", fmt.Errorf("%s: empty", path)
	}
	redact.Learn(text)
	return text, nil
}

var byteOrderMarks = []struct {
	mark  string
	order binary.ByteOrder // nil: UTF-8
}{
	{"\xef\xbb\xbf", nil},
	{"\xff\xfe", binary.LittleEndian},
	{"\xfe\xff", binary.BigEndian},
}

// decodeText decodes what the byte order mark says, the bytes themselves where
// there is none.
func decodeText(data []byte) (string, error) {
	for _, b := range byteOrderMarks {
		switch rest, ok := bytes.CutPrefix(data, []byte(b.mark)); {
		case ok && b.order == nil:
			return string(rest), nil
		case ok && len(rest)%2 != 0:
			return "", errors.New("UTF-16 that ends within a character: save the file as UTF-8")
		case ok:
			return decodeUTF16(rest, b.order), nil
		}
	}
	if bytes.IndexByte(data, 0) >= 0 {
		return "", errors.New("holds zero bytes, as UTF-16 without a byte order mark does: save the file as UTF-8")
	}
	return string(data), nil
}

func decodeUTF16(data []byte, order binary.ByteOrder) string {
	units := make([]uint16, len(data)/2)
	for i := range units {
		units[i] = order.Uint16(data[2*i:])
	}
	return string(utf16.Decode(units))
}
