package web

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"faird/config"
	"faird/verdict"
)

func TestHeaders(t *testing.T) {
	w := newWorld(t, nil)
	for _, path := range []string{"/", "/api/state", "/healthz", "/static/none", "/api/verdicts/x"} {
		resp, err := w.browser().client.Get(w.url + path)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		h := resp.Header
		csp := h.Get("Content-Security-Policy")
		if !strings.Contains(csp, "frame-ancestors 'none'") || strings.Contains(csp, "unsafe") || !strings.Contains(csp, "default-src 'none'") ||
			h.Get("X-Content-Type-Options") != "nosniff" || h.Get("X-Frame-Options") != "DENY" || h.Get("Content-Type") == "" {
			t.Errorf("%s: headers %v", path, h)
		}
		if h.Get("Strict-Transport-Security") != "" {
			t.Error("HSTS without TLS")
		}
	}
}

// No address leads out of the page's own files or the archive.
func TestPathsLeadNowhereElse(t *testing.T) {
	w := newWorld(t, nil)
	v := w.decide("cap", verdict.Fail, 0.9)
	host := strings.TrimPrefix(w.url, "http://")
	for _, path := range []string{
		"/static/../server.go", "/static/%2e%2e/server.go", "/static/..%2fserver.go", "/static//etc/passwd", "/../../etc/passwd",
		"/static/%00", "/static/", "/static", "/%2e%2e/%2e%2e/etc/passwd", "/static/..\\server.go",
		"/api/verdicts/" + v.ID + "/..%2f..%2f..%2fusers.json", "/api/verdicts/" + v.ID + "/verdict.json", "/api/verdicts/..%2f..%2fx/thumb",
		"/api/verdicts/" + v.ID + "/%2e%2e/thumb", "/api/stations/..%2f..%2fetc/live/thumb", "/api/stations/cap/live/..%2fusers.json",
	} {
		// Written by hand: a client would tidy the path up first.
		c, err := net.Dial("tcp", host)
		if err != nil {
			t.Fatal(err)
		}
		_ = c.SetDeadline(time.Now().Add(20 * time.Second))
		if _, err := io.WriteString(c, "GET "+path+" HTTP/1.1\r\nHost: "+host+"\r\nConnection: close\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		answer, err := io.ReadAll(c)
		c.Close()
		if err != nil {
			t.Fatal(err)
		}
		line, _, _ := strings.Cut(string(answer), "\r\n")
		if !strings.Contains(line, " 404") && !strings.Contains(line, " 400") && !strings.Contains(line, " 301") && !strings.Contains(line, " 307") {
			t.Errorf("%s: %s", path, line)
		}
		if bytes.Contains(answer, []byte("root:")) || bytes.Contains(answer, []byte("package web")) || bytes.Contains(answer, []byte("hash")) {
			t.Errorf("%s gave\n%s", path, answer)
		}
	}
}

func TestBodies(t *testing.T) {
	w := newWorld(t, nil)
	w.users()
	b := w.as("olga")
	for name, c := range map[string]struct {
		kind, body string
		want       int
	}{
		"too large":     {"application/json", `{"threshold": ` + strings.Repeat("1", maxBody+10) + `}`, 413},
		"not JSON":      {"application/json", `threshold=1`, 400},
		"a form":        {"application/x-www-form-urlencoded", `threshold=1`, 415},
		"no type":       {"", `{"threshold": 1}`, 415},
		"unknown key":   {"application/json", `{"threshold": 1, "also": 2}`, 400},
		"two objects":   {"application/json", `{"threshold": 1}{"threshold": 2}`, 400},
		"another type":  {"application/json", `{"threshold": "high"}`, 400},
		"nothing":       {"application/json", ``, 400},
		"no threshold":  {"application/json", `{"threshold": null}`, 400},
		"with encoding": {"application/json; charset=utf-8", `{"threshold": 1}`, 200},
	} {
		r := b.request("PUT", "/api/stations/cap/threshold", nil)
		r.Body, r.ContentLength = io.NopCloser(strings.NewReader(c.body)), int64(len(c.body))
		r.Header.Set("Content-Type", c.kind)
		status, body := b.send(r)
		want(t, name, status, body, c.want)
	}
}

// A name of somebody else's that resolves to this machine must not reach a page
// that trusts whoever can reach it.
func TestHosts(t *testing.T) {
	w := newWorld(t, func(c *config.Web) { c.Host = "line7.plant.example" })
	for host, status := range map[string]int{
		"":                         200, // as it is
		"localhost:8080":           200,
		"[::1]:8080":               200,
		"line7.plant.example":      200,
		"LINE7.plant.example:443":  200,
		"evil.example":             421,
		"127.0.0.1.evil.example":   421,
		"192.168.1.5":              421,
		"localhost.evil.example:1": 421,
	} {
		b := w.browser()
		r := b.request("GET", "/api/state", nil)
		r.Host = host
		got, body := b.send(r)
		want(t, "host "+host, got, body, status)
	}
}

func TestSlowClientsAreCutOff(t *testing.T) {
	w := newWorld(t, nil)
	c, err := net.Dial("tcp", strings.TrimPrefix(w.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: localhost\r\n"); err != nil { // and never the rest
		t.Fatal(err)
	}
	_ = c.SetReadDeadline(time.Now().Add(headerTimeout + 30*time.Second))
	if _, err := io.ReadAll(c); err != nil {
		t.Errorf("the connection was left open: %v", err)
	}
}

func TestFiles(t *testing.T) {
	w := newWorld(t, locked)
	names := 0
	for path, f := range w.server.files.byPath {
		resp, err := w.browser().client.Get(w.url + path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != 200 || !bytes.Equal(body, f.data) || resp.Header.Get("ETag") == "" {
			t.Errorf("%s: %d, %v", path, resp.StatusCode, err)
		}
		r, err := http.NewRequest("GET", w.url+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("If-None-Match", f.etag)
		again, err := w.browser().client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		again.Body.Close()
		if again.StatusCode != http.StatusNotModified {
			t.Errorf("%s again: %d", path, again.StatusCode)
		}
		names++
	}
	if names == 0 {
		t.Error("there are no files")
	}
}
