package redact

import (
	"regexp"
	"sort"
	"strings"
)

// opener is how a URL begins; also within JSON that escapes slashes, and within
// another URL's query.
var opener = regexp.MustCompile(`(?i)[a-z][a-z0-9+.-]*(?::(?:\\*/){2}|%3a%2f%2f)`)

// local are the schemes that name something on this machine: after their three
// slashes comes a path and no host.
var local = regexp.MustCompile(`(?i)^(?:file|video|v4l2|watch|demo|csi):///`)

// address is a URL in the text.
type address struct {
	start   int  // of user, password and host
	end     int  // closing quotation mark, white space, or end of text
	quoted  bool // its end is certain
	encoded bool // it is percent-encoded, as in a query
}

// urls finds the passwords of URLs.
func (s *scanner) urls() {
	for i := 0; i < len(s.text); {
		m := opener.FindStringIndex(s.text[i:])
		if m == nil {
			return
		}
		i = s.url(i+m[0], i+m[1])
	}
}

// url looks at the URL whose scheme starts at i and ends before start, and
// returns where to look for the next one.
func (s *scanner) url(i, start int) int {
	a := s.extent(i, start)
	if local.MatchString(s.text[i:]) {
		return start
	}
	for a.start < a.end && s.text[a.start] == '/' {
		a.start++
	}
	from, to, found := s.password(a)
	if h := s.head(a); found || h.next == '@' {
		if user, _, _ := strings.Cut(h.text, ":"); isToken(user) {
			s.login(a.start, a.start+len(user))
		}
	}
	if !found {
		return start
	}
	s.login(from, to)
	return max(start, to)
}

// extent finds where the URL ends.
func (s *scanner) extent(i, start int) address {
	a := address{start: start, end: s.word(start), encoded: s.text[start-1] != '/'}
	if r, ok := s.region(i); ok && r.start == i {
		a.end, a.quoted = r.end, true
	} else if i > 0 && isQuote(s.text[i-1]) {
		if end, ok := s.closing(i - 1); ok {
			a.end, a.quoted = max(end, start), true
			if _, nested := s.region(i); !nested {
				s.regions = append(s.regions, span{start: i, end: a.end})
			}
		}
	}
	return a
}

// password returns where the URL's password stands. It may hold @, / and white
// space, so it goes from the first colon to the last @ that could end it.
func (s *scanner) password(a address) (from, to int, found bool) {
	h := s.head(a)
	at := s.lastAt(a.start, a.end, a.encoded)
	switch {
	case h.isHost(), at >= 0 && h.isPlain() && s.inQuery(h.end, at):
		return 0, 0, false
	case at >= 0:
		return s.upTo(a, at)
	case !strings.Contains(h.text, ":"):
		return 0, 0, false
	}
	from, _ = s.colon(a.start, a.end)
	to, found = s.beyond(a, h)
	return from, to, found
}

// upTo returns where the password of a URL stands that has its last @ at the
// given position.
func (s *scanner) upTo(a address, at int) (from, to int, found bool) {
	from, found = s.colon(a.start, at)
	switch {
	case !found: // the @ may be part of the user's name
		a.start = at + 1
		return s.password(a)
	case a.quoted:
		return from, at, true
	}
	return from, max(at, s.lastAt(at, s.reach(a.end), a.encoded)), true
}

// beyond looks for the end of a password behind what looks like the end of the
// URL: past a space, or past a quotation mark in it. A port is no password
// unless an @ follows in the same line, and not even then before a path.
func (s *scanner) beyond(a address, h head) (to int, found bool) {
	if h.isPort() && (h.next == '/' || a.quoted) {
		return 0, false
	}
	if s.lastAt(a.end, len(s.text), a.encoded) < 0 { // if it is a password, its URL was cut
		if a.quoted {
			return a.end, true
		}
		return s.unquoted(a.start, a.end), !h.isPort()
	}
	for end := s.reach(a.end); ; end = s.reach(end) {
		if at := s.lastAt(a.end, end, a.encoded); at >= 0 || h.isPort() {
			return at, at >= 0
		}
	}
}

// reach is how far a password may go on: to the white space before the next
// URL that begins after i.
func (s *scanner) reach(i int) int {
	for i < len(s.text) {
		m := opener.FindStringIndex(s.text[i:])
		if m == nil {
			break
		}
		if space := strings.LastIndexAny(s.text[i:i+m[0]], " \t"); space >= 0 {
			return max(i+space, i+1)
		}
		i += m[1]
	}
	return len(s.text)
}

// head is the URL from its scheme to what ends user, password, host and port if
// they hold nothing odd.
type head struct {
	text string // decoded
	end  int
	next byte // 0 where the URL ends
}

var (
	headEnd        = regexp.MustCompile("[/?#@\\\\\"'`\\s]")
	encodedHeadEnd = regexp.MustCompile("(?i)%2f|%3f|%23|%40|[/?#@&\\\\\"'`\\s]")
	encodedColon   = regexp.MustCompile(`(?i)%3a`)
)

func (s *scanner) head(a address) head {
	end := headEnd
	if a.encoded {
		end = encodedHeadEnd
	}
	h := head{end: a.end}
	if m := end.FindStringIndex(s.text[a.start:a.end]); m != nil {
		h.end = a.start + m[0]
		h.next = s.text[h.end]
	}
	if h.text = s.text[a.start:h.end]; a.encoded {
		h.text = decoded(h.text)
	}
	return h
}

var (
	hosts    = regexp.MustCompile(`^(?:\[[0-9A-Fa-f:.]+(?:%[\w.-]+)?\]|\d{1,3}(?:\.\d{1,3}){3})(?::\d{1,5})?[:.,;)\]}>]*$`)
	hostPort = regexp.MustCompile(`^[^:]*:\d{0,5}[:.,;)\]}>]*$`)
)

// isHost says whether it is an IP address, with a port or without, and so
// neither user nor password.
func (h head) isHost() bool { return h.next != '@' && hosts.MatchString(h.text) }

// isPort says whether what follows the colon may be a port, with punctuation
// after it.
func (h head) isPort() bool {
	return h.isNumber() || hostPort.MatchString(h.text) && (h.next == 0 || h.next == '/')
}

// isNumber says whether what follows the colon is a number.
func (h head) isNumber() bool {
	_, port, _ := strings.Cut(h.text, ":")
	return hasDigit(port) && hostPort.MatchString(h.text)
}

// isPlain says whether it may be a host, with a port or without.
func (h head) isPlain() bool { return h.isNumber() || !strings.Contains(h.text, ":") }

// colon returns where the first colon in start..end ends, written as such or,
// failing that, percent-encoded.
func (s *scanner) colon(start, end int) (int, bool) {
	if i := strings.IndexByte(s.text[start:end], ':'); i >= 0 {
		return start + i + 1, true
	}
	if m := encodedColon.FindStringIndex(s.text[start:end]); m != nil {
		return start + m[1], true
	}
	return 0, false
}

// lastAt is the last @ in start..end, or -1.
func (s *scanner) lastAt(start, end int, encoded bool) int {
	last := lastIn(s.ats, start, end)
	if encoded {
		last = max(last, lastIn(s.escaped, start, end))
	}
	return last
}

func lastIn(list []int, start, end int) int {
	if n := sort.SearchInts(list, end); n > 0 && list[n-1] >= start {
		return list[n-1]
	}
	return -1
}

var setting = regexp.MustCompile(`^\?[\w.-]+=`)

// inQuery says whether an @ behind the host, which ends at next, is part of a
// query such as ?user=me@example.com.
func (s *scanner) inQuery(next, at int) bool {
	if next >= at || s.text[next] != '/' && s.text[next] != '?' {
		return false
	}
	mark := strings.IndexByte(s.text[next:at], '?')
	return mark >= 0 && strings.IndexByte(s.text[next:next+mark], '@') < 0 && setting.MatchString(s.text[next+mark:])
}

var tokenShape = regexp.MustCompile(`^[A-Za-z0-9_~+=-]{16,}$`)

// isToken says whether a user name looks like a key made by a machine.
func isToken(user string) bool {
	return tokenShape.MatchString(user) && strings.ContainsAny(user, "0123456789") && strings.ContainsAny(strings.ToLower(user), "abcdefghijklmnopqrstuvwxyz")
}

// bareLogin is user:password@host without a scheme before it.
var bareLogin = regexp.MustCompile(`[^\s"'=(<,;/@:]+:([^\s"']+)@[A-Za-z0-9\[]`)

// bare finds passwords of addresses without a scheme.
func (s *scanner) bare() {
	if len(s.regions) > 0 && s.regions[0] == (span{end: len(s.text)}) {
		s.bareWhole()
		return
	}
	for start := 0; start < len(s.text); {
		end := s.word(start)
		word := s.text[start:end]
		if m := bareLogin.FindStringSubmatchIndex(word); m != nil && !opener.MatchString(word) {
			s.login(start+m[2], s.lastAt(start+m[2], start+m[3]+1, false))
		}
		start = end + 1
	}
}

// bareWhole looks at a text that is one address.
func (s *scanner) bareWhole() {
	if m := opener.FindStringIndex(s.text); m != nil && m[0] == 0 {
		return
	}
	from, found := s.colon(0, len(s.text))
	if to := strings.LastIndexByte(s.text, '@'); found && to > from {
		s.login(from, to)
	}
}
