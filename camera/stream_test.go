package camera

import (
	"net"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
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

// comesBack kills and restarts the camera program many times.
func comesBack(t *testing.T, cam *Camera, outages int, kill, revive func()) {
	t.Helper()
	goroutines, memory := 0, 0
	for i := range outages {
		next(t, cam, time.Time{}).Release()
		kill()
		lost := eventually(t, cam, "lost", func(s Status) bool { return !s.Connected })
		if lost.Err == "" || lost.FPS != 0 {
			t.Errorf("status in the outage %+v", lost)
		}
		_, err := cam.Next(short(t, 30*time.Millisecond), time.Time{})
		wantErr(t, err, ErrLost)
		revive()
		back := eventually(t, cam, "back", func(s Status) bool { return s.Connected })
		if back.Reopened != uint64(i+1) || back.Err != "" || back.Abandoned != 0 {
			t.Errorf("status after outage %d %+v", i+1, back)
		}
		if i == outages/2 {
			goroutines, memory = runtime.NumGoroutine(), resident(t)
		}
	}
	next(t, cam, time.Time{}).Release()
	if n := runtime.NumGoroutine(); n > goroutines+10 {
		t.Errorf("%d goroutines half way, %d at the end", goroutines, n)
	}
	if m := resident(t); m > memory+8<<20 {
		t.Errorf("%d bytes of memory half way, %d at the end", memory, m)
	}
}

// resident is the memory of this process that is in RAM, in bytes.
func resident(t *testing.T) int {
	t.Helper()
	debug.FreeOSMemory()
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Fatal(err)
	}
	pages, err := strconv.Atoi(strings.Fields(string(text))[1])
	if err != nil {
		t.Fatal(err)
	}
	return pages * os.Getpagesize()
}

// outages is how often a camera is killed: a few times, or as often as asked.
func outages(t *testing.T, fallback int) int {
	t.Helper()
	if n, err := strconv.Atoi(os.Getenv("FAIRD_TEST_OUTAGES")); err == nil {
		return n
	}
	return fallback
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
	comesBack(t, start(t, s.url(), config.Camera{}), outages(t, 10), s.kill, func() { s.start(t) })
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

// A server that takes the connection and says nothing is the classic way to
// hang OpenCV in open.
func TestSilentServer(t *testing.T) {
	for _, scheme := range []string{"http", "rtsp"} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		cam := start(t, scheme+"://"+l.Addr().String()+"/stream", config.Camera{OpenTimeout: 400 * time.Millisecond})
		st := eventually(t, cam, "given up", func(s Status) bool { return strings.Contains(s.Err, "it") })
		t.Logf("%s: %s, abandoned %d", scheme, st.Err, st.Abandoned)
		_, err = cam.Next(short(t, 10*time.Millisecond), time.Time{})
		wantErr(t, err, ErrLost)
	}
}
