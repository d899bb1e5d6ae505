package camera

import (
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"faird/config"
)

// What the issue asks of every outage; held where the machine is quiet enough to
// be asked (FAIRD_TEST_OUTAGES), told elsewhere. The box announces its state
// every half second, which is in the first of them.
const (
	seenWithin = 1500 * time.Millisecond
	backWithin = 3 * time.Second
)

// use is what this process holds.
type use struct{ goroutines, threads, memory int }

// comesBack kills and restarts the camera program many times.
func comesBack(t *testing.T, cam *Camera, outages int, kill, revive func()) {
	t.Helper()
	var early use
	var seen, back []time.Duration
	for i := range outages {
		next(t, cam, time.Time{}).Release()
		killed := time.Now()
		kill()
		lost := eventually(t, cam, "lost", func(s Status) bool { return !s.Connected })
		seen = append(seen, time.Since(killed))
		if lost.Err == "" || lost.FPS != 0 {
			t.Errorf("status in the outage %+v", lost)
		}
		_, err := cam.Next(short(t, 30*time.Millisecond), time.Time{})
		wantErr(t, err, ErrLost)
		if i%4 == 3 {
			time.Sleep(2 * time.Second) // long enough for the pauses between attempts to be the longest
		}
		revive()
		revived := time.Now()
		var said []string // what the state gave as the reason meanwhile
		now := eventually(t, cam, "back", func(s Status) bool {
			if n := len(said); n == 0 || said[n-1] != s.Err {
				said = append(said, s.Err)
			}
			return s.Connected
		})
		back = append(back, time.Since(revived))
		if d := back[i]; d > backWithin {
			t.Logf("outage %d: back only after %v: %v", i+1, d, said)
		}
		if now.Reopened != uint64(i+1) || now.Err != "" || now.Abandoned > 0 {
			t.Errorf("status after outage %d %+v", i+1, now)
		}
		if i == min(4, outages-1) { // the libraries have their buffers by now
			early = inUse(t)
		}
	}
	next(t, cam, time.Time{}).Release()
	late := inUse(t)
	slices.Sort(back)
	t.Logf("%d outages: seen within %v, back within %v (middle %v); %+v at first, %+v at the end", outages, longest(seen), longest(back), back[len(back)/2], early, late)
	if late.goroutines > early.goroutines+10 || late.threads > early.threads+10 || late.memory > early.memory+16<<20 {
		t.Errorf("%+v at first and %+v at the end", early, late)
	}
	if os.Getenv(outagesVariable) != "" && (longest(seen) > seenWithin || longest(back) > backWithin) {
		t.Errorf("seen within %v and back within %v, want %v and %v", longest(seen), longest(back), seenWithin, backWithin)
	}
}

func longest(list []time.Duration) (d time.Duration) {
	for _, v := range list {
		d = max(d, v)
	}
	return d
}

// inUse counts goroutines, threads and bytes in RAM.
func inUse(t *testing.T) use {
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
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	return use{runtime.NumGoroutine(), len(tasks), pages * os.Getpagesize()}
}

// asShipped are the times that a station has which names none.
func asShipped() config.Camera {
	s := config.DefaultStation().Camera
	return config.Camera{OpenTimeout: s.OpenTimeout, ReadTimeout: s.ReadTimeout, BackoffMin: s.BackoffMin, BackoffMax: s.BackoffMax}
}

const outagesVariable = "FAIRD_TEST_OUTAGES"

// outages is how often a camera is killed: a few times, or as often as asked.
func outages(t *testing.T, fallback int) int {
	t.Helper()
	if n, err := strconv.Atoi(os.Getenv(outagesVariable)); err == nil {
		return n
	}
	return fallback
}
