package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestManPagesOfEveryCommand(t *testing.T) {
	t.Setenv("SOURCE_DATE_EPOCH", "1700000000")
	dir := t.TempDir()
	c := root()
	c.SetArgs([]string{"man", dir})
	if err := c.Execute(); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][]string{
		"faird.1":              {"Nov 2023", "faird-run(1)"},
		"faird-run.1":          {"SIGTERM", `\fB--config\fP`},
		"faird-config-check.1": {`\fB--models\fP`},
	} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Error(err)
			continue
		}
		for _, w := range want {
			if !strings.Contains(strings.ReplaceAll(string(text), `\-`, "-"), w) {
				t.Errorf("%s has no %q:\n%s", name, w, text)
			}
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "faird-man.1")); err == nil {
		t.Error("the hidden command has a page")
	}
}

func TestSourceDate(t *testing.T) {
	t.Setenv("SOURCE_DATE_EPOCH", "yesterday")
	if _, err := sourceDate(); err == nil || !strings.Contains(err.Error(), "SOURCE_DATE_EPOCH") {
		t.Errorf("%v, want the variable named", err)
	}
	t.Setenv("SOURCE_DATE_EPOCH", "")
	if d, err := sourceDate(); err != nil || time.Since(d) > time.Minute {
		t.Errorf("%v, %v without the variable, want now", d, err)
	}
}
