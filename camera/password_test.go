package camera

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"faird/config"

	"github.com/rs/zerolog"
)

// A password that cuts its URL in two is refused with what to do about it, and
// without being repeated.
func TestPasswordsThatMustBeEncoded(t *testing.T) {
	for _, url := range []string{
		"rtsp://admin:TOP SECOND@cam/1", "rtsp://admin:SECOND#x@cam/1", "rtsp://admin:1234#SECOND@cam/1", "rtsp://admin:x/SECOND@cam/1",
		"rtsp://admin:SECOND?x@cam/1", "rtsp://admin:SECOND%zz@cam/1", "rtsp://admin:SECOND\"x@cam/1", "rtsp://admin:[SECOND@cam/1",
		"http://cam/v.cgi?loginpas=TOP SECOND", "http://cam/v.cgi?loginpas=x#SECOND", "upload://127.0.0.1:1?token=TOP SECOND",
	} {
		_, err := Open(config.Camera{URL: url}, zerolog.Nop())
		if err == nil || !strings.Contains(err.Error(), "# is %23") || strings.Contains(err.Error(), "SECOND") {
			t.Errorf("%s: %v", url, err)
		}
	}
}

// What is wrong elsewhere in a URL is said without the secrets in it.
func TestErrorsDoNotRepeatSecrets(t *testing.T) {
	for url, says := range map[string]string{
		"rtsp://admin:SECOND":                                      "invalid port",
		"rtsp://admin:SECOND/x":                                    "invalid port",
		"admin:SECOND@cam/1":                                       "unknown scheme",
		"ftp://admin:SECOND@cam/1":                                 "unknown scheme",
		"rtsp:///admin:SECOND@cam/1":                               "no host",
		"rtsp://admin:first@SECOND@cam/1?transport=quic":           "tcp or udp",
		"http://cam/v.cgi?loginuse=a&loginpas=SECOND&expect=big":   "1920x1080@25",
		"upload://0.0.0.0:8081?token=SECOND&token_file=/x":         "one of them",
		"upload://127.0.0.1:8081?token=SECOND%zz":                  "key=value",
		"upload://127.0.0.1:1?token=SECOND&token=SECOND":           "once",
		"gstreamer:?lag=1 rtspsrc location=rtsp://u:SECOND@cam":    "latency",
		`gstreamer:rtspsrc user-pw="TOP SECOND" ! appsink`:         "drop=true",
		"gstreamer:rtspsrc location=rtsp://u:a SECOND@h ! appsink": "drop=true",
	} {
		_, err := Open(config.Camera{URL: url}, zerolog.Nop())
		if err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "SECOND") {
			t.Errorf("%s: %v, want it to say %q", url, err, says)
		}
	}
}

// A password with an @ in it works as it stands.
func TestPasswordWithAt(t *testing.T) {
	p, err := parse("rtsp://admin:first@SECOND@127.0.0.1:21059/ch1")
	if err != nil {
		t.Fatal(err)
	}
	s := inner(p).(*rtspCamera)
	if asked(s) != "rtsp://admin:first%40SECOND@127.0.0.1:21059/ch1" || s.address != "127.0.0.1:21059" {
		t.Errorf("%s at %s", asked(s), s.address)
	}
	if p.name != "rtsp://admin:******@127.0.0.1:21059/ch1" {
		t.Errorf("it is called %s", p.name)
	}
}

// Whatever a driver says of a lost camera, state and verdicts get it without
// secrets.
func TestStatusOfALostCameraHoldsNoSecret(t *testing.T) {
	if _, err := parse("rtsp://admin:TOP-SECOND@cam/1"); err != nil { // its password is known from then on
		t.Fatal(err)
	}
	for _, text := range []string{"rtsp://admin:first@SECOND@cam: refused", "401 for http://cam/?loginpas=SECOND", "log in as TOP-SECOND was refused"} {
		cam := scriptCamera(t, &script{opened: func(int) error { return errors.New(text) }}, 0)
		runUntilEnd(t, cam)
		eventually(t, cam, "lost", func(s Status) bool { return s.Failed })
		if got := cam.Status().Err; strings.Contains(got, "SECOND") || !strings.Contains(got, "******") {
			t.Errorf("%s became %s", text, got)
		}
		if _, err := cam.Next(short(t, 20*time.Millisecond), time.Time{}); err == nil || strings.Contains(fmt.Sprint(err), "SECOND") {
			t.Errorf("waiting for it says %v", err)
		}
	}
}
