package redact

import (
	"regexp"
	"strings"
)

// Bytes from which on a value is learned by [LearnURL]: what a strong key holds
// is a secret, what a weak one holds may be an ordinary word.
const (
	leastStrong = 4
	leastWeak   = 8
)

// strong are parts of names whose values are secrets wherever they stand.
var strong = []string{
	"passw", "passphrase", "passcode", "pwd", "pswd", "secret", "token", "credential",
	"apikey", "privatekey", "accesskey", "authorization", "cookie",
}

// weak are parts of names whose values are secrets in a query or a pipeline.
var weak = []string{"pass", "psw", "auth", "signature", "session", "streamid", "psk"}

// endings are those that only count at the end of a name: loginpas, user-pw.
var endings = []string{"pas", "pw", "key", "sig", "sid", "pword"}

var separators = strings.NewReplacer("_", "", "-", "", ".", "", "[", "", "]", "")

// IsSecret says whether a query key, property or variable of this name holds a
// secret. The name of a file that holds one is none.
func IsSecret(name string) bool { return leastFor(name) > 0 }

// leastFor is how long a value must be to be worth learning, 0 where the name
// is not that of a secret.
func leastFor(name string) int {
	switch plain := separators.Replace(strings.ToLower(name)); {
	case plain == "":
		return 0
	case isStrong(name):
		return leastStrong
	case isFile(name):
		return 0
	case containsAny(plain, weak), endsInAny(plain, endings):
		return leastWeak
	}
	return 0
}

// isStrong says whether a value of this name is a secret even in JSON and YAML.
func isStrong(name string) bool {
	return !isFile(name) && containsAny(separators.Replace(strings.ToLower(name)), strong)
}

func isFile(name string) bool {
	name = strings.ToLower(name)
	return strings.HasSuffix(name, "_file") || strings.HasSuffix(name, "-file")
}

func containsAny(name string, parts []string) bool {
	for _, p := range parts {
		if strings.Contains(name, p) {
			return true
		}
	}
	return false
}

func endsInAny(name string, ends []string) bool {
	for _, e := range ends {
		if strings.HasSuffix(name, e) {
			return true
		}
	}
	return false
}

// pairs finds the values of secret keys: key=value, key%3Dvalue, key: value.
func (s *scanner) pairs() {
	for i := 0; i < len(s.text); i++ {
		var v span
		switch c := s.text[i]; {
		case c == '=':
			v = s.pair(i, i+1, false)
		case c == '%' && i+3 <= len(s.text) && strings.EqualFold(s.text[i:i+3], "%3d"):
			v = s.pair(i, i+3, true)
		case c == ':':
			v = s.entry(i)
		}
		if v.start < v.end {
			s.spans = append(s.spans, v)
			i = v.end - 1
		}
	}
}

// pair looks at a query key or property.
func (s *scanner) pair(i, start int, encoded bool) (value span) {
	name, from, _ := s.name(i)
	least := leastFor(name)
	if name == "key" || name == "p" { // ordinary words elsewhere: "write key=value"
		least = s.inQueryOnly(from)
	}
	if least == 0 || s.inLogin(i) {
		return span{}
	}
	start = s.skip(start)
	if strings.HasPrefix(strings.TrimLeft(s.text[start:], "\\\"'`"), Stars) {
		return span{} // masked before
	}
	start, end := s.value(start, encoded)
	return span{start, end, least}
}

// inQueryOnly is leastWeak for a name that stands in a query, else 0.
func (s *scanner) inQueryOnly(i int) int {
	if i > 0 && strings.IndexByte("?&;", s.text[i-1]) >= 0 || escapeEnd.MatchString(s.text[max(0, i-6):i]) {
		return leastWeak
	}
	return 0
}

// name returns the name that ends before i, where it starts, and whether it is
// in quotation marks.
func (s *scanner) name(i int) (name string, start int, quoted bool) {
	end := i
	for end > 0 && s.text[end-1] == ' ' {
		end--
	}
	if end > 0 && isQuote(s.text[end-1]) {
		end, quoted = end-1, true
		end -= s.escapes(end)
	}
	start = end
	for start > 0 && isName(s.text[start-1]) {
		start--
	}
	switch before := s.text[:start]; { // the end of an escape is no part of it
	case strings.HasSuffix(before, "%") && end-start >= 2:
		start += 2
	case strings.HasSuffix(before, `\`) && strings.HasPrefix(s.text[start:end], "u0026"):
		start += 5
	}
	return s.text[start:end], start, quoted
}

func isName(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_' || c == '-' || c == '.' || c == '[' || c == ']'
}

// kind is GStreamer's way to say what a value is: (string)"…".
var kind = regexp.MustCompile(`^\((?:string|gchararray)\)\s*`)

// skip goes past spaces and a type to where the value starts.
func (s *scanner) skip(i int) int {
	for i < len(s.text) && s.text[i] == ' ' {
		i++
	}
	return i + len(kind.FindString(s.text[i:]))
}

// value returns where the value that begins at i stands.
func (s *scanner) value(i int, encoded bool) (start, end int) {
	limit := s.word(i)
	r, certain := s.region(i)
	if certain {
		limit = r.end
	} else if start, end, ok := s.quotation(i); ok {
		return start, end
	}
	for end = i; end < limit; end++ {
		end += separator(s.text[end:limit], encoded)
		if end == limit || encoded || hasValue(s.text[end+1:limit]) {
			break // else what follows the & belongs to this value
		}
	}
	if certain || end < limit {
		return i, end
	}
	return i, s.unquoted(i, end)
}

// quotation returns where the text in quotation marks that begin at i stands.
func (s *scanner) quotation(i int) (start, end int, ok bool) {
	for start = i; start < len(s.text) && s.text[start] == '\\'; start++ {
	}
	if start == len(s.text) || !isQuote(s.text[start]) {
		return 0, 0, false
	}
	if end, ok = s.closing(start); !ok || end == start+1 {
		return 0, 0, false
	}
	return start + 1, end, after.MatchString(s.text[end+start-i+1:])
}

// after is what may follow a value in quotation marks: else they are part of it.
var after = regexp.MustCompile("^(?:$|[\\s\\\\\"'`]|[,;:.)}\\]]+(?:$|[\\s\"'`]))")

// hasValue says whether a query begins with a key that has a value.
func hasValue(query string) bool {
	pair, _, _ := strings.Cut(query, "&")
	return strings.Contains(pair, "=")
}

// separator is the distance to the next & in text, or to its end.
func separator(text string, encoded bool) int {
	n := strings.IndexByte(text, '&')
	if n < 0 {
		n = len(text)
	}
	if m := encodedAmpersand.FindStringIndex(text[:n]); encoded && m != nil {
		return m[0]
	}
	return n
}

var encodedAmpersand = regexp.MustCompile(`(?i)%26`)

// entry looks at a key of YAML or JSON. In a sentence such as "wrong password:
// see …" the colon introduces no secret, unless the word after it has a digit.
func (s *scanner) entry(i int) (value span) {
	name, from, quoted := s.name(i)
	if !isStrong(name) || s.inLogin(i) || i+1 < len(s.text) && s.text[i+1] == '/' {
		return span{}
	}
	start := s.skip(i + 1)
	first, end, ok := s.quotation(start)
	if !ok && !quoted {
		first = start
		if end, ok = s.plain(from, start); !ok || strings.Contains(name, ".") {
			end, ok = s.numbered(start)
		}
	}
	if !ok {
		return span{}
	}
	return span{first, end, leastStrong}
}

// plain returns the end of a YAML value without quotation marks whose key
// starts at from, if that is where a key can stand.
func (s *scanner) plain(from, start int) (end int, ok bool) {
	before := strings.TrimRight(s.text[:from], " \t-")
	end = start + len(strings.TrimRight(s.text[start:], " \t\r\n"))
	switch {
	case before == "":
		return end, true
	case strings.HasSuffix(before, "{"), strings.HasSuffix(before, ","):
		if n := strings.IndexAny(s.text[start:end], ",}"); n >= 0 {
			end = start + n
		}
		return end, true
	}
	return 0, false
}

// numbered returns the end of the word that starts at i, if it has a digit and
// is no path.
func (s *scanner) numbered(i int) (end int, ok bool) {
	word := strings.TrimRight(s.text[i:s.word(i)], "\"',;:.)}]")
	return i + len(word), len(word) >= leastStrong && word[0] != '/' && hasDigit(word)
}
