package redact

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
)

// JSON masks the secrets in the texts of a JSON value, or of several, one a
// line. Numbers and the order of keys stay as they are. What is not JSON is
// masked as text.
func JSON(data []byte) []byte {
	if json.Valid(data) {
		return maskJSON(data)
	}
	var out []byte
	for line := range bytes.Lines(data) {
		if !json.Valid(line) {
			return []byte(Text(string(data)))
		}
		out = append(out, maskJSON(line)...)
	}
	return out
}

func maskJSON(data []byte) []byte {
	var out []byte
	done, secret := 0, false // whether the last key holds one
	for i := 0; i < len(data); i++ {
		if data[i] != '"' {
			continue
		}
		start := i
		for i++; data[i] != '"'; i++ { // it is valid
			if data[i] == '\\' {
				i++
			}
		}
		text := unquote(data[start : i+1])
		var safe string
		if isKey(data[i+1:]) {
			secret, safe = isStrong(text), cover(text, find(text, false)) // a learned word may be an ordinary key
		} else if safe = Text(text); secret && text != "" {
			safe = Stars
		}
		if safe != text {
			out = append(append(out, data[done:start]...), quote(safe)...)
			done = i + 1
		}
	}
	if done == 0 {
		return data
	}
	return append(out, data[done:]...)
}

// isKey says whether a colon follows.
func isKey(rest []byte) bool {
	rest = bytes.TrimLeft(rest, " \t\r\n")
	return len(rest) > 0 && rest[0] == ':'
}

func unquote(literal []byte) (text string) {
	if bytes.IndexByte(literal, '\\') < 0 {
		return string(literal[1 : len(literal)-1])
	}
	_ = json.Unmarshal(literal, &text) // it is valid
	return text
}

func quote(text string) []byte {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(text) // to memory
	return []byte(strings.TrimSuffix(b.String(), "\n"))
}

// Writer masks what passes through it: one JSON value a call, as zerolog
// writes its lines.
func Writer(w io.Writer) io.Writer { return writer{w} }

type writer struct{ io.Writer }

// Write implements io.Writer.
func (w writer) Write(line []byte) (int, error) {
	if _, err := w.Writer.Write(JSON(line)); err != nil {
		return 0, err
	}
	return len(line), nil
}
