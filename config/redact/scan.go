package redact

import (
	"regexp"
	"sort"
	"strings"
)

// scanner finds the secrets in one line of text, or in one URL. Its work grows
// with the length of the text alone: a line may be what an attacker sent.
type scanner struct {
	text    string
	ats     []int  // where an @ can stand before a host
	escaped []int  // the same for %40
	current span   // the run without white space that was looked at last
	logins  []span // passwords of URLs
	regions []span // URLs whose end is known, so that a space does not end a value in them
	spans   []span // everything found
}

// one prepares the scanner for a text that is a single URL, if it is one.
func (s *scanner) one() bool {
	switch m := opener.FindStringIndex(s.text); {
	case m != nil && m[0] == 0:
	case len(s.text) >= len(pipeline) && strings.EqualFold(s.text[:len(pipeline)], pipeline):
		return false
	case !strings.Contains(s.text, "@"):
		return false
	}
	s.regions = []span{{end: len(s.text)}}
	return true
}

// pipeline is how the URL of a GStreamer camera begins.
const pipeline = "gstreamer:"

func (s *scanner) scan() {
	s.ats = places(s.text, "@")
	if strings.IndexByte(s.text, '%') >= 0 {
		s.escaped = places(s.text, "%40")
	}
	if strings.ContainsAny(s.text, "/%") { // as in :// and %2F
		s.urls()
	}
	if len(s.ats) > 0 {
		s.bare()
	}
	s.logins = union(s.logins)
	s.spans = append(s.spans, s.logins...)
	s.pairs()
}

// places are where an @, written as mark, can stand before a host.
func places(text, mark string) []int {
	var list []int
	for i := 0; ; i++ {
		n := strings.Index(text[i:], mark)
		if n < 0 {
			return list
		}
		if i += n; !rate.MatchString(text[i:min(len(text), i+longestRate)]) {
			list = append(list, i)
		}
	}
}

// rate is the @ of expect=1920x1080@25.
var rate = regexp.MustCompile(`^(?:@|%40)\d+(?:\.\d+)?(?:[&"'\\\s,;)]|:\s|%26|:?$)`)

const longestRate = 32 // bytes

// login notes a password.
func (s *scanner) login(start, end int) {
	if start < end {
		s.logins = append(s.logins, span{start, end, leastStrong})
	}
}

// inLogin says whether a position lies in a password that was found.
func (s *scanner) inLogin(i int) bool {
	_, ok := around(s.logins, i)
	return ok
}

// region is the URL around a position whose end is known.
func (s *scanner) region(i int) (span, bool) { return around(s.regions, i) }

// around finds the span that holds a position; spans do not overlap and are in
// order.
func around(spans []span, i int) (span, bool) {
	n := sort.Search(len(spans), func(n int) bool { return spans[n].start > i })
	if n == 0 || i >= spans[n-1].end {
		return span{}, false
	}
	return spans[n-1], true
}

// word returns the end of the run without white space that starts at i.
func (s *scanner) word(i int) int {
	if c := s.current; c.start <= i && i < c.end {
		return c.end
	}
	end := len(s.text)
	if n := strings.IndexAny(s.text[i:], " \t\r\n"); n >= 0 {
		end = i + n
	}
	s.current = span{start: i, end: end}
	return end
}

// tail are a quotation mark and punctuation that close the sentence around a
// word rather than belong to it.
var tail = regexp.MustCompile(`\\*["'][:,.;)\]}>]*$`)

// unquoted drops such a tail from the end of a word.
func (s *scanner) unquoted(start, end int) int {
	if m := tail.FindStringIndex(s.text[start:end]); m != nil {
		return start + m[0]
	}
	return end
}

// longestQuotation bounds the search for a closing quotation mark, in bytes.
const longestQuotation = 4096

// closing finds the end of a quotation that opens at i with a mark, which may
// be escaped once or several times over: "…", \"…\", \\\"…\\\".
func (s *scanner) closing(i int) (int, bool) {
	mark, depth := s.text[i], s.escapes(i)
	for j := i + 1; j < min(len(s.text), i+longestQuotation); j++ {
		if s.text[j] != mark || s.escapes(j)%(2*(depth+1)) != depth {
			continue
		}
		if mark == '\'' && j+1 < len(s.text) && s.text[j+1] == mark { // YAML's way to write one
			j++
			continue
		}
		return j - depth, true
	}
	return 0, false
}

// escapes counts the backslashes before i.
func (s *scanner) escapes(i int) int {
	n := 0
	for i-n > 0 && s.text[i-n-1] == '\\' {
		n++
	}
	return n
}

func isQuote(c byte) bool { return c == '"' || c == '\'' || c == '`' }
