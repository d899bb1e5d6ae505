package fetch

import (
	"encoding/hex"
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCertificates(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	u, _ := url.Parse(server.URL)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	writePEM(t, ca, server.Certificate().Raw)
	print := fingerprint(server.Certificate())
	pin, err := ParsePin(strings.ToUpper(print[:2] + ":" + print[2:]))
	if err != nil {
		t.Fatal(err)
	}
	name := *u
	name.Host = "localhost:" + u.Port() // which the certificate does not name
	for _, c := range []struct {
		what     string
		settings Settings
		want     string // "" is accepted
	}{
		{"unknown authority", Settings{URL: u}, "tls_pin=" + print},
		{"known authority", Settings{URL: u, CA: ca}, ""},
		{"known authority, another name", Settings{URL: &name, CA: ca}, "tls_pin=" + print},
		{"pinned", Settings{URL: u, Pin: pin}, ""},
		{"pinned, another name", Settings{URL: &name, Pin: pin}, ""},
		{"another one pinned", Settings{URL: u, Pin: make([]byte, 32)}, "another certificate than tls_pin names, with the fingerprint " + print},
	} {
		_, err := ask(t, c.settings)
		if (err == nil) != (c.want == "") || (err != nil && !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", c.what, err, c.want)
		}
	}
}

func writePEM(t *testing.T, path string, der []byte) {
	t.Helper()
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestAuthorityFile(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{"/nowhere/ca.pem": "no such file", empty: "no certificate in PEM form"} {
		if _, err := New(Settings{URL: &url.URL{}, CA: file}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", file, err)
		}
	}
}

func TestParsePin(t *testing.T) {
	whole := strings.Repeat("0aF", 22)[:64]
	for _, text := range []string{"", whole[1:], whole + "00", "g" + whole[1:]} {
		if _, err := ParsePin(text); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
	if pin, err := ParsePin(whole); err != nil || hex.EncodeToString(pin) != strings.ToLower(whole) {
		t.Errorf("%x, %v", pin, err)
	}
}
