package config

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestWebProblems(t *testing.T) {
	for _, c := range []struct{ yaml, key string }{
		{"web: {listen: 8080}", "web.listen"},
		{"web: {viewers: nobody}", "web.viewers"},
		{"web: {session: -1h}", "web.session"},
		{"web: {tls: {cert: a.pem}}", "web.tls"},
		{"archive: {sample: 1.5}", "archive.sample"},
		{"archive: {near: -0.1}", "archive.near"},
	} {
		_, err := Load(put(t, filepath.Join(t.TempDir(), "faird.yaml"), c.yaml), nil)
		if err == nil || !strings.Contains(err.Error(), c.key) {
			t.Errorf("%s: got %v, want a problem of %s", c.yaml, err, c.key)
		}
	}
}

func TestWhoMayLook(t *testing.T) {
	for _, c := range []struct {
		listen, viewers string
		anyone          bool
	}{
		{"127.0.0.1:8080", "auto", true},
		{"[::1]:8080", "auto", true},
		{"localhost:8080", "auto", true},
		{"0.0.0.0:8080", "auto", false},
		{":8080", "auto", false},
		{"192.168.1.7:8080", "auto", false},
		{"192.168.1.7:8080", "everyone", true},
		{"127.0.0.1:8080", "users", false},
	} {
		if got := (Web{Listen: c.listen, Viewers: c.viewers}).Anyone(); got != c.anyone {
			t.Errorf("%s %s: anyone %v", c.listen, c.viewers, got)
		}
	}
}

func TestPasswordsInTheClearAreWarnedOf(t *testing.T) {
	c := mustLoad(t, "web: {listen: '0.0.0.0:8080'}")
	if w := strings.Join(c.Warnings(), "\n"); !strings.Contains(w, "web.listen") {
		t.Errorf("warnings %q", w)
	}
	if c.Web.Users != filepath.Join(c.Store.Path, "users.json") {
		t.Errorf("users in %s", c.Web.Users)
	}
}
