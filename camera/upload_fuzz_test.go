package camera

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// FuzzUpload holds that no request makes the server of pictures fall over, and
// that each is answered as HTTP has it.
func FuzzUpload(f *testing.F) {
	for _, seed := range []string{"", "text", "\x89PNG\r\n\x1a\n", "\xff\xd8\xff\xe0"} {
		f.Add("POST", "/cap?name=a.png", "Bearer t0ken", seed)
		f.Add("PUT", "/cap", "t0ken", seed)
	}
	f.Add("GET", "/cap/../cap", "Bearer t0ken", "")
	f.Fuzz(func(t *testing.T, method, target, authorization, body string) {
		s := &upload{settings: uploadSettings{path: "/cap", token: "t0ken", most: 1 << 20, deadline: 20 * time.Millisecond}}
		s.brought, s.seats = make(chan *delivery), make(chan struct{}, 1)
		s.bodies, s.connections = newBodies(s.settings.most), newConnections(nopLog)
		r, err := http.NewRequestWithContext(t.Context(), method, "http://127.0.0.1"+target, strings.NewReader(body))
		if err != nil {
			return // net/http refuses it before it comes here
		}
		r.Header.Set("Authorization", authorization)
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		switch {
		case w.Code < 400 || !strings.HasPrefix(w.Body.String(), `{"error":`):
			t.Errorf("answered %d %s, and nobody has judged it", w.Code, w.Body)
		case strings.TrimPrefix(authorization, "Bearer ") != "t0ken" && w.Code != http.StatusUnauthorized:
			t.Errorf("answered %d without the token", w.Code)
		}
	})
}
