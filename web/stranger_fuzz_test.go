package web

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"faird/config"
	"faird/verdict"
	"faird/web/account"
)

// open are the addresses that answer anybody.
var open = map[string]bool{"/": true, "/healthz": true, "/readyz": true, "/api/session": true, "/api/login": true, "/api/logout": true, "/api/openapi.yaml": true}

// FuzzStranger holds that nothing in a request opens what needs a log-in, nor
// makes the server fall over: cookies, tokens, hosts, origins, log-ins.
func FuzzStranger(f *testing.F) {
	w := newWorld(f, func(c *config.Web) { c.Viewers, c.Host = "users", "edge7" })
	if err := w.accounts.Add("anna", account.Admin, "correct horse battery"); err != nil {
		f.Fatal(err)
	}
	v := w.decide("cap", verdict.Fail, 0.9)
	for _, seed := range [][6]string{
		{"GET", "/api/state", "edge7", "", "", ""},
		{"GET", "/api/history?limit=1", "127.0.0.1:8080", "faird=x; faird=y", "Bearer faird_abc", ""},
		{"GET", "/metrics", "edge7.evil.example", "", "Basic YTpi", ""},
		{"POST", "/api/login", "edge7", "", "", `{"user":"nobody","password":"p"}`},
		{"PUT", "/api/verdicts/" + v.ID + "/mark", "[::1]", "", "Bearer ", `{"mark":"wrong"}`},
		{"DELETE", "/api/stations/cap/threshold", "localhost", "faird=" + strings.Repeat("a", 300), "", ""},
		{"GET", "/static/../../users.json", "edge7", "", "", ""},
		{"GET", "/api//state", "edge7", "", "", ""},
		{"GET", "/api/%73tate", "edge7", "", "", ""},
	} {
		f.Add(seed[0], seed[1], seed[2], seed[3], seed[4], seed[5])
	}
	f.Fuzz(func(t *testing.T, method, target, host, cookie, authorization, body string) {
		if strings.Contains(body, "anna") {
			return // her password is checked by bcrypt, which is slow on purpose
		}
		r, err := http.NewRequestWithContext(t.Context(), method, "http://127.0.0.1"+target, strings.NewReader(body))
		if err != nil {
			return // net/http refuses it before it comes here
		}
		r.Host, r.RemoteAddr = host, "192.0.2.1:1234"
		r.Header.Set("Cookie", cookie)
		r.Header.Set("Authorization", authorization)
		r.Header.Set("Content-Type", "application/json")
		answer := httptest.NewRecorder()
		w.server.handler.ServeHTTP(answer, r)
		private := !open[r.URL.Path] && !strings.HasPrefix(r.URL.Path, "/static/")
		if answer.Code >= 500 && r.URL.Path != "/readyz" || private && answer.Code < 300 {
			t.Errorf("%s %s answers a stranger %d: %.200s", method, target, answer.Code, answer.Body)
		}
	})
}
