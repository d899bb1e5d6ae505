package web

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"faird/verdict"
	"faird/web/account"
)

// unguarded is the API without asking who asks, and without what streams.
func unguarded(s *Server) http.Handler {
	mux := http.NewServeMux()
	admin := identity{name: "adam", role: account.Admin}
	for _, r := range routes {
		if strings.Contains(r.path, "/events") || strings.Contains(r.path, "/live/") || strings.Contains(r.path, "/log") || strings.Contains(r.path, "/export") {
			continue
		}
		mux.HandleFunc(r.method+" "+r.path, func(w http.ResponseWriter, q *http.Request) {
			if err := r.handle(s, w, q.WithContext(withIdentity(q.Context(), admin))); err != nil {
				s.fail(w, q, err)
			}
		})
	}
	return mux
}

// FuzzRequest holds that no request of somebody who may do everything makes the
// API fall over or fail in a way that it has no word for.
func FuzzRequest(f *testing.F) {
	w := newWorld(f, nil)
	v := w.decide("cap", verdict.Fail, 0.9)
	api := unguarded(w.server)
	for _, seed := range [][3]string{
		{"GET", "/api/state", ""},
		{"GET", "/api/history?station=cap&verdict=fail,pass&from=2026-01-01T00:00:00Z&limit=3&before=9", ""},
		{"GET", "/api/history?least=NaN&limit=-1&marked=x", ""},
		{"GET", "/api/verdicts/" + v.ID, ""},
		{"GET", "/api/verdicts/" + v.ID + "/picture", ""},
		{"PUT", "/api/verdicts/" + v.ID + "/mark", `{"mark":"wrong","note":"n"}`},
		{"DELETE", "/api/verdicts/" + v.ID + "/mark", ""},
		{"PUT", "/api/stations/cap/threshold", `{"threshold":0.3,"review":0.2}`},
		{"PUT", "/api/stations/cap/threshold", `{"threshold":1e999}`},
		{"GET", "/api/stations/cap/threshold/preview?threshold=0.3&review=0.1&last=9", ""},
		{"GET", "/api/stations/cap/scores?last=1e9", ""},
		{"POST", "/api/stations/lid/pause", ""},
		{"GET", "/api/review?from=x", ""},
		{"GET", "/api/audit?limit=2", ""},
		{"GET", "/metrics", ""},
		{"PUT", "/api/stations/..%2f/threshold", "[[["},
	} {
		f.Add(seed[0], seed[1], seed[2])
	}
	f.Fuzz(func(t *testing.T, method, target, body string) {
		r, err := http.NewRequestWithContext(t.Context(), method, "http://127.0.0.1"+target, strings.NewReader(body))
		if err != nil || r.URL.Path == "/readyz" {
			return // net/http refuses it before it comes here
		}
		r.Header.Set("Content-Type", "application/json")
		answer := httptest.NewRecorder()
		api.ServeHTTP(answer, r)
		if answer.Code >= 500 {
			t.Errorf("%s %s answers %d: %s", method, target, answer.Code, answer.Body)
		}
	})
}
