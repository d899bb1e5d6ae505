package redact

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"testing"
)

// forget makes the process as it was before it learned anything.
func forget(t testing.TB) {
	t.Helper()
	reset := func() { known.mu.Lock(); known.forms = nil; known.mu.Unlock() }
	reset()
	t.Cleanup(reset)
}

// others are the ways in which other software writes a text.
func others(text string) []string {
	asJSON, _ := json.Marshal(text)
	inJSON, _ := json.Marshal(strconv.Quote(text))
	return []string{
		text, string(asJSON), string(inJSON), fmt.Sprintf("%q", text), fmt.Sprintf("%+q", text), url.QueryEscape(text), url.PathEscape(text),
		escape.ReplaceAllStringFunc(url.QueryEscape(text), strings.ToLower), url.UserPassword("u", text).String(),
		strings.TrimRight(base64.StdEncoding.EncodeToString([]byte(text)), "="), strings.TrimRight(base64.URLEncoding.EncodeToString([]byte(text)), "="),
		"Basic " + base64.StdEncoding.EncodeToString([]byte("u:"+text)),
	}
}

func TestLearnedValuesAreMasked(t *testing.T) {
	for _, word := range []string{"it's s3cr3t/+&<\"word\"", "first@SECOND", "two words", "пароль?", "abcd", "per%cent", `back\slash`, "hunter2"} {
		forget(t)
		learnLogin("u", word)
		for _, form := range others(word) {
			if got := Text("it says " + form + "."); !strings.Contains(got, Stars) || strings.Contains(got, strings.Trim(form, `"`)) {
				t.Errorf("%s became %s", form, got)
			}
		}
	}
}

// A short value is masked as a word for itself only: it would take parts of
// ordinary words with it.
func TestShortValues(t *testing.T) {
	forget(t)
	Learn("line", "abc", "", "********")
	for text, want := range map[string]string{
		"line online outline-line x%3Aline \\nline": S + " online outline-" + S + " x%3A" + S + " \\n" + S,
		"abc and ********":                          "abc and ********",
	} {
		if got := Text(text); got != want {
			t.Errorf("%s became %s, want %s", text, got, want)
		}
	}
}

func TestLearnURL(t *testing.T) {
	for address, secrets := range map[string][]string{
		"rtsp://admin:first@SECOND@cam/1":                                             {"first@SECOND", "SECOND", "first"},
		"rtsp://admin:p%40ss%2Fword@cam/1":                                            {"p%40ss%2Fword", "p@ss/word", "word"},
		"rtsp://admin:TOP SECOND@cam/1":                                               {"TOP SECOND", "SECOND"},
		"rtsp://admin:SECOND#x@cam/1":                                                 {"SECOND#x", "SECOND"},
		"http://cam/v.cgi?loginuse=admin&loginpas=SEC%20OND":                          {"SEC OND", "SEC%20OND"},
		"http://cam/v.cgi?auth=YWRtaW46aHVudGVyMg":                                    {"YWRtaW46aHVudGVyMg"},
		`gstreamer:rtspsrc location=rtsp://u:SECOND@h user-pw="x SECOND2" ! fakesink`: {"SECOND", "x SECOND2"},
	} {
		forget(t)
		LearnURL(address)
		for _, s := range secrets {
			if got := Text("it says " + s + "."); got != "it says "+Stars+"." {
				t.Errorf("%s: %s became %s", address, s, got)
			}
		}
	}
}

// What a URL shows anyway, or may be an ordinary word, is not learned.
func TestLearnURLLeavesOrdinaryWords(t *testing.T) {
	for _, address := range []string{
		"rtsp://admin:admin@cam/stream?session=main", "http://cam:8080/stream@main", "http://host.example/a:b/main@x", "demo://?seed=1", "v4l2:///dev/video0",
		"rtsp://cam/stream?key=main&channel=1",
	} {
		forget(t)
		LearnURL(address)
		const words = "admin cam stream main host.example 8080 video0"
		if got := Text(words); got != words {
			t.Errorf("after %s: %s", address, got)
		}
	}
}

// FuzzLearn holds that a learned value shows in no form that other software
// gives it, and that masking twice is masking once.
func FuzzLearn(f *testing.F) {
	for _, s := range []string{"hunter2", "first@SECOND", "TOP SECOND", `qu"o'te\`, "a/b?c&<d>", "пароль", "\x00\xff\x01", "****x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, secret string) {
		forget(t)
		if secret = strings.TrimSpace(secret); len(secret) < leastStrong || strings.Contains("it says "+Stars+".", secret) || strings.Contains(secret, "**") {
			return
		}
		learnLogin("u", secret)
		for _, form := range others(secret) {
			got := Text("it says " + form + " .")
			form = strings.Trim(form, `"`)
			if strings.Contains(got, secret) || strings.Contains(got, form) && !strings.Contains("it says "+Stars+" .", form) {
				t.Fatalf("%q shows in %q", secret, got)
			}
			if again := Text(got); again != got {
				t.Fatalf("%q masked again is %q", got, again)
			}
		}
	})
}
