package store

import (
	"testing"
	"time"
	"unsafe"
)

// setForward is a time read after the clock was set forward by d: its wall clock
// says d more, its monotonic clock the same. Nothing but the real clock gives
// such times otherwise, and a test may not set that.
func setForward(t *testing.T, read time.Time, d time.Duration) time.Time {
	t.Helper()
	jumped := read
	// Bits 30 to 62 of the first word of a time.Time with a monotonic reading are its seconds.
	*(*uint64)(unsafe.Pointer(&jumped)) += uint64(d/time.Second) << 30 //nolint:gosec // see above; checked below
	if jumped.Sub(read) != 0 || jumped.Round(0).Sub(read.Round(0)) != d {
		t.Fatalf("%s is not %s with a clock set by %s", jumped, read, d)
	}
	return jumped
}

// A clock that is set forward must not have what waits given up as too old.
func TestAgeWhenTheClockIsSet(t *testing.T) {
	began := time.Now()
	for name, c := range map[string]struct {
		wall, elapsed time.Duration // since the start, by the two clocks
		want          time.Duration // before the start: what is too old by now
	}{
		"an hour later":        {time.Hour, time.Hour, 23 * time.Hour},
		"set forward by years": {20000 * time.Hour, time.Hour, 23 * time.Hour},
		"set back":             {-10 * time.Hour, time.Hour, 34 * time.Hour},
	} {
		s := &Store{age: 24 * time.Hour, began: began}
		now := setForward(t, began.Add(c.elapsed), c.wall-c.elapsed)
		if got := began.Round(0).Sub(s.tooOld(now).Round(0)); (got - c.want).Abs() > time.Second {
			t.Errorf("%s: what is %s older than the start is too old, want %s", name, got, c.want)
		}
	}
}
