package redact

import (
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode"
)

var (
	fuzzSchemes = []string{"rtsp", "rtsps", "http", "https", "tcp", "ssl", "wss", "mqtt", "genicam", "upload", "srt"}
	fuzzHosts   = []string{"cam", "10.0.0.5:554", "[fe80::1]:554", "camera.example.com", "localhost:8080", "cam-1"}
	fuzzPaths   = []string{"", "/", "/1", "/cam/realmonitor?channel=1&subtype=0", "/s?expect=1920x1080@25", "/media.amp?codec=h264&x=a#top"}
	fuzzKeys    = []string{"pwd", "loginpas", "password", "auth", "token", "key", "sig", "PASS", "userpass", "sid"}
	fuzzTexts   = []string{
		"%s", "camera lost: %s: connection refused", "gstreamer:rtspsrc location=%s ! decodebin", "- url: %s",
		"(%s)\nnext line 1:2", "tried 3 times: %s ",
	}
	fuzzQuoted = []string{
		"camera url %s: no such host", "url: %s # comment", "rtspsrc location=%s ! decodebin", "{%s: 1}", "error %s, then rtsp://other:554/1",
	}
)

// ambiguous are passwords that nothing in a text tells from two URLs, or from a
// port and what follows it.
var ambiguous = regexp.MustCompile("(?i)(?:@.*|^\\d{0,5}[:.,;)\\]}>]*(?:[\"'`\\\\?#].*)?)\\s.*[a-z][a-z0-9+.-]*(?::\\\\*/\\\\*/|%3a%2f%2f)|^\\d{0,5}[:.,;)\\]}>]*/")

// query are passwords that look like a port, a path and a query.
var query = regexp.MustCompile(`^\d{1,5}[:.,;)\]}>]*(?:/[^@]*)?\?[\w.-]+=`)

// plain are passwords after which the whole rest of the text must be readable.
var plain = regexp.MustCompile(`^[A-Za-z0-9!$*+,;._~|^{}()-]+$`)

// FuzzRedact holds that no password and no query value gets through, raw or
// encoded, in whatever text its URL stands; that masking twice is masking once;
// and that the rest stays readable around a plain password.
func FuzzRedact(f *testing.F) {
	for i, secret := range []string{
		"hunter2", "first@SECOND", "TOP SECOND", "SECOND#x", "a/b?c", "a://b", `qu"o'te`, `back\slash\`, "per%cent%40", "x&y=z", "p:w:d",
		"1234/5", "12:34", "пароль", "=equals=", "a@b c@d", "[::1]:5", "a, b}", "-----BEGIN PRIVATE KEY-----",
	} {
		f.Add("admin", secret, uint32(i))
		f.Add("me@corp.example", secret, uint32(7919*i))
	}
	f.Fuzz(holds)
}

func holds(t *testing.T, user, secret string, pick uint32) {
	user, secret = strings.Map(inUser, user), strings.TrimSpace(strings.Map(printable, secret))
	first, _, _ := strings.Cut(user, "@")
	if len(secret) < 4 || strings.Contains(secret, "**") || isToken(first) {
		return
	}
	c := choices(pick)
	scheme, host, path, key := c.of(fuzzSchemes), c.of(fuzzHosts), c.of(fuzzPaths), c.of(fuzzKeys)
	login := func(s string) string { return scheme + "://" + user + ":" + s + "@" + host + path }
	value := func(s string) string { return scheme + "://" + host + "/v.cgi?user=a&" + key + "=" + s + "&channel=1" }
	text, around := c.of(fuzzTexts), c.of(fuzzQuoted)
	for _, encode := range []func(string) string{raw, url.QueryEscape, url.PathEscape, inLogin} {
		s := encode(secret)
		if !query.MatchString(s) {
			inURLs(t, s, login, around)
			check(t, Text, url.QueryEscape(s), in("http://go2rtc:1984/api?src=%s&x=1", escaped(login)))
			if !ambiguous.MatchString(s) {
				check(t, Text, s, in(text, login))
			}
		}
		s = strings.ReplaceAll(s, "&", "+") // where a value would end
		inURLs(t, s, value, around)
		if !strings.ContainsFunc(s, unicode.IsSpace) {
			check(t, Text, s, in(text, value))
		}
	}
}

// inURLs looks at a URL by itself, quoted within a text, and quoted by Go
// within JSON.
func inURLs(t *testing.T, s string, build func(string) string, text string) {
	t.Helper()
	check(t, URL, s, build)
	check(t, Text, quoted(s)[0], in(text, in(`"%s"`, build)))
	check(t, fromJSON, twice(s), in(`"x \"%s\" y"`, build))
}

// in puts what build makes into a text.
func in(text string, build func(string) string) func(string) string {
	return func(s string) string { return fmt.Sprintf(text, build(s)) }
}

// escaped is what build makes as part of a query, but for the secret itself.
func escaped(build func(string) string) func(string) string {
	const mark = "MARK"
	return func(s string) string { return strings.Replace(url.QueryEscape(build(mark)), mark, s, 1) }
}

// twice is a text quoted by Go within JSON.
func twice(s string) string {
	text, _ := json.Marshal(strconv.QuoteToASCII(s))
	return strings.TrimSuffix(strings.TrimPrefix(string(text), `"\"`), `\""`)
}

func fromJSON(text string) string { return string(JSON([]byte(text))) }

func raw(s string) string     { return s }
func inLogin(s string) string { return strings.TrimPrefix(url.UserPassword("", s).String(), ":") }

// check holds that mask takes the secret out of the text that build puts it in.
func check(t *testing.T, mask func(string) string, secret string, build func(string) string) {
	t.Helper()
	text := build(secret)
	if strings.Contains(build(Stars), secret) || strings.Contains(text, Stars) {
		return // it stands elsewhere too
	}
	got := mask(text)
	if strings.Contains(got, secret) {
		t.Fatalf("%q shows in\n%s\nof\n%s", secret, got, text)
	}
	if again := mask(got); again != got {
		t.Fatalf("%s\nmasked again is\n%s", got, again)
	}
	if want := build(Stars); plain.MatchString(secret) && got != want {
		t.Fatalf("%s\nis masked as\n%s\nwant\n%s", text, got, want)
	}
}

// choices picks from lists, one after the other.
type choices uint32

func (c *choices) of(list []string) string {
	n := choices(len(list))
	i := *c % n
	*c /= n
	return list[i]
}

func printable(r rune) rune {
	if !unicode.IsPrint(r) {
		return -1
	}
	return r
}

// inUser are the characters of user names.
func inUser(r rune) rune {
	if r > unicode.MaxASCII || !unicode.IsPrint(r) || strings.ContainsRune(":/?#\"'`%&=\\ ,;<>(){}[]", r) {
		return -1
	}
	return r
}
