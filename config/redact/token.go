package redact

import (
	"bytes"
	"encoding/base64"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// shape is a secret that is known by its looks alone.
type shape struct {
	hint   string // part of every such text, found faster than the pattern
	exp    *regexp.Regexp
	accept func(secret string) bool // nil: every match
}

// shapes: the group is the secret.
var shapes = []shape{
	{"PRIVATE KEY", regexp.MustCompile(`((?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\z))`), nil},
	{"$2", regexp.MustCompile(`(\$2[abxy]\$\d\d\$[./A-Za-z0-9]{53})`), nil}, // bcrypt
	{"faird_", regexp.MustCompile(`(faird_[A-Za-z0-9_-]{20,})`), hasDigit},  // tokens of the page, but not names of metrics
	{"earer", regexp.MustCompile(`(?i)\bbearer\s+([A-Za-z0-9+/=._~-]{8,})`), hasDigit},
	{"asic", regexp.MustCompile(`(?i)\bbasic\s+([A-Za-z0-9+/=_-]{4,})`), isBase64},
}

// tokens finds secrets that need no key or URL around them.
func tokens(text string) []span {
	var spans []span
	for _, s := range shapes {
		if !strings.Contains(text, s.hint) {
			continue
		}
		for _, m := range s.exp.FindAllStringSubmatchIndex(text, -1) {
			if s.accept == nil || s.accept(text[m[2]:m[3]]) {
				spans = append(spans, span{m[2], m[3], leastStrong})
			}
		}
	}
	return spans
}

func hasDigit(text string) bool { return strings.ContainsAny(text, "0123456789") }

// isBase64 says whether text is another text in base64, as user:password in an
// HTTP header is, and no word such as "authentication".
func isBase64(text string) bool {
	text = strings.TrimRight(text, "=")
	for _, e := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		plain, err := e.DecodeString(text)
		if err == nil && utf8.Valid(plain) && !bytes.ContainsFunc(plain, unicode.IsControl) {
			return true
		}
	}
	return false
}
