package redact

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// leastAnywhere is the length from which on a learned value is masked even in
// the middle of a word. A shorter one would take parts of other words with it.
const leastAnywhere = 8

// known are the secrets of this process. They are learned once, as the config
// is read, and never forgotten: a password that was replaced is still one.
var known memory

// memory holds the ways in which learned values are written.
type memory struct {
	mu    sync.RWMutex
	forms map[prefix][]string // none is shorter than a prefix
}

// prefix is how a form begins: nearly no place in a text begins like one.
type prefix [leastStrong]byte

// Learn has [Text] mask these values wherever they stand, also as URLs, JSON,
// Go and base64 write them. Values below four bytes are left out: too many
// words hold them.
func Learn(secrets ...string) {
	for _, s := range secrets {
		if s = strings.TrimSpace(s); len(s) >= leastStrong && strings.Trim(s, "*") != "" {
			known.add(written(s))
		}
	}
}

// LearnURL learns the secrets of an address: its password, as it stands and
// decoded, and the values of secret query keys.
func LearnURL(address string) {
	u, err := url.Parse(address)
	exact := err == nil && u.Host != "" // the URL itself says what its password is
	if exact {
		password, _ := u.User.Password()
		learnLogin(u.User.Username(), password)
	}
	learn(address, find(address, true), !exact)
}

// LearnText learns every secret in a text that shows by its shape.
func LearnText(text string) { learn(text, find(text, false), true) }

func learn(text string, spans []span, logins bool) {
	for _, s := range spans {
		secret := text[s.start:s.end]
		switch user, isLogin := userOf(text, s); {
		case isLogin && logins:
			learnLogin(user, secret)
			learnLogin(user, decoded(secret))
		case !isLogin && len(secret) >= s.least:
			Learn(secret, decoded(secret))
		}
	}
}

// userOf is the user whose password stands at s.
func userOf(address string, s span) (user string, ok bool) {
	if !strings.HasSuffix(address[:s.start], ":") || !strings.HasPrefix(address[s.end:], "@") {
		return "", false
	}
	user = strings.TrimSuffix(address[:s.start], ":")
	return user[strings.LastIndex(user, "/")+1:], true
}

// learnLogin learns a password, and its parts: software that reads an address
// in another way reports the parts. One that is the user's name too is not
// learned, for the name is shown.
func learnLogin(user, password string) {
	if password == user || password == "" {
		return
	}
	Learn(password, base64.RawStdEncoding.EncodeToString([]byte(user+":"+password)))
	if parts := strings.FieldsFunc(password, func(r rune) bool { return strings.ContainsRune("@/?#&: \t", r) }); len(parts) > 1 {
		Learn(parts...)
	}
}

func decoded(text string) string {
	if plain, err := url.PathUnescape(text); err == nil {
		return plain
	}
	return text
}

// written are the ways in which other software writes a text.
func written(text string) []string {
	once := quoted(text)
	forms := append([]string{text}, once...)
	for _, q := range once { // an error may quote an error
		forms = append(forms, quoted(q)...)
	}
	query := url.QueryEscape(text)
	for _, f := range []string{query, strings.ReplaceAll(query, "+", "%20"), url.PathEscape(text), url.UserPassword("", text).String()[1:]} {
		forms = append(forms, f, escape.ReplaceAllStringFunc(f, strings.ToLower))
	}
	for _, e := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		forms = append(forms, e.EncodeToString([]byte(text)))
	}
	return forms
}

// quoted is a text as Go and JSON quote it, without the quotation marks.
func quoted(text string) []string {
	asJSON, _ := json.Marshal(text)
	forms := []string{strconv.Quote(text), strconv.QuoteToASCII(text), string(asJSON)}
	for i, f := range forms {
		forms[i] = f[1 : len(f)-1]
	}
	return forms
}

var escape = regexp.MustCompile(`%[0-9A-F]{2}`)

func (m *memory) add(forms []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.forms == nil {
		m.forms = map[prefix][]string{}
	}
	for _, f := range forms {
		p := prefix([]byte(f))
		if !slices.Contains(m.forms[p], f) {
			m.forms[p] = append(m.forms[p], f)
		}
	}
}

// mask puts stars in the place of every learned value.
func (m *memory) mask(text string) string {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if len(m.forms) == 0 {
		return text
	}
	var spans []span
	for i := 0; i+leastStrong <= len(text); i++ {
		for _, f := range m.forms[prefix([]byte(text[i:i+leastStrong]))] {
			if strings.HasPrefix(text[i:], f) && (len(f) >= leastAnywhere || alone(text, i, i+len(f))) {
				spans = append(spans, span{start: i, end: i + len(f)})
			}
		}
	}
	return cover(text, union(spans))
}

// alone says whether text[start:end] is a word for itself.
func alone(text string, start, end int) bool {
	return begins(text, start) && !(isWord(text, end-1) && isWord(text, end))
}

// begins says whether a word can begin at i. The end of an escape such as %3A, \n
// or \u0026 belongs to none.
func begins(text string, i int) bool {
	return !isWord(text, i-1) || !isWord(text, i) || escapeEnd.MatchString(text[max(0, i-6):i])
}

var escapeEnd = regexp.MustCompile(`(?:%[0-9A-Fa-f]{2}|\\[abfnrtv]|\\x[0-9A-Fa-f]{2}|\\u[0-9A-Fa-f]{4})$`)

func isWord(text string, i int) bool {
	return i >= 0 && i < len(text) && isName(text[i]) && strings.IndexByte("-._[]", text[i]) < 0
}
