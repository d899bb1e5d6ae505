package rtsp

import (
	"bufio"
	"context"
	"errors"
	"net"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v4/pkg/base"
	"go.uber.org/goleak"

	"faird/camera/fault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve answers every request as the test says; nil closes the connection, and
// stall leaves it open without an answer.
func serve(t *testing.T, answer func(r *base.Request) *base.Response) (host string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var work sync.WaitGroup
	work.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			work.Go(func() { converse(conn, answer) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		work.Wait()
	})
	return l.Addr().String()
}

// stall is an answer that never comes.
var stall = &base.Response{}

func converse(conn net.Conn, answer func(r *base.Request) *base.Response) {
	defer conn.Close()
	in := bufio.NewReader(conn)
	for {
		var r base.Request
		if r.Unmarshal(in) != nil {
			return
		}
		a := answer(&r)
		switch a {
		case nil:
			return
		case stall:
			continue
		}
		if a.Header == nil {
			a.Header = base.Header{}
		}
		a.Header["CSeq"] = r.Header["CSeq"]
		text, err := a.Marshal()
		if err == nil {
			_, err = conn.Write(text)
		}
		if err != nil {
			return
		}
	}
}

// status answers OPTIONS, and everything else with a code.
func status(code base.StatusCode, h base.Header) func(r *base.Request) *base.Response {
	return func(r *base.Request) *base.Response {
		if r.Method == base.Options {
			return &base.Response{StatusCode: base.StatusOK}
		}
		return &base.Response{StatusCode: code, Header: h}
	}
}

const secret = "pass word"

// refused opens what cannot be opened.
func refused(t *testing.T, host string, patience time.Duration) error {
	t.Helper()
	u := &url.URL{Scheme: "rtsp", Host: host, Path: "/line", User: url.UserPassword("admin", secret)}
	s, err := Open(context.Background(), Options{URL: u, Open: patience, Silence: time.Minute, MaxUnit: maxUnit})
	if err == nil {
		s.Close()
		t.Fatal("it was opened")
	}
	if strings.Contains(err.Error(), secret) {
		t.Errorf("%v: the password is in the error", err)
	}
	return err
}

// Each way in which a camera may refuse says what to do about it.
func TestRefusals(t *testing.T) {
	basic := base.Header{"WWW-Authenticate": base.HeaderValue{`Basic realm="camera"`}}
	for name, c := range map[string]struct {
		answer func(r *base.Request) *base.Response
		want   string
	}{
		"closes the connection": {func(*base.Request) *base.Response { return nil }, "the server closed the connection: is it an RTSP server, and the port right?"},
		"closes it later": {func(r *base.Request) *base.Response {
			if r.Method == base.Options {
				return &base.Response{StatusCode: base.StatusOK}
			}
			return nil
		}, "the server closed the connection"},
		"wrong password": {status(base.StatusUnauthorized, basic), "check user and password"},
		"forbidden":      {status(base.StatusForbidden, nil), "check user and password"},
		"wrong path":     {status(base.StatusNotFound, nil), "check the path"},
		"busy":           {status(base.StatusServiceUnavailable, nil), "see the camera's own log"},
		"no description": {status(base.StatusOK, nil), "Content-Type"},
	} {
		err := refused(t, serve(t, c.answer), time.Minute)
		if !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
		if login := strings.Contains(c.want, "password"); login != errors.Is(err, fault.ErrLogin) {
			t.Errorf("%s: %v: a refused log-in: %v", name, err, !login)
		}
	}
}

func TestCameraThatDoesNotBeginToPlay(t *testing.T) {
	err := refused(t, serve(t, func(*base.Request) *base.Response { return stall }), 100*time.Millisecond)
	if want := "the camera did not begin to play within 100ms: check the camera, or raise open_timeout"; err.Error() != want {
		t.Errorf("%v, want %q", err, want)
	}
}

// A camera may redirect, but not for ever, and the password stays with the host in
// the URL.
func TestRedirects(t *testing.T) {
	var leaked atomic.Bool
	elsewhere := serve(t, func(r *base.Request) *base.Response {
		if r.Header["Authorization"] != nil || r.URL.User != nil {
			leaked.Store(true)
		}
		return status(base.StatusUnauthorized, base.Header{"WWW-Authenticate": base.HeaderValue{`Basic realm="phishing"`}})(r)
	})
	to := map[string]string{
		"/away": "rtsp://" + elsewhere + "/line", "/user": "rtsp://root:" + url.QueryEscape(secret) + "@" + elsewhere + "/line",
		"/secure": "rtsps://camera/line", "/file": "file:///etc/passwd", "/none": "",
	}
	for path, want := range map[string]string{
		"/1": "404", "/2": "404", "/3": "redirected 4 times", "/loop": "redirected 4 times",
		"/away": "only the camera itself is given them", "/user": "only the camera itself is given them",
		"/secure": "from rtsp to rtsps at camera", "/file": "an address that is none", "/none": "302 Found",
	} {
		var host string
		host = serve(t, func(r *base.Request) *base.Response {
			at := r.URL.Path
			switch next, known := to[path]; {
			case at == "/0":
				return status(base.StatusNotFound, nil)(r)
			case at == "/line" && known:
				at = next
			case at == "/line":
				at = "rtsp://" + host + path
			case at == "/loop":
				at = "rtsp://" + host + "/loop"
			default:
				at = "rtsp://" + host + "/" + string(at[1]-1)
			}
			return status(base.StatusFound, base.Header{"Location": base.HeaderValue{at}})(r)
		})
		if err := refused(t, host, time.Minute); !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
	}
	if leaked.Load() {
		t.Error("another host was given the password")
	}
}
