package doctor

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"faird/config"
)

const (
	stars = "******"
	// leastSecret is the shortest that is looked for as such; a shorter one
	// would take half of all words with it.
	leastSecret = 4
	mostSecret  = 1 << 20 // bytes of a file
)

// scrubber takes secrets out of text: those it knows, in every form in which
// they might be written, and what looks like one.
type scrubber struct{ known []string }

// shapes of secrets that nobody told of. The first group stays.
var shapes = []*regexp.Regexp{
	regexp.MustCompile(`()(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\z)`),
	regexp.MustCompile(`()\$2[abxy]\$\d\d\$[./A-Za-z0-9]{53}`),
	regexp.MustCompile(`()faird_[A-Za-z0-9_-]{20,}`),
	regexp.MustCompile(`(?i)((?:bearer|basic)\s+)[A-Za-z0-9+/=._~-]{8,}`),
	regexp.MustCompile(`(?i)(["']?[a-z_.-]*(?:passw(?:or)?d|passwd|secret|token|api[_-]?key)["']?\s*[:=]\s*)(?:"(?:[^"\\]|\\.)*"|'[^']*'|[^\s,;}&]+)`),
}

// clean is text without secrets.
func (s *scrubber) clean(text []byte) []byte {
	for _, k := range s.known {
		text = bytes.ReplaceAll(text, []byte(k), []byte(stars))
	}
	out := config.Redact(string(text))
	for _, shape := range shapes {
		out = shape.ReplaceAllString(out, "${1}"+stars)
	}
	return []byte(out)
}

// document is JSON, one value or several, without secrets: its texts are
// cleaned one by one, so that it stays JSON. What is none is cleaned as text.
func (s *scrubber) document(text []byte) []byte {
	var out bytes.Buffer
	in, to := json.NewDecoder(bytes.NewReader(text)), json.NewEncoder(&out)
	in.UseNumber()
	for {
		var v any
		switch err := in.Decode(&v); {
		case errors.Is(err, io.EOF):
			return out.Bytes()
		case err != nil || to.Encode(s.walk(v)) != nil:
			return s.clean(text)
		}
	}
}

func (s *scrubber) walk(v any) any {
	switch v := v.(type) {
	case string:
		return string(s.clean([]byte(v)))
	case []any:
		for i := range v {
			v[i] = s.walk(v[i])
		}
	case map[string]any:
		for key := range v {
			v[key] = s.walk(v[key])
		}
	}
	return v
}

// add learns a secret in all its clothes.
func (s *scrubber) add(secrets ...string) {
	for _, text := range secrets {
		if text = strings.TrimSpace(text); len(text) < leastSecret || text == stars {
			continue
		}
		quoted, _ := json.Marshal(text)
		s.known = append(s.known, text, strings.Trim(string(quoted), `"`), url.QueryEscape(text), url.PathEscape(text), url.UserPassword("", text).String()[1:],
			base64.StdEncoding.EncodeToString([]byte(text)), base64.URLEncoding.EncodeToString([]byte(text)))
	}
}

// finish puts the longest first: one may be part of another.
func (s *scrubber) finish() *scrubber {
	slices.SortFunc(s.known, func(a, b string) int { return len(b) - len(a) })
	s.known = slices.Compact(s.known)
	return s
}

// secretName is what variables, keys and parameters with secrets are called.
var secretName = regexp.MustCompile(`(?i)pass|pwd|secret|token|key|credential|auth`)

// scrubber knows what can be found in the config, its files and the environment.
func (d *Doctor) scrubber() *scrubber {
	s := new(scrubber)
	for _, line := range os.Environ() {
		if name, value, _ := strings.Cut(line, "="); secretName.MatchString(name) {
			s.add(value)
		} else if strings.Contains(value, "://") {
			s.address(value)
		}
	}
	if folder := os.Getenv("CREDENTIALS_DIRECTORY"); folder != "" {
		files, _ := filepath.Glob(filepath.Join(folder, "*"))
		for _, f := range files {
			s.file(f)
		}
	}
	for _, folder := range []string{os.Getenv("STATE_DIRECTORY"), filepath.Join(filepath.Dir(d.path), "faird-data"), "/var/lib/faird"} {
		s.hashes(filepath.Join(folder, "users.json"))
	}
	s.raw(d.path)
	if d.config != nil {
		s.config(d.config)
	}
	return s.finish()
}

func (s *scrubber) config(c *config.Config) {
	s.add(string(c.MQTT.Password), string(c.Sparkplug.Password))
	for _, u := range c.MQTT.Builtin.Users {
		s.add(string(u.Password))
	}
	for _, path := range []string{c.MQTT.PasswordFile, c.Sparkplug.PasswordFile, c.MQTT.TLS.Key, c.Sparkplug.TLS.Key, c.Web.TLS.Key} {
		s.file(path)
	}
	for _, st := range c.Stations {
		s.address(st.Camera.URL)
	}
	s.hashes(c.Web.Users)
}

// file learns each line of a file.
func (s *scrubber) file(path string) {
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() || info.Size() > mostSecret {
		return
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return
	}
	s.add(string(text))
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "-----") {
			s.add(line)
		}
	}
}

// hashes learns those of the page's users and tokens: they can be guessed at.
func (s *scrubber) hashes(path string) {
	text, err := os.ReadFile(path)
	if err != nil {
		return
	}
	for _, m := range regexp.MustCompile(`"hash"\s*:\s*"([^"]+)"`).FindAllSubmatch(text, -1) {
		s.add(string(m[1]))
	}
}

// address learns the secrets in a camera's or broker's address.
func (s *scrubber) address(text string) {
	u, err := url.Parse(text)
	if err != nil {
		return // its shape is left to config.Redact
	}
	if password, given := u.User.Password(); given {
		s.add(password)
	}
	for name, values := range u.Query() {
		if secretName.MatchString(name) {
			s.add(values...)
		}
		if strings.HasSuffix(name, "_file") && len(values) > 0 {
			s.file(values[0])
		}
	}
}

var (
	rawSecret = regexp.MustCompile(`(?i)[a-z_]*(?:password|secret|token)\s*:\s*(?:"([^"]*)"|'([^']*)'|([^\s#,}\]]+))`)
	rawFile   = regexp.MustCompile(`(?i)(?:password_file|key)\s*:\s*["']?([^\s"'#,}\]]+)`)
	rawUsers  = regexp.MustCompile(`(?i)users\s*:\s*["']?([^\s"'#,}\]\[]+)`)
	rawURL    = regexp.MustCompile(`[a-zA-Z][a-zA-Z0-9+.-]*://[^\s"'#,}]+`)
)

// raw learns from the text of a config, which may not be one that can be loaded.
func (s *scrubber) raw(path string) {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() || info.Size() > mostSecret {
		return
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return
	}
	for _, m := range rawSecret.FindAllStringSubmatch(string(text), -1) {
		s.add(m[1:]...)
	}
	for _, m := range rawFile.FindAllStringSubmatch(string(text), -1) {
		if s.file(m[1]); !filepath.IsAbs(m[1]) {
			s.file(filepath.Join(filepath.Dir(path), m[1]))
		}
	}
	for _, m := range rawUsers.FindAllStringSubmatch(string(text), -1) {
		s.hashes(m[1])
		s.hashes(filepath.Join(filepath.Dir(path), m[1]))
	}
	for _, m := range rawURL.FindAllString(string(text), -1) {
		s.address(m)
	}
}
