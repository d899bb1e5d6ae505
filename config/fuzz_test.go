package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzLoad holds that no file and no variable makes Load panic or hang, that
// every problem is one line, and that what loads can be shown and loaded again.
func FuzzLoad(f *testing.F) {
	text, err := os.ReadFile(reference)
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{
		string(text), "", "---\n", "a: b\n---\n", oneStation, shown, before, checked,
		"log: &a {<<: *a}", "stations: &a [*a, *a]", "stations: [{<<: [{name: a}, {name: b}]}]",
		"mqtt: {builtin: {users: [{name: a, name: b}]}}", "site: !!binary aGk=", "? [a]\n: b", "\xff\xfe", "- -\n", "log:\n\tlevel: a",
		"store: {max_bytes: 1e30GB, max_age: 1e9h}", "infer: {threads: 99999999999999999999}",
	} {
		f.Add(seed, "FAIRD_LOG_LEVEL=debug")
	}
	f.Fuzz(func(t *testing.T, text, variable string) {
		dir := t.TempDir()
		path := put(t, filepath.Join(dir, "faird.yaml"), text)
		c, err := Load(path, []string{variable})
		var problems Problems
		if err != nil && (!errors.As(err, &problems) || len(problems) == 0) {
			t.Fatalf("not problems: %v", err)
		}
		for _, line := range problems.Lines() {
			if line == "" || strings.ContainsAny(line, "\r\n") {
				t.Fatalf("not a line: %q", line)
			}
		}
		if err != nil {
			return
		}
		_ = c.Check()
		again, err := Load(put(t, filepath.Join(dir, "again.yaml"), c.Show()), nil)
		if err != nil || again.Hash() != c.Hash() {
			t.Fatalf("%v\nfrom\n%s", err, c.Show())
		}
	})
}
