package main

import (
	"os"
	"strings"
	"testing"
)

const root = "../.."

func TestPageIsCurrent(t *testing.T) {
	page, err := os.ReadFile(root + "/docs/config.md")
	if err != nil {
		t.Fatal(err)
	}
	made, err := renew(root, string(page))
	if err != nil {
		t.Fatal(err)
	}
	if made != string(page) {
		t.Error("docs/config.md is not what faird.yaml and the code make of it: go generate ./config")
	}
	for _, want := range []string{
		"| `stations[].trigger.mode` | text | `free` | free: every picture,",
		"| `store.max_bytes` | size | `2GiB` | The whole database;",
		"| `stations[].regions[].model` | text |  | The model file, or empty: the station's. |",
		"| `mqtt.builtin.users[].write` | true or false | `false` |",
	} {
		if !strings.Contains(made, want) {
			t.Errorf("no row %s", want)
		}
	}
}

func TestCommentsOfKeys(t *testing.T) {
	said := comments(`# The file.

# First.
a: 1
b:
  # Second,
  # in two lines.
  c: 2
  # An example   and what it is
  #d: 3
  #list:
  #  # Not a comment of a key.
  #  - name: x
  #    # Of it.
  #    e: 4
f: 5
`)
	for name, want := range map[string]string{
		"a": "First.", "b": "", "b.c": "Second, in two lines.", "b.d": "", "b.list[].name": "Not a comment of a key.", "b.list[].e": "Of it.", "f": "",
	} {
		if got, is := said[name]; !is || got != want {
			t.Errorf("%s: %q, %t, want %q", name, got, is, want)
		}
	}
}

func TestPagesWithoutATableAreLeftAlone(t *testing.T) {
	if _, err := renew(root, "# A page"); err == nil || !strings.Contains(err.Error(), "no table") {
		t.Errorf("%v", err)
	}
}
