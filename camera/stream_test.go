package camera

import (
	"net"
	"strings"
	"testing"
	"time"

	"faird/config"
)

// freshest shows that a slow consumer gets the newest picture and no queue: the
// picture it takes is never older than the one sent when it asked, but for the
// one or two on their way.
func freshest(t *testing.T, cam *Camera, s *mjpegServer) {
	t.Helper()
	const onTheWay = 3
	next(t, cam, time.Time{}).Release()
	for range 6 {
		time.Sleep(10 * s.interval)
		asked := s.newest()
		f := next(t, cam, time.Time{})
		lag := (asked - numberOf(f.Picture) + shades) % shades
		if lag > onTheWay && lag < shades/2 {
			t.Errorf("the picture is %d behind the newest", lag)
		}
		if f.Picture.Cols() != 320 || f.Picture.Channels() != 3 || f.Sequence == 0 {
			t.Errorf("%dx%dx%d, sequence %d", f.Picture.Cols(), f.Picture.Rows(), f.Picture.Channels(), f.Sequence)
		}
		f.Release()
	}
	if st := cam.Status(); st.Dropped < 30 || !st.Connected || st.Width != 320 || st.FPS < 5 {
		t.Errorf("status %+v", st)
	}
}

// stalls holds the pictures back with the connection open.
func stalls(t *testing.T, cam *Camera, s *mjpegServer) {
	t.Helper()
	next(t, cam, time.Time{}).Release()
	s.stall.Store(true)
	st := eventually(t, cam, "lost", func(s Status) bool { return !s.Connected })
	if st.Err == "" {
		t.Error("no reason")
	}
	s.stall.Store(false)
	eventually(t, cam, "back", func(s Status) bool { return s.Connected })
	next(t, cam, time.Now()).Release()
}

func TestHTTPIsFresh(t *testing.T) {
	s := newMJPEG(t, 20*time.Millisecond)
	freshest(t, start(t, s.url()+"?latency=0s", config.Camera{}), s)
}

func TestHTTPComesBack(t *testing.T) {
	s := newMJPEG(t, 20*time.Millisecond)
	comesBack(t, start(t, s.url(), asShipped()), outages(t, 4), s.kill, func() { s.start(t) })
}

func TestHTTPThatStalls(t *testing.T) {
	s := newMJPEG(t, 20*time.Millisecond)
	stalls(t, start(t, s.url(), config.Camera{ReadTimeout: 300 * time.Millisecond}), s)
}

func TestNobodyListens(t *testing.T) {
	address := freePort(t, "tcp")
	cam := start(t, "http://"+address+"/", config.Camera{})
	st := eventually(t, cam, "refused", func(s Status) bool { return strings.Contains(s.Err, "refused") })
	if !strings.Contains(st.Err, address) || st.Abandoned != 0 {
		t.Errorf("status %+v", st)
	}
}

// A server that takes the connection and says nothing is given up in time.
func TestSilentServer(t *testing.T) {
	for _, scheme := range []string{"http", "rtsp"} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		cam := start(t, scheme+"://"+l.Addr().String()+"/stream", config.Camera{OpenTimeout: 400 * time.Millisecond})
		st := eventually(t, cam, "given up", func(s Status) bool { return s.Failed })
		t.Logf("%s: %s, abandoned %d", scheme, st.Err, st.Abandoned)
		_, err = cam.Next(short(t, 10*time.Millisecond), time.Time{})
		wantErr(t, err, ErrLost)
	}
}
