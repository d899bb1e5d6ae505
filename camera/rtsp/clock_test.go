package rtsp

import (
	"testing"
	"time"
)

const (
	rate     = 90000
	interval = 40 * time.Millisecond
)

func sent(n int) uint32 { return uint32(n) * 3600 } // wraps in the tests below

func TestDelayOnTheWayIsTakenOff(t *testing.T) {
	c := senderClock{rate: rate}
	start, begin := time.Unix(1e9, 0), uint32(1<<32-10*3600)
	for n := range 200 {
		exposed := start.Add(time.Duration(n) * interval)
		held := time.Duration(n%5) * 10 * time.Millisecond
		if n >= 100 && n < 150 { // a queue builds up and drains
			held = time.Duration(50-max(n-125, 125-n)) * 100 * time.Millisecond
		}
		got := c.captured(begin+sent(n), exposed.Add(held))
		if off := got.Sub(exposed); off < 0 || off > 10*time.Millisecond {
			t.Fatalf("picture %d, held up %v: %v off", n, held, off)
		}
	}
}

// A camera whose clock runs a little fast or slow is no reason for old or new
// capture times.
func TestClocksDrift(t *testing.T) {
	for _, ppm := range []float64{-200, 200} {
		c := senderClock{rate: rate}
		start := time.Unix(1e9, 0)
		for n := range 100000 {
			now := start.Add(time.Duration(float64(n)*float64(interval)*(1+ppm/1e6)) + time.Duration(n%3)*time.Millisecond)
			if off := now.Sub(c.captured(sent(n), now)); off < 0 || off > 10*time.Millisecond {
				t.Fatalf("%v ppm, picture %d: %v off", ppm, n, off)
			}
		}
	}
}

func TestTimestampsThatDoNotFollowTheTimeAreNotUsed(t *testing.T) {
	c := senderClock{rate: rate}
	start := time.Unix(1e9, 0)
	for n := range 1000 {
		now := start.Add(time.Duration(n) * interval)
		got := c.captured(7, now)
		if got.After(now) || (n > 500 && !got.Equal(now)) {
			t.Fatalf("picture %d: %v", n, now.Sub(got))
		}
	}
	if len(c.recent) > 1000 {
		t.Errorf("%d offsets kept", len(c.recent))
	}
}
