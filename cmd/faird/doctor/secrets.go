package doctor

import (
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"faird/config"
	"faird/config/redact"
)

// mostSecret is the largest file that is read for secrets, in bytes.
const mostSecret = 1 << 20

// learn has everything masked that the config, its files and the environment
// hold: [config.Load] learns what it reads, and this what lies beside it, or in
// a config that cannot be loaded.
func (d *Doctor) learn() {
	for _, line := range os.Environ() {
		learnVariable(line)
	}
	if folder := os.Getenv("CREDENTIALS_DIRECTORY"); folder != "" {
		files, _ := filepath.Glob(filepath.Join(folder, "*"))
		for _, f := range files {
			learnFile(f)
		}
	}
	for _, folder := range []string{os.Getenv("STATE_DIRECTORY"), filepath.Join(filepath.Dir(d.path), "faird-data"), "/var/lib/faird"} {
		learnHashes(filepath.Join(folder, "users.json"))
	}
	if d.config == nil {
		learnText(d.path)
		return
	}
	learnConfig(d.config)
}

// learnVariable learns a variable of the environment that is called like a
// secret, or holds an address. PWD and OLDPWD are folders.
func learnVariable(line string) {
	switch name, value, _ := strings.Cut(line, "="); {
	case name == "PWD", name == "OLDPWD":
	case redact.IsSecret(name):
		redact.Learn(value)
	case strings.Contains(value, "://"):
		redact.LearnURL(value)
	}
}

func learnConfig(c *config.Config) {
	for _, path := range []string{c.MQTT.PasswordFile, c.Sparkplug.PasswordFile, c.MQTT.TLS.Key, c.Sparkplug.TLS.Key, c.Web.TLS.Key} {
		learnFile(path)
	}
	for _, s := range c.Stations {
		learnAddress(s.Camera.URL)
	}
	learnHashes(c.Web.Users)
}

// learnFile learns a file, and each of its lines.
func learnFile(path string) {
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() || info.Size() > mostSecret {
		return
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return
	}
	redact.Learn(string(text))
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "-----") {
			redact.Learn(line)
		}
	}
	_, _ = config.ReadSecret(path) // as whoever uses it reads it
}

// learnHashes learns those of the page's users and tokens: they can be guessed at.
func learnHashes(path string) {
	text, err := os.ReadFile(path)
	if err != nil {
		return
	}
	for _, m := range regexp.MustCompile(`"hash"\s*:\s*"([^"]+)"`).FindAllSubmatch(text, -1) {
		redact.Learn(string(m[1]))
	}
}

// learnAddress learns an address, and the file with a token that it names.
func learnAddress(text string) {
	redact.LearnURL(text)
	u, err := url.Parse(text)
	if err != nil {
		return
	}
	for name, values := range u.Query() {
		if strings.HasSuffix(name, "_file") && len(values) > 0 {
			learnFile(values[0])
		}
	}
}

var (
	rawFile  = regexp.MustCompile(`(?i)(?:password_file|token_file|key)\s*[:=]\s*["']?([^\s"'#,}&\]]+)`)
	rawUsers = regexp.MustCompile(`(?i)users\s*:\s*["']?([^\s"'#,}\]\[]+)`)
	comment  = regexp.MustCompile(`(?m)^\s*#.*$`)
)

// learnText learns from the text of a config that cannot be loaded.
func learnText(path string) {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() || info.Size() > mostSecret {
		return
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return
	}
	text := comment.ReplaceAllLiteralString(string(data), "")
	redact.LearnText(text)
	for _, m := range rawFile.FindAllStringSubmatch(text, -1) {
		learnFile(beside(path, m[1]))
	}
	for _, m := range rawUsers.FindAllStringSubmatch(text, -1) {
		learnHashes(beside(path, m[1]))
	}
}

// beside is a path that a config names.
func beside(config, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(filepath.Dir(config), path)
}
