package pipeline

import (
	"testing"
	"time"
	"unsafe"

	"faird/camera"
	"faird/verdict"
)

// setBack is a time read before the clock was set forward by d: its wall clock
// says d less, its monotonic clock the same. Nothing but the real clock gives
// such times otherwise, and a test may not set that.
func setBack(t *testing.T, read time.Time, d time.Duration) time.Time {
	t.Helper()
	jumped := read
	// Bits 30 to 62 of the first word of a time.Time with a monotonic reading are its seconds.
	*(*uint64)(unsafe.Pointer(&jumped)) -= uint64(d/time.Second) << 30 //nolint:gosec // see above; checked below
	if jumped.Sub(read) != 0 || read.Round(0).Sub(jumped.Round(0)) != d {
		t.Fatalf("%s is not %s with a clock set by %s", jumped, read, d)
	}
	return jumped
}

func TestTimesOfAVerdictWhenTheClockIsSet(t *testing.T) {
	for name, by := range map[string]time.Duration{"not at all": 0, "forward": 2 * time.Hour, "back": -2 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, "free", nil)
			taken := time.Now().Add(-80 * time.Millisecond)
			before := time.Now()
			r.source.frames <- &camera.Frame{Captured: setBack(t, taken, by), Exposure: verdict.Measured, Sequence: 1}
			v := r.verdict()
			if d := v.Time.Captured.Round(0).Sub(taken.Round(0)); d.Abs() > 10*time.Millisecond {
				t.Errorf("captured is told %s off", d)
			}
			if v.Time.Decided.Round(0).Before(before.Round(0)) {
				t.Errorf("decided at %s, before the picture came at %s", v.Time.Decided, before)
			}
			if v.StagesMS.Wait < 80 || v.StagesMS.Wait > 60_000 {
				t.Errorf("waited %v ms by the monotonic clock, want at least 80", v.StagesMS.Wait)
			}
		})
	}
}

// A verdict says how far its clock is to be trusted when it is decided.
func TestClockQualityOfAVerdict(t *testing.T) {
	qualities := make(chan verdict.Clock, 3)
	r := newRig(t, "free", func(r *rig) { r.deps.Clock = func() verdict.Clock { return <-qualities } })
	for n, want := range []verdict.Clock{verdict.Unsynchronised, verdict.Synchronised, verdict.ClockUnknown} {
		qualities <- want
		r.source.show(uint64(n + 1))
		if v := r.verdict(); v.Time.Clock != want {
			t.Errorf("clock %q, want %q", v.Time.Clock, want)
		}
	}
}
