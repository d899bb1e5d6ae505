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

// Timestamps that stand still make pictures look old, never new, and by no more
// than the window; arrivals count where the timestamps are to be ignored.
func TestTimestampsThatDoNotFollowTheTime(t *testing.T) {
	c, ignoring := senderClock{rate: rate}, senderClock{rate: rate, ignored: true}
	start := time.Unix(1e9, 0)
	for n := range 1000 {
		now := start.Add(time.Duration(n) * interval)
		if got := c.captured(7, now); got.After(now) || now.Sub(got) > delayWindow {
			t.Fatalf("picture %d: %v", n, now.Sub(got))
		}
		if got := ignoring.captured(7, now); !got.Equal(now) {
			t.Fatalf("picture %d: %v", n, now.Sub(got))
		}
	}
	if len(c.recent) > 1000 {
		t.Errorf("%d offsets kept", len(c.recent))
	}
}

// Whatever a stall held up is old when it comes, however long it lasted.
func TestStall(t *testing.T) {
	for _, stall := range []time.Duration{2 * time.Second, 9 * time.Second, time.Minute} {
		c := senderClock{rate: rate}
		start, held := time.Unix(1e9, 0), int(stall/interval)
		for n := range 200 + held {
			exposed := start.Add(time.Duration(n) * interval)
			arrived := exposed
			if n >= 100 && n < 100+held { // all of it comes at the end of the stall
				arrived = start.Add(time.Duration(100+held) * interval)
			}
			if off := c.captured(sent(n), arrived).Sub(exposed); off < -time.Millisecond || off > 10*time.Millisecond {
				t.Fatalf("stall of %v, picture %d: %v off", stall, n, off)
			}
		}
	}
}
