package account

import (
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

const good = "correct horse battery"

func newFile(t *testing.T) *File { return Open(filepath.Join(t.TempDir(), "below", "users.json")) }

func TestUsers(t *testing.T) {
	f := newFile(t)
	if err := f.Add("anna", Operator, good); err != nil {
		t.Fatal(err)
	}
	u, err := f.Check(t.Context(), "anna", good)
	if err != nil || u.Role != Operator || strings.Contains(u.Hash, good) {
		t.Errorf("checked: %+v, %v", u, err)
	}
	for name, password := range map[string]string{"anna": "another password", "otto": good, "": ""} {
		if _, err := f.Check(t.Context(), name, password); !errors.Is(err, ErrWrong) {
			t.Errorf("%s with %q: %v", name, password, err)
		}
	}
	if err := f.SetPassword("anna", "another password"); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Check(t.Context(), "anna", good); !errors.Is(err, ErrWrong) {
		t.Errorf("the old password: %v", err)
	}
	if err := f.Remove("anna"); err != nil {
		t.Fatal(err)
	}
	if _, ok := f.User("anna"); ok {
		t.Error("anna is still there")
	}
	if err := errors.Join(f.Remove("anna"), f.SetPassword("anna", good)); err == nil {
		t.Error("there is no anna to change")
	}
}

func TestRefusedUsers(t *testing.T) {
	f := newFile(t)
	if err := f.Add("anna", Viewer, good); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, password, says string }{
		{"anna", good, "already"},
		{"", good, "no name"},
		{"a b", good, "no name"},
		{"../x", good, "no name"},
		{strings.Repeat("x", 65), good, "no name"},
		{"otto", "short", "too short"},
		{"otto", strings.Repeat("x", 73), "longer than"},
	} {
		if err := f.Add(c.name, Viewer, c.password); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%q with %q: %v", c.name, c.password, err)
		}
	}
}

func TestTokensOfTheFile(t *testing.T) {
	f := newFile(t)
	here := netip.MustParseAddr("10.1.2.3")
	add := func(name, from string, life time.Duration) string {
		secret, err := f.AddToken(name, Viewer, from, life)
		if err != nil {
			t.Fatal(err)
		}
		return secret
	}
	any, near, exact := add("any", "", 0), add("near", "10.1.0.0/16", time.Hour), add("exact", "10.1.2.3", 0)
	far, old := add("far", "10.2.0.0/16", 0), add("old", "", time.Nanosecond)
	for secret, ok := range map[string]bool{any: true, near: true, exact: true, far: false, old: false, "": false, any + "x": false, any[1:]: false} {
		if _, got := f.Machine(secret, here); got != ok {
			t.Errorf("%.12s…: %v", secret, got)
		}
	}
	if _, ok := f.Machine(exact, netip.MustParseAddr("10.1.2.4")); ok {
		t.Error("a token was taken from another address")
	}
	if _, ok := f.Machine(near, netip.MustParseAddr("::ffff:10.1.9.9")); !ok {
		t.Error("an IPv4 address in IPv6's clothes is another one")
	}
	if _, err := f.AddToken("bad", Viewer, "somewhere", 0); err == nil {
		t.Error("somewhere is no address")
	}
	text, err := os.ReadFile(f.Path())
	if err != nil || strings.Contains(string(text), any) || strings.Contains(string(text), strings.TrimPrefix(any, tokenPrefix)) {
		t.Errorf("the file holds a secret, %v", err)
	}
}

func TestFileIsForItsOwnerAlone(t *testing.T) {
	f := newFile(t)
	if err := f.Add("anna", Viewer, good); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(f.Path())
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if err := os.Chmod(f.Path(), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Open(f.Path()).List(); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("a file for everybody: %v", err)
	}
}

func TestBrokenFile(t *testing.T) {
	f := newFile(t)
	if err := f.Add("anna", Viewer, good); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(f.Path(), []byte(`{"users": [`), 0o600); err != nil {
		t.Fatal(err)
	}
	g := Open(f.Path())
	if _, ok := g.User("anna"); ok {
		t.Error("a user out of a broken file")
	}
	if err := g.Add("otto", Viewer, good); err == nil {
		t.Error("a broken file was written over")
	}
}

// Two processes that add at once both succeed.
func TestWritersWaitForEachOther(t *testing.T) {
	f := newFile(t)
	var wait sync.WaitGroup
	for _, name := range []string{"a", "b", "c", "d"} {
		wait.Go(func() {
			if _, err := Open(f.Path()).AddToken(name, Viewer, "", 0); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if _, tokens, err := f.List(); err != nil || len(tokens) != 4 {
		t.Errorf("%d tokens, %v", len(tokens), err)
	}
}

func TestRoles(t *testing.T) {
	for _, r := range []Role{Viewer, Operator, Admin} {
		if got, err := ParseRole(r.String()); err != nil || got != r {
			t.Errorf("%s became %s, %v", r, got, err)
		}
	}
	for _, text := range []string{"", "none", "root", "Viewer"} {
		if _, err := ParseRole(text); err == nil {
			t.Errorf("%q is a role", text)
		}
	}
}
