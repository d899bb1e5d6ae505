// Package redact masks secrets in text that leaves the process: logs, errors,
// states, reports. It recognises a secret by its shape (the password of a URL,
// password=…, a private key) and by its value once [Learn] has been told it.
// When in doubt it masks: a password may hold any character, so where it ends
// is a guess. The scheme, host and path of ordinary URLs stay readable.
//
// Shapes alone cannot be complete. In "rtsp://u:a@b c://d@host" nothing tells a
// password with a space from two URLs. Learned values close that gap.
package redact

import (
	"slices"
	"strings"
)

// Stars stand in the place of a secret.
const Stars = "******"

// Text masks the secrets in free text.
func Text(text string) string {
	return settle(text, func(text string) string { return known.mask(cover(text, find(text, false))) })
}

// URL masks the secrets in a string that holds a URL or a pipeline and nothing
// else, so that even a space belongs to it. Learned values play no part: the
// result depends on the string alone.
func URL(address string) string {
	return settle(address, func(address string) string { return cover(address, find(address, true)) })
}

// settle masks until nothing changes: what hid a secret may be masked itself.
// So masking twice is masking once.
func settle(text string, mask func(string) string) string {
	for range 4 {
		masked := mask(text)
		if masked == text {
			break
		}
		text = masked
	}
	return text
}

// Error is err with its text masked; nil for nil. [errors.Is] and [errors.As]
// see through it.
func Error(err error) error {
	if err == nil {
		return nil
	}
	return masked{err}
}

type masked struct{ error }

func (m masked) Error() string { return Text(m.error.Error()) }
func (m masked) Unwrap() error { return m.error }

// span is where a secret stands in a text.
type span struct {
	start, end int
	least      int // bytes from which on it is worth learning
}

// find returns the secrets in text that show by their shape, in order and
// without overlap. Whole says that text is a URL from its first byte to its
// last.
func find(text string, whole bool) []span {
	spans := tokens(text)
	if s := (scanner{text: text}); whole && s.one() {
		s.scan()
		return union(append(spans, s.spans...))
	}
	for start, line := range lines(text) {
		s := scanner{text: line}
		s.scan()
		for _, p := range s.spans {
			spans = append(spans, span{p.start + start, p.end + start, p.least})
		}
	}
	return union(spans)
}

// lines yields the lines of text with where they start.
func lines(text string) func(yield func(int, string) bool) {
	return func(yield func(int, string) bool) {
		start := 0
		for line := range strings.Lines(text) {
			if !yield(start, line) {
				return
			}
			start += len(line)
		}
	}
}

// union sorts spans and joins those that overlap.
func union(spans []span) []span {
	slices.SortFunc(spans, func(a, b span) int { return a.start - b.start })
	out := spans[:0]
	for _, s := range spans {
		switch last := len(out) - 1; {
		case s.start >= s.end:
		case last >= 0 && s.start < out[last].end:
			out[last].end = max(out[last].end, s.end)
		default:
			out = append(out, s)
		}
	}
	return out
}

// cover puts stars in the place of each span.
func cover(text string, spans []span) string {
	if len(spans) == 0 {
		return text
	}
	var b strings.Builder
	done := 0
	for _, s := range spans {
		b.WriteString(text[done:s.start])
		b.WriteString(Stars)
		done = s.end
	}
	b.WriteString(text[done:])
	return b.String()
}
