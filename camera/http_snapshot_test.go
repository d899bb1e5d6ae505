package camera

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"faird/config"
	"faird/verdict"
)

// snapshotServer answers each request as the test says.
type snapshotServer struct {
	*httptest.Server
	asked atomic.Int64
}

func newSnapshots(t *testing.T, answer func(w http.ResponseWriter, n int64)) *snapshotServer {
	t.Helper()
	s := &snapshotServer{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "image/jpeg")
		answer(w, s.asked.Add(1))
	}))
	t.Cleanup(s.Close)
	return s
}

// wantSoon waits until a fault has been counted.
func wantSoon(t *testing.T, cam *Camera, want verdict.Check) {
	t.Helper()
	eventually(t, cam, "counted as "+string(want), func(s Status) bool {
		for check, n := range s.Faults.Each {
			if check == want {
				return n > 0
			}
		}
		return false
	})
}

// A URL with every is asked for one image after the other.
func TestSnapshots(t *testing.T) {
	s := newSnapshots(t, func(w http.ResponseWriter, n int64) { _, _ = w.Write(plainScene(t, uint64(n))) })
	cam := start(t, s.URL+"/snap.jpg?every=20ms", config.Camera{})
	last := uint64(0)
	for range 5 {
		began := time.Now()
		f := next(t, cam, began)
		if !f.Captured.Add(-cam.Latency()).After(began) || f.Exposure != verdict.Estimated || f.Sequence <= last {
			t.Errorf("image %d captured %v after it was wanted", f.Sequence, f.Captured.Sub(began))
		}
		if !shows(t, f, plainScene(t, f.Sequence+1)) { // the first answer of all is not used
			t.Errorf("frame %d shows another image: %v", f.Sequence, f.Err)
		}
		last = f.Sequence
		f.Release()
	}
	if st := cam.Status(); st.Faults != (verdict.FaultCounts{}) || st.Reopened != 0 {
		t.Errorf("%+v", st)
	}
}

// An image counts as captured when it was asked for: before that is sent, the
// camera cannot have exposed it for us, and later it may have been exposed before.
func TestSnapshotIsAsOldAsItsRequest(t *testing.T) {
	var asked atomic.Int64 // by the monotonic clock
	begin := time.Now()
	s := newSnapshots(t, func(w http.ResponseWriter, n int64) {
		asked.Store(int64(time.Since(begin)))
		time.Sleep(30 * time.Millisecond)
		_, _ = w.Write(plainScene(t, uint64(n)))
	})
	f := next(t, start(t, s.URL+"?every=10s", config.Camera{}), time.Time{})
	defer f.Release()
	if came := begin.Add(time.Duration(asked.Load())); f.Captured.After(came) {
		t.Errorf("captured %v after the camera was asked", f.Captured.Sub(came))
	}
}

func TestSnapshotFaults(t *testing.T) {
	whole := plainScene(t, 1)
	send := func(length int, data []byte) func(http.ResponseWriter, int64) {
		return func(w http.ResponseWriter, _ int64) {
			if length >= 0 {
				w.Header().Set("Content-Length", fmt.Sprint(length))
			}
			_, _ = w.Write(data)
		}
	}
	for name, c := range map[string]struct {
		answer func(w http.ResponseWriter, n int64)
		want   verdict.Check
	}{
		"same bytes":     {send(-1, whole), verdict.Repeated},
		"length too big": {send(len(whole)+1, whole), verdict.Incomplete},
		"no end":         {send(-1, whole[:len(whole)-2]), verdict.Incomplete},
		"half":           {send(len(whole)/2, whole[:len(whole)/2]), verdict.Incomplete},
		"not an image":   {send(-1, []byte("sorry")), verdict.Damaged},
		"too large":      {send(1<<30, whole), verdict.TooLarge},
		"endless": {func(w http.ResponseWriter, _ int64) {
			for junk := make([]byte, 1<<16); ; {
				if _, err := w.Write(junk); err != nil {
					return
				}
			}
		}, verdict.TooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSnapshots(t, func(w http.ResponseWriter, n int64) {
				if n == 1 {
					_, _ = w.Write(whole)
					return
				}
				c.answer(w, n)
			})
			cam := start(t, s.URL+"?every=20ms", config.Camera{MaxPixels: 160 * 120})
			wantSoon(t, cam, c.want)
			eventually(t, cam, "asked again", func(Status) bool { return s.asked.Load() > 4 })
			if st := cam.Status(); st.Reopened != 0 || !st.Connected {
				t.Errorf("%+v", st)
			}
		})
	}
}

// A camera whose sensor stands still from the start gives nothing to judge: that the
// image of the first request is not used does not make its copy a new one.
func TestSnapshotThatNeverChanges(t *testing.T) {
	still := plainScene(t, 1)
	s := newSnapshots(t, func(w http.ResponseWriter, _ int64) { _, _ = w.Write(still) })
	cam := start(t, s.URL+"?every=20ms", config.Camera{})
	wantFault(t, cam, verdict.Repeated)
}

// What is no image any more means that the camera is lost, and why is said.
func TestSnapshotCameraIsLost(t *testing.T) {
	for want, answer := range map[string]func(w http.ResponseWriter){
		"503 Service Unavailable: the camera is busy": func(w http.ResponseWriter) { w.WriteHeader(http.StatusServiceUnavailable) },
		`answered with "text/html"`:                   func(w http.ResponseWriter) { w.Header().Set("Content-Type", "text/html") },
		"no whole image came within 2.7s": func(w http.ResponseWriter) {
			w.(http.Flusher).Flush()
			time.Sleep(4 * time.Second)
		},
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			s := newSnapshots(t, func(w http.ResponseWriter, n int64) {
				if n < 4 {
					_, _ = w.Write(plainScene(t, uint64(n)))
					return
				}
				answer(w)
			})
			cam := start(t, s.URL+"?every=20ms", config.Camera{ReadTimeout: 3 * time.Second, BackoffMin: 5 * time.Second, BackoffMax: 5 * time.Second})
			next(t, cam, time.Time{}).Release()
			if st := eventually(t, cam, "lost", func(s Status) bool { return s.Failed }); !strings.Contains(st.Err, want) || st.Abandoned != 0 {
				t.Errorf("%+v", st)
			}
		})
	}
}

// With every=trigger the camera is asked when an image is wanted, and late enough
// for the one that it has ready to be from after the trigger.
func TestSnapshotOnTrigger(t *testing.T) {
	const old = 80 * time.Millisecond // the camera's images when it hands them out
	var nobody atomic.Bool
	s := newSnapshots(t, func(w http.ResponseWriter, _ int64) {
		if nobody.Load() {
			t.Error("nobody wanted an image")
		}
		_, _ = w.Write(drawStripOf(time.Now().Add(-old)))
	})
	cam := start(t, s.URL+"?every=trigger&latency=100ms", config.Camera{})
	nobody.Store(false)
	eventually(t, cam, "open", func(s Status) bool { return s.Connected })
	for range 4 {
		nobody.Store(true)
		time.Sleep(30 * time.Millisecond)
		nobody.Store(false)
		trigger := time.Now()
		f := next(t, cam, trigger)
		if drawn := readStrip(f.Picture); drawn.Before(trigger.Truncate(time.Millisecond)) {
			t.Errorf("exposed %v before the trigger", trigger.Sub(drawn))
		}
		if f.Exposure != verdict.Estimated {
			t.Errorf("exposure %s", f.Exposure)
		}
		f.Release()
	}
	if n := s.asked.Load(); n != 1+4 {
		t.Errorf("asked %d times for four images", n)
	}
	s.Close()
	eventually(t, cam, "lost though nothing was asked", func(s Status) bool { return !s.Connected })
}
