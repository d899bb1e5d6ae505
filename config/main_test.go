package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// put writes a file that its owner alone can read, with its folders.
func put(t testing.TB, path, text string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// loadText loads a config from a folder of its own.
func loadText(t testing.TB, text string, env ...string) (*Config, error) {
	t.Helper()
	return Load(put(t, filepath.Join(t.TempDir(), "faird.yaml"), text), env)
}

func mustLoad(t testing.TB, text string, env ...string) *Config {
	t.Helper()
	c, err := loadText(t, text, env...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// lines gives an error's problems, without the folder of the test.
func lines(t testing.TB, err error) string {
	t.Helper()
	if err == nil {
		return ""
	}
	text := err.Error()
	if dir := t.TempDir(); dir != "" { // …/001, …/002: all folders of this test have one parent
		parent := filepath.Dir(dir)
		for _, name := range []string{"001", "002", "003", "004", "005", "006", "007", "008", "009"} {
			text = strings.ReplaceAll(text, filepath.Join(parent, name)+"/", "")
		}
	}
	return text
}

const oneStation = "stations: [{name: cap, model: demo, camera: {url: 'demo://'}}]\n"
