package publish

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"faird/config"
)

// What the status says of the broker holds no secret.
func TestSecretsInStatus(t *testing.T) {
	p, err := New(config.MQTT{Broker: "ws://u:p@SECRET@h:80/mqtt?token=SECRET"}, testBox, nil, nil, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	p.lost(errors.New("dial ws://u:p@SECRET@h:80/mqtt?token=SECRET: refused"))
	s := p.Status()
	if said := s.Broker + " " + s.Err; strings.Contains(said, "SECRET") || strings.Count(said, "@h:80/mqtt") != 2 {
		t.Error(said)
	}
	_, err = New(config.MQTT{Broker: "h:TOP SECRET@x"}, testBox, nil, nil, zerolog.Nop())
	if err == nil || strings.Contains(err.Error(), "SECRET") {
		t.Error(err)
	}
}

// Password files are read as the config reads them, byte order mark and all.
func TestPasswordFileOfWindows(t *testing.T) {
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte("\xef\xbb\xbfhunter2hunter2\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	newPLC(t, inside(t, config.User{Name: "plc", PasswordFile: file}).Status().Broker, as("plc", "hunter2hunter2"))
}
