package web

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"testing"
	"time"
)

// browser is one client; what it gets is held against openapi.yaml.
type browser struct {
	*world
	client *http.Client
	header http.Header // of every request
	csrf   string
}

func (w *world) browser() *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	transport := &http.Transport{DisableCompression: true}
	w.t.Cleanup(transport.CloseIdleConnections)
	return &browser{world: w, client: &http.Client{Jar: jar, Transport: transport, Timeout: time.Minute}, header: http.Header{"User-Agent": {"test"}}}
}

// as is a browser in which somebody is logged in.
func (w *world) as(name string) *browser {
	w.t.Helper()
	b := w.browser()
	status, body := b.post("/api/login", map[string]string{"user": name, "password": password})
	if status != http.StatusOK {
		w.t.Fatalf("log-in of %s: %d %s", name, status, body)
	}
	b.csrf = decode[sessionJSON](w.t, body).CSRF
	return b
}

func decode[T any](t testing.TB, body []byte) (v T) {
	t.Helper()
	if err := json.Unmarshal(body, &v); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	return v
}

func (b *browser) get(path string) (int, []byte)            { return b.do("GET", path, nil) }
func (b *browser) post(path string, body any) (int, []byte) { return b.do("POST", path, body) }
func (b *browser) put(path string, body any) (int, []byte)  { return b.do("PUT", path, body) }
func (b *browser) delete(path string) (int, []byte)         { return b.do("DELETE", path, nil) }

func (b *browser) do(method, path string, body any) (int, []byte) {
	b.t.Helper()
	r := b.request(method, path, body)
	return b.send(r)
}

func (b *browser) request(method, path string, body any) *http.Request {
	b.t.Helper()
	var in io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			b.t.Fatal(err)
		}
		in = bytes.NewReader(text)
	}
	r, err := http.NewRequestWithContext(context.Background(), method, b.url+path, in)
	if err != nil {
		b.t.Fatal(err)
	}
	for name, values := range b.header {
		r.Header[name] = values
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if b.csrf != "" {
		r.Header.Set(csrfHeader, b.csrf)
	}
	return r
}

func (b *browser) send(r *http.Request) (int, []byte) {
	b.t.Helper()
	resp, err := b.client.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	b.contract.check(b.t, r, resp, body)
	return resp.StatusCode, body
}

// cookie is the session's value, "" without one.
func (b *browser) cookie() string {
	u, err := url.Parse(b.url)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, c := range b.client.Jar.Cookies(u) {
		if c.Name == cookieName {
			return c.Value
		}
	}
	return ""
}

// want fails the test where a status is another.
func want(t testing.TB, what string, status int, body []byte, wanted int) {
	t.Helper()
	if status != wanted {
		t.Errorf("%s: status %d, want %d: %s", what, status, wanted, body)
	}
}
