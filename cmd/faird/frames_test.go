package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"testing"
	"time"

	"faird/camera"
	"faird/config"
	"faird/publish"
	"faird/verdict"
)

var framesWanted = flag.Int("frames", 100, "TestFrames: how many pictures to judge at least; from 5000 on memory is held too")

// memoryTold is how many pictures it takes until memory says something.
const memoryTold = 5000

// TestFrames has a whole daemon judge pictures as fast as it can, of a camera
// that gives more than that: what is not judged is counted as dropped, what is
// judged reaches the broker, and nothing grows. make soak-frames is 100,000 of
// them.
func TestFrames(t *testing.T) {
	before := runtime.NumGoroutine()
	f := &framing{want: *framesWanted, enough: make(chan struct{})}
	err := runDaemon(t.Context(), framesConfig(t), nil, hooks{observe: f.observe, live: f.arrive, ready: func(d *daemon, stop context.CancelFunc) {
		defer stop()
		select {
		case <-f.enough:
		case <-t.Context().Done():
		case <-time.After(2*time.Minute + time.Duration(*framesWanted)*200*time.Millisecond):
			t.Error("too slow to be of use")
		}
		f.account(t, d.box.States()["frames"].Counts)
	}, done: f.settle(t)})
	if err != nil {
		t.Fatal(err)
	}
	f.grown(t)
	until(t, time.Minute, "no goroutine left", func() bool { return runtime.NumGoroutine() <= before })
}

func framesConfig(t *testing.T) *config.Config {
	c := config.Default()
	c.Site, c.Box, c.Log.Level, c.Web.Listen = "frames", "box1", "error", "127.0.0.1:0"
	c.Infer.Provider, c.Infer.Threads = "cpu", 1
	c.Store.Path = t.TempDir()
	c.Store.MaxBytes, c.Archive.MaxBytes = 20_000_000, 20_000_000 // reached by a long run, and kept
	c.MQTT.Builtin.Listen = "127.0.0.1:0"
	s := config.DefaultStation()
	s.Name, s.Model = "frames", smallNetwork(t)
	s.Camera.URL = fmt.Sprintf("file://%s?loop=true&rate=500", benchFolder(t, 100))
	threshold := 0.01 // every part fails: regions, pictures kept
	s.Threshold = &threshold
	c.Stations = []config.Station{s}
	return &c
}

// framing counts what TestFrames sees.
type framing struct {
	want   int
	enough chan struct{}

	mu          sync.Mutex
	judged      int
	wrong       []string
	first, last uint64 // numbers of the pictures judged first and last
	missed      uint64 // numbers left out between two judged ones
	sequence    uint64 // of the newest verdict
	arrived     int
	memory      []int // bytes, at every twentieth part
}

func (f *framing) observe(v *verdict.Verdict, picture *camera.Frame) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if picture == nil || v.Score == nil {
		f.wrong = append(f.wrong, string(v.Reason)+" "+v.Detail)
		return
	}
	if v.Sequence != f.sequence+1 {
		f.wrong = append(f.wrong, fmt.Sprintf("verdict %d came after %d", v.Sequence, f.sequence))
	}
	f.sequence = v.Sequence
	if f.judged++; f.judged == 1 {
		f.first = picture.Sequence
	} else {
		f.missed += picture.Sequence - f.last - 1
	}
	f.last = picture.Sequence
	if f.judged%max(1, f.want/20) == 0 {
		debug.FreeOSMemory()
		f.memory = append(f.memory, residentBytes())
	}
	if f.judged == f.want {
		close(f.enough)
	}
}

func (f *framing) arrive(string, time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.arrived++
}

// account holds that every picture the camera gave was judged or is counted as
// dropped, but for those on their way: one is read, one waits, one is judged.
func (f *framing) account(t *testing.T, c publish.Counts) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.wrong) > 0 {
		t.Errorf("%d times something else than a judgement, such as: %s", len(f.wrong), f.wrong[0])
	}
	t.Logf("%d pictures: %d judged, %d dropped by the camera's count, %d by their numbers", c.Frames, f.judged, c.Dropped, f.missed+f.first-1)
	if open := int(c.Frames) - f.judged - int(c.Dropped); open < -framesOpen || open > framesOpen {
		t.Errorf("%d pictures are neither judged nor dropped", open)
	}
	if open := int(c.Frames) - int(f.last); open < 0 {
		t.Errorf("picture %d was judged, and %d are counted", f.last, c.Frames)
	}
}

// framesOpen is how many may be on their way while they are counted, on a
// machine that stops this program between two counts.
const framesOpen = 10

// settle holds that every verdict reached the broker, as it was decided.
func (f *framing) settle(t *testing.T) func(*daemon) {
	return func(d *daemon) {
		until(t, time.Minute, "an empty outbox", func() bool { return d.store.Waiting().Rows == 0 })
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.arrived != f.judged {
			t.Errorf("%d verdicts, %d acknowledged as they were decided", f.judged, f.arrived)
		}
		if w := d.store.Waiting(); w.Dropped != 0 {
			t.Errorf("undelivered verdicts given up: %d", w.Dropped)
		}
	}
}

// grown holds that the most memory of the last third is that of the first half,
// without its beginning.
func (f *framing) grown(t *testing.T) {
	if len(f.memory) < 20 {
		return
	}
	early, late := slices.Max(f.memory[4:10]), slices.Max(f.memory[14:])
	t.Logf("most memory from 20%% to 50%% of the pictures %.1f MB, from 70%% on %.1f MB", float64(early)/1e6, float64(late)/1e6)
	t.Logf("bytes at every twentieth: %v", f.memory)
	if f.want >= memoryTold && late-early > early/50+8_000_000 {
		t.Errorf("memory grew by %.1f MB", float64(late-early)/1e6)
	}
}

func residentBytes() int {
	data, err := os.ReadFile("/proc/self/statm")
	var size, pages int
	if err == nil {
		_, err = fmt.Sscan(string(data), &size, &pages)
	}
	if err != nil {
		return 0
	}
	return pages * os.Getpagesize()
}
