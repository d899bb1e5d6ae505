package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// secret is the password of every test; no error may hold it.
const secret = "p@ss w#rd/"

// get asks a server for a path as the given user.
func get(t *testing.T, server *httptest.Server, path string, user *url.Userinfo) (*Answer, error) {
	t.Helper()
	u, err := url.Parse(server.URL + path)
	if err != nil {
		t.Fatal(err)
	}
	u.User = user
	return ask(t, Settings{URL: u})
}

func ask(t *testing.T, s Settings) (*Answer, error) {
	t.Helper()
	c, err := New(s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return askAgain(t, c)
}

func askAgain(t *testing.T, c *Client) (*Answer, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	t.Cleanup(cancel)
	answer, err := c.Get(ctx)
	if err == nil {
		t.Cleanup(func() { _ = answer.Body.Close() })
		return answer, nil
	}
	for _, word := range []string{secret, url.PathEscape(secret), "loginpas"} {
		if strings.Contains(err.Error(), word) {
			t.Errorf("the error holds a secret: %v", err)
		}
	}
	return nil, err
}

func serve(t *testing.T, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server
}

func text(t *testing.T, a *Answer) string {
	t.Helper()
	b, err := io.ReadAll(a.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestGet(t *testing.T) {
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if h := r.Header; h.Get("Accept-Encoding") != "" || h.Get("Authorization") != "" || r.Method != http.MethodGet {
			t.Errorf("%s with %v", r.Method, h)
		}
		w.Header().Set("Content-Type", "image/jpeg")
		fmt.Fprint(w, r.URL.RawQuery)
	})
	before := time.Now()
	a, err := get(t, server, "/a?channel=1 &odd;=%zz", nil)
	if err != nil {
		t.Fatal(err)
	}
	if a.Type != "image/jpeg" || a.Length != 21 || a.Asked.Before(before) || text(t, a) != "channel=1%20&odd;=%zz" {
		t.Errorf("%+v", a)
	}
}

func TestNoProxy(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	c, err := New(Settings{URL: &url.URL{Scheme: "http", Host: "camera"}})
	if err != nil || c.transport.Proxy != nil {
		t.Errorf("%v: HTTP_PROXY would apply", err)
	}
}

func TestStatus(t *testing.T) {
	for code, want := range map[int]string{
		401: "wants a user and password", 403: "403 Forbidden", 404: "path is wrong", 405: "path is wrong",
		503: "503 Service Unavailable: the camera is busy", 429: "too often", 500: "500 Internal Server Error", 204: "204 No Content",
		206: "206 Partial Content", 300: "300 Multiple Choices", 418: "in a browser",
	} {
		server := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) })
		if _, err := get(t, server, "/?loginpas="+url.QueryEscape(secret), nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%d: %v", code, err)
		}
	}
}

func TestRedirects(t *testing.T) {
	elsewhere := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/locked" {
			w.Header().Set("WWW-Authenticate", `Basic realm="phishing"`)
			w.WriteHeader(http.StatusUnauthorized)
		}
		if r.Header.Get("Authorization") != "" {
			t.Error("another host was given the password")
		}
	})
	to := map[string]string{
		"/3": "/2", "/2": "1", "/1": "/0", "/4": "/3", "/loop": "/loop", "/away": elsewhere.URL, "/locked": elsewhere.URL + "/locked",
		"/secure": "https://camera/", "/file": "file:///etc/passwd", "/bad": "http://%zz?loginpas=" + secret, "/none": "",
		"/user": "//" + url.UserPassword("root", secret).String() + "@" + elsewhere.Listener.Addr().String() + "/",
	}
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/0" {
			return
		}
		if user, _, _ := r.BasicAuth(); user == "" {
			w.Header().Set("WWW-Authenticate", `Basic realm="camera"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		if at := to[r.URL.Path]; at != "" {
			w.Header().Set("Location", at)
		}
		w.WriteHeader(http.StatusFound)
	})
	for path, want := range map[string]string{
		"/1": "", "/3": "", "/away": "", "/user": "", "/4": "redirected 4 times", "/loop": "redirected 4 times", "/locked": "only the camera itself",
		"/secure": "from http to https at camera", "/file": "from http to file", "/bad": "an address that is none", "/none": "an address that is none",
	} {
		_, err := get(t, server, path, url.UserPassword("admin", secret))
		if (err == nil) != (want == "") || (err != nil && !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
	}
}

// A camera that takes a picture and redirects to it has exposed it by then.
func TestRedirectedImageIsAsOldAsTheFirstRequest(t *testing.T) {
	var exposed time.Time
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/snap" {
			exposed = time.Now()
			w.Header().Set("Location", "/pictures/1.jpg")
			w.WriteHeader(http.StatusFound)
		}
	})
	answer, err := get(t, server, "/snap", nil)
	if err != nil {
		t.Fatal(err)
	}
	if answer.Asked.After(exposed) {
		t.Errorf("asked %v after it was exposed", answer.Asked.Sub(exposed))
	}
}

func TestUnreachable(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	_ = l.Close()
	_, err = ask(t, Settings{URL: &url.URL{Scheme: "http", Host: address, RawQuery: "loginpas=" + url.QueryEscape(secret), User: url.UserPassword("a", secret)}})
	if err == nil || !strings.Contains(err.Error(), address) || !strings.Contains(err.Error(), "refused: is the camera on") {
		t.Errorf("%v", err)
	}
}

// The context's cause is the error, at whatever point the camera falls silent.
func TestSilence(t *testing.T) {
	patience := errors.New("out of patience")
	for name, greeting := range map[string]string{"at once": "", "in the status": "HTTP/1.1 2", "in the header": "HTTP/1.1 200 OK\r\nServer: x\r\n"} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan struct{})
		ctx, cancel := context.WithCancelCause(context.Background())
		go func() {
			defer close(done)
			conn, err := l.Accept()
			if err != nil {
				return
			}
			defer conn.Close()
			_, _ = conn.Read(make([]byte, 1000)) // the request
			_, _ = conn.Write([]byte(greeting))
			cancel(patience)
			_, _ = conn.Read(make([]byte, 1)) // until it is closed
		}()
		c, err := New(Settings{URL: &url.URL{Scheme: "http", Host: l.Addr().String()}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Get(ctx); !errors.Is(err, patience) {
			t.Errorf("%s: %v", name, err)
		}
		_ = l.Close()
		<-done
		c.Close()
	}
}

func TestEndlessHeader(t *testing.T) {
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		_, err = conn.Write([]byte("HTTP/1.1 200 OK\r\n"))
		for err == nil {
			_, err = conn.Write([]byte("X-Junk: " + strings.Repeat("x", 1000) + "\r\n"))
		}
	})
	if _, err := get(t, server, "/", nil); err == nil || !strings.Contains(err.Error(), "header") {
		t.Errorf("%v", err)
	}
}

// One connection serves all requests for single images, and none is left behind.
func TestConnectionIsUsedAgain(t *testing.T) {
	var connections sync.Map
	server := serve(t, func(_ http.ResponseWriter, r *http.Request) { connections.Store(r.RemoteAddr, true) })
	u, _ := url.Parse(server.URL)
	c, err := New(Settings{URL: u})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for range 5 {
		a, err := askAgain(t, c)
		if err != nil {
			t.Fatal(err)
		}
		text(t, a)
		_ = a.Body.Close()
	}
	n := 0
	connections.Range(func(any, any) bool { n++; return true })
	if n != 1 {
		t.Errorf("%d connections", n)
	}
}
