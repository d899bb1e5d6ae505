package fetch

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/icholy/digest"
)

// digestServer accepts a user by Digest as RFC 7616 wants it, each nonce three
// times with rising counts.
type digestServer struct {
	challenge digest.Challenge
	issued    atomic.Int64
	count     atomic.Int64 // of the newest nonce
	requests  atomic.Int64
}

func (s *digestServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.requests.Add(1)
	cred, err := digest.ParseCredentials(r.Header.Get("Authorization"))
	if err != nil || !s.accepts(cred, r) {
		c := s.challenge
		c.Nonce = fmt.Sprint("nonce", s.issued.Add(1))
		s.count.Store(0)
		w.Header().Add("WWW-Authenticate", `Basic realm="camera"`)
		w.Header().Add("WWW-Authenticate", c.String())
		w.WriteHeader(http.StatusUnauthorized)
	}
}

func (s *digestServer) accepts(cred *digest.Credentials, r *http.Request) bool {
	c := s.challenge
	c.Nonce = fmt.Sprint("nonce", s.issued.Load())
	count := int(s.count.Add(1))
	want, err := digest.Digest(&c, digest.Options{
		Method: r.Method, URI: r.URL.RequestURI(), Username: "admin", Password: secret, Count: count, Cnonce: cred.Cnonce,
	})
	return err == nil && count <= 3 && want.Response == cred.Response && cred.URI == r.URL.RequestURI() && cred.Nonce == c.Nonce
}

func TestDigest(t *testing.T) {
	for _, c := range []digest.Challenge{
		{Realm: "camera"},
		{Realm: "camera", QOP: []string{"auth"}},
		{Realm: "camera", QOP: []string{"auth", "auth-int"}, Algorithm: "SHA-256", Opaque: "5ccc"},
	} {
		s := &digestServer{challenge: c}
		server := httptest.NewServer(s)
		u, _ := url.Parse(server.URL + "/video?resolution=1920x1080&pwd=x")
		u.User = url.UserPassword("admin", secret)
		client, err := New(Settings{URL: u})
		if err != nil {
			t.Fatal(err)
		}
		for range 7 {
			answer, err := askAgain(t, client)
			if err != nil {
				t.Fatalf("%v: %v", c, err)
			}
			text(t, answer)
			_ = answer.Body.Close()
		}
		if n := s.requests.Load(); n != 7+3 { // a nonce is good for three
			t.Errorf("%d requests for 7 images", n)
		}
		client.Close()
		server.Close()
	}
}

func TestBasic(t *testing.T) {
	var requests atomic.Int64
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		if user, password, ok := r.BasicAuth(); !ok || user != "admin" || password != secret {
			w.Header().Set("WWW-Authenticate", `basic realm="camera"`)
			w.WriteHeader(http.StatusUnauthorized)
		}
	})
	if _, err := get(t, server, "/", url.UserPassword("admin", secret)); err != nil || requests.Load() != 2 {
		t.Errorf("%v, %d requests", err, requests.Load())
	}
	for name, c := range map[string]struct {
		user *url.Userinfo
		want string
	}{
		"wrong password": {url.UserPassword("admin", "x"), "401 Unauthorized: user or password is wrong"},
		"no password":    {url.User("admin"), "401 Unauthorized"},
		"no user":        {nil, "put them into the url"},
	} {
		if _, err := get(t, server, "/", c.user); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestUnknownAuthentication(t *testing.T) {
	for _, way := range []string{"", "Bearer", `Digest realm="a", nonce="b", algorithm=MD5-sess`, `Digest nonce="`} {
		server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("WWW-Authenticate", way)
			w.WriteHeader(http.StatusUnauthorized)
		})
		if _, err := get(t, server, "/", url.UserPassword("admin", secret)); err == nil || !strings.Contains(err.Error(), "neither Basic nor Digest") {
			t.Errorf("%s: %v", way, err)
		}
	}
}
