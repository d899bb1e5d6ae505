package rollback

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// machine stands in for the programs that the script calls.
type machine struct {
	t    *testing.T
	dir  string
	keep string
}

// newMachine has a version installed, and a box that is ready or not.
func newMachine(t *testing.T) *machine {
	t.Helper()
	m := &machine{t, t.TempDir(), filepath.Join(t.TempDir(), "proven")}
	for name, text := range map[string]string{
		"dpkg-query": `cat "$DIR/installed"`,
		"systemctl":  `echo "systemctl $*" >>"$DIR/log"; test -e "$DIR/active" -o "$1" != is-active`,
		"curl":       `test -e "$DIR/ready"`,
		"apt-get":    `echo "apt-get $*" >>"$DIR/log"; test -e "$DIR/offline" && exit 100; for last; do :; done; echo "${last#*=}" >"$DIR/installed"`,
		"apt-mark":   `echo "apt-mark $*" >>"$DIR/log"`,
	} {
		m.put(name, "#!/bin/sh\n"+text+"\n")
	}
	return m
}

func (m *machine) put(name, text string) {
	m.t.Helper()
	if err := os.WriteFile(filepath.Join(m.dir, name), []byte(text), 0o755); err != nil { //nolint:gosec // programs
		m.t.Fatal(err)
	}
}

func (m *machine) take(name string) {
	m.t.Helper()
	if err := os.Remove(filepath.Join(m.dir, name)); err != nil {
		m.t.Fatal(err)
	}
}

func (m *machine) run(word string) (out string, ok bool) {
	m.t.Helper()
	c := exec.Command("./rollback", word)
	c.Env = []string{"PATH=" + m.dir + ":/usr/bin:/bin", "DIR=" + m.dir, "KEEP=" + m.keep}
	text, err := c.CombinedOutput()
	return string(text), err == nil
}

func (m *machine) log() string {
	text, _ := os.ReadFile(filepath.Join(m.dir, "log"))
	return string(text)
}

func TestBackToTheVersionThatWorked(t *testing.T) {
	m := newMachine(t)
	m.put("installed", "1.0\n")
	m.put("active", "")
	if out, ok := m.run("back"); ok || !strings.Contains(out, "nothing to go back to") {
		t.Errorf("before any version worked: %s", out)
	}
	if out, ok := m.run("proven"); !ok || !strings.Contains(out, "is not ready") {
		t.Errorf("a box that is not ready: %s", out)
	}
	m.put("ready", "")
	if out, ok := m.run("proven"); !ok || !strings.Contains(out, "1.0 works") {
		t.Errorf("a box that is ready: %s", out)
	}
	if out, ok := m.run("back"); ok || !strings.Contains(out, "the cause is another one") {
		t.Errorf("the version that worked fails: %s", out)
	}
	m.put("installed", "2.0\n")
	m.take("active")
	m.run("proven") // it does not run: 1.0 stays the one that works
	m.put("offline", "")
	if out, ok := m.run("back"); ok || strings.Contains(m.log(), "hold") {
		t.Errorf("without the repository: %s", out)
	}
	m.take("offline")
	out, ok := m.run("back")
	if installed, _ := os.ReadFile(filepath.Join(m.dir, "installed")); !ok || strings.TrimSpace(string(installed)) != "1.0" {
		t.Errorf("%s is installed: %s", installed, out)
	}
	for _, want := range []string{"--allow-downgrades", "apt-mark hold faird", "systemctl reset-failed faird", "systemctl start faird"} {
		if !strings.Contains(m.log(), want) {
			t.Errorf("no %q in:\n%s", want, m.log())
		}
	}
	if out, ok := m.run("sideways"); ok || !strings.Contains(out, "usage") {
		t.Errorf("an unknown word: %s", out)
	}
}

// The units are right as they stand, with the program that the daemon's needs.
func TestUnits(t *testing.T) {
	dir := t.TempDir()
	script, err := filepath.Abs("rollback")
	if err != nil {
		t.Fatal(err)
	}
	files := []string{"faird-proven.service", "faird-proven.timer", "faird-rollback.service"}
	for i, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		files[i] = filepath.Join(dir, name)
		if err := os.WriteFile(files[i], []byte(strings.ReplaceAll(string(text), "/usr/local/lib/faird/rollback", script)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := exec.Command("systemd-analyze", append([]string{"verify"}, files...)...).CombinedOutput(); err != nil || strings.Contains(string(out), "faird-") {
		t.Errorf("%v:\n%s", err, out)
	}
}
