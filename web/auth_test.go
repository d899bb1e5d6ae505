package web

import (
	"net/http"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"faird/config"
	"faird/verdict"
	"faird/web/account"
)

func locked(c *config.Web) { c.Viewers = "users" }

func TestLogInAndOut(t *testing.T) {
	w := newWorld(t, nil)
	w.users()
	b := w.as("olga")
	status, body := b.get("/api/session")
	s := decode[sessionJSON](t, body)
	if status != 200 || s.User != "olga" || s.Role != account.Operator || s.CSRF != b.csrf || time.Until(s.Expires.Time) < 11*time.Hour {
		t.Errorf("session %d %s", status, body)
	}
	old := b.cookie()
	status, body = b.post("/api/logout", nil)
	want(t, "log-out", status, body, 204)
	if b.cookie() != "" {
		t.Error("the cookie is still there")
	}
	r := b.request("POST", "/api/stations/cap/pause", nil)
	r.AddCookie(&http.Cookie{Name: cookieName, Value: old})
	status, body = b.send(r)
	want(t, "the old cookie", status, body, 401)
}

func TestCookieIsOutOfReach(t *testing.T) {
	w := newWorld(t, nil)
	w.users()
	b := w.browser()
	r := b.request("POST", "/api/login", map[string]string{"user": "vera", "password": password})
	resp, err := b.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	c := resp.Cookies()[0]
	if !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.MaxAge != 12*3600 || c.Path != "/" || len(c.Value) < 40 {
		t.Errorf("cookie %v", c)
	}
}

// Every route without a right asks for a log-in, or for more than one has.
func TestWhoMayWhat(t *testing.T) {
	w := newWorld(t, locked)
	w.users()
	v := w.decide("cap", verdict.Fail, 0.9)
	browsers := map[account.Role]*browser{account.None: w.browser(), account.Viewer: w.as("vera"), account.Operator: w.as("olga")}
	fill := strings.NewReplacer("{station}", "cap", "{id}", v.ID, "{view}", "thumb")
	for _, r := range routes {
		if r.path == "/api/events" || r.path == "/api/logout" || r.path == "/api/login" {
			continue
		}
		for role, b := range browsers {
			status, body := b.do(r.method, fill.Replace(r.path), nil)
			switch {
			case role < r.need && role == account.None:
				want(t, r.method+r.path+" as nobody", status, body, 401)
			case role < r.need:
				want(t, r.method+r.path+" as "+role.String(), status, body, 403)
			case status == 401 || status == 403:
				t.Errorf("%s%s as %s: %d %s", r.method, r.path, role, status, body)
			}
		}
	}
}

func TestOnLoopbackEverybodyMayLook(t *testing.T) {
	w := newWorld(t, nil)
	b := w.browser()
	status, body := b.get("/api/state")
	want(t, "state", status, body, 200)
	status, body = b.post("/api/stations/cap/pause", nil)
	want(t, "pause", status, body, 401)
	if s := w.stations.States()["cap"]; s.Paused {
		t.Error("paused by nobody")
	}
}

func TestWrongCredentials(t *testing.T) {
	for name, c := range map[string]struct {
		user, password string
		want           int
	}{
		"wrong password": {"olga", "wrong horse battery", 401},
		"no such user":   {"otto", password, 401},
		"nothing":        {"", "", 400},
		"endless":        {"olga", strings.Repeat("x", 300), 400},
		"another's":      {"OLGA", password, 401},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil)
			w.users()
			b := w.browser()
			status, body := b.post("/api/login", map[string]string{"user": c.user, "password": c.password})
			want(t, name, status, body, c.want)
			if b.cookie() != "" {
				t.Error("got a cookie")
			}
		})
	}
}

func TestGuessingIsSlow(t *testing.T) {
	w := newWorld(t, nil)
	w.users()
	b := w.browser()
	var refused int
	for range triesAtOnce + 3 {
		status, _ := b.post("/api/login", map[string]string{"user": "olga", "password": "guess guess guess"})
		if status == 429 {
			refused++
		}
	}
	if refused < 2 {
		t.Errorf("%d of %d guesses refused", refused, triesAtOnce+3)
	}
	// The right password waits too: nothing tells it from a wrong one.
	status, body := b.post("/api/login", map[string]string{"user": "olga", "password": password})
	want(t, "the right one after too many", status, body, 429)
}

func TestSessionsEnd(t *testing.T) {
	for name, end := range map[string]func(*world, *browser) error{
		"expired": func(w *world, _ *browser) error {
			w.server.sessions.mu.Lock()
			defer w.server.sessions.mu.Unlock()
			for _, s := range w.server.sessions.open {
				s.expires = time.Now().Add(-time.Second)
			}
			return nil
		},
		"another browser": func(_ *world, b *browser) error {
			b.header.Set("User-Agent", "somebody else's")
			return nil
		},
		"another address": func(w *world, _ *browser) error {
			w.server.sessions.mu.Lock()
			defer w.server.sessions.mu.Unlock()
			for _, s := range w.server.sessions.open {
				s.from = netip.MustParseAddr("10.1.2.3") // it was given to that one
			}
			return nil
		},
		"user removed":     func(w *world, _ *browser) error { return w.accounts.Remove("olga") },
		"password changed": func(w *world, _ *browser) error { return w.accounts.SetPassword("olga", "another password") },
		"users lost":       func(w *world, _ *browser) error { return os.Remove(w.accounts.Path()) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil)
			w.users()
			b := w.as("olga")
			status, body := b.post("/api/stations/cap/pause", nil)
			want(t, "before", status, body, 204)
			if err := end(w, b); err != nil {
				t.Fatal(err)
			}
			w.until("the session ends", func() bool {
				status, _ = b.post("/api/stations/cap/pause", nil)
				return status == 401
			})
		})
	}
}

func TestStolenCookieEndsTheSession(t *testing.T) {
	w := newWorld(t, nil)
	w.users()
	b := w.as("olga")
	thief := w.browser()
	thief.header.Set("User-Agent", "thief")
	r := thief.request("POST", "/api/stations/cap/pause", nil)
	r.AddCookie(&http.Cookie{Name: cookieName, Value: b.cookie()})
	r.Header.Set(csrfHeader, b.csrf)
	status, body := thief.send(r)
	want(t, "the thief", status, body, 401)
	status, body = b.post("/api/stations/cap/pause", nil)
	want(t, "the owner afterwards", status, body, 401)
}

func TestCSRF(t *testing.T) {
	w := newWorld(t, nil)
	w.users()
	b := w.as("olga")
	for name, edit := range map[string]func(*http.Request){
		"missing":       func(r *http.Request) { r.Header.Del(csrfHeader) },
		"wrong":         func(r *http.Request) { r.Header.Set(csrfHeader, "x"+b.csrf) },
		"cross site":    func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") },
		"other origin":  func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") },
		"same site too": func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-site") },
	} {
		r := b.request("POST", "/api/stations/cap/pause", nil)
		edit(r)
		status, body := b.send(r)
		want(t, name, status, body, 403)
	}
	if w.stations.States()["cap"].Paused {
		t.Error("paused all the same")
	}
	status, body := b.post("/api/stations/cap/pause", nil)
	want(t, "as it should be", status, body, 204)
	// Somebody else's page must not log a browser in either.
	r := w.browser().request("POST", "/api/login", map[string]string{"user": "vera", "password": password})
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	status, body = b.send(r)
	want(t, "log-in from another site", status, body, 403)
}

func TestTokens(t *testing.T) {
	w := newWorld(t, locked)
	add := func(name string, role account.Role, from string, life time.Duration) string {
		secret, err := w.accounts.AddToken(name, role, from, life)
		if err != nil {
			t.Fatal(err)
		}
		return secret
	}
	good := add("mes", account.Operator, "", 0)
	for name, c := range map[string]struct {
		header string
		want   int
	}{
		"good":              {"Bearer " + good, 204},
		"of a viewer":       {"Bearer " + add("grafana", account.Viewer, "127.0.0.0/8", time.Hour), 403},
		"expired":           {"Bearer " + add("old", account.Admin, "", time.Nanosecond), 401},
		"from elsewhere":    {"Bearer " + add("other", account.Admin, "10.1.2.0/24", 0), 401},
		"unknown":           {"Bearer faird_" + account.Random(), 401},
		"of another scheme": {"Basic " + good, 401},
		"nothing":           {"Bearer ", 401},
	} {
		b := w.browser()
		b.header.Set("Authorization", c.header)
		status, body := b.post("/api/stations/cap/resume", nil)
		want(t, name, status, body, c.want)
	}
	if err := w.accounts.RemoveToken("mes"); err != nil {
		t.Fatal(err)
	}
	b := w.browser()
	b.header.Set("Authorization", "Bearer "+good)
	w.until("the token is out", func() bool {
		status, _ := b.post("/api/stations/cap/resume", nil)
		return status == 401 || status == 429
	})
	text, err := os.ReadFile(w.accounts.Path())
	if err != nil || strings.Contains(string(text), strings.TrimPrefix(good, "faird_")) {
		t.Errorf("the file holds a token itself, %v", err)
	}
}

func TestWhoDidWhatIsWrittenDown(t *testing.T) {
	w := newWorld(t, nil)
	w.users()
	b := w.browser()
	b.post("/api/login", map[string]string{"user": "olga", "password": "wrong wrong wrong"})
	o := w.as("olga")
	o.put("/api/stations/cap/threshold", map[string]any{"threshold": 0.7})
	status, body := w.as("adam").get("/api/audit?limit=4")
	want(t, "audit", status, body, 200)
	log := decode[page[auditJSON]](t, body)
	var got []string
	for _, e := range log.Items {
		got = append(got, e.Who+" "+e.Action+" "+e.Station+" "+e.Detail)
	}
	if strings.Join(got, "; ") != "adam login  ; olga threshold cap 0.7, was 0.5; olga login  ; olga login_failed  " || log.Next == nil {
		t.Errorf("log %q", got)
	}
}
