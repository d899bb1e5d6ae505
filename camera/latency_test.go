package camera

import (
	"bytes"
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"faird/config"
)

// lamp lights a scene that a camera shows some time later.
type lamp struct {
	mu       sync.Mutex
	switches []switching
	delay    time.Duration
	pictures [2][]byte // dark, bright
	drawn    int
}

type switching struct {
	at time.Time
	on bool
}

func newLamp(t *testing.T, delay time.Duration) *lamp {
	t.Helper()
	all := shadePictures(t)
	return &lamp{delay: delay, pictures: [2][]byte{all[2], all[20]}}
}

func (l *lamp) light(on bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.switches = append(l.switches, switching{time.Now(), on})
	return nil
}

func (l *lamp) draw() []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	seen := 0
	for _, s := range l.switches {
		if time.Since(s.at) < l.delay {
			break
		}
		if seen = 0; s.on {
			seen = 1
		}
	}
	l.drawn++
	return noisy(l.pictures[seen], l.drawn)
}

// noisy is a JPEG whose bytes differ from those of the image before, as a sensor's
// noise makes them: its restart interval, which has no effect on a single scan of
// fewer blocks, counts on.
func noisy(image []byte, n int) []byte {
	interval := 40000 + n%20000
	restart := []byte{0xff, 0xdd, 0, 4, byte(interval >> 8), byte(interval)}
	table := bytes.Index(image, []byte{0xff, 0xdb}) // the first quantization table
	return slices.Concat(image[:table], restart, image[table:])
}

func TestLatencyIsMeasured(t *testing.T) {
	const delay = 150 * time.Millisecond
	l := newLamp(t, delay)
	s := &mjpegServer{interval: 10 * time.Millisecond, draw: l.draw}
	s.start(t)
	t.Cleanup(s.kill)
	cam := start(t, s.url(), config.Camera{})
	got, err := cam.MeasureLatency(t.Context(), l.light)
	if err != nil {
		t.Fatal(err)
	}
	if got.Shortest < delay || got.Median < got.Shortest || got.Longest < got.Median || got.Rounds != latencyRounds {
		t.Errorf("%+v of a scene that is shown %v late", got, delay)
	}
	t.Logf("%+v", got)
}

func TestLatencyWithoutALight(t *testing.T) {
	s := newMJPEG(t, 10*time.Millisecond)
	s.pictures = nil
	flat, drawn := shadePictures(t)[3], 0
	s.draw = func() []byte {
		drawn++
		return noisy(flat, drawn)
	}
	cam := start(t, s.url(), config.Camera{})
	_, err := cam.MeasureLatency(t.Context(), func(bool) error { return nil })
	wantErr(t, err, ErrDark)
	_, err = cam.MeasureLatency(t.Context(), func(bool) error { return context.Canceled })
	wantErr(t, err, context.Canceled)
}
