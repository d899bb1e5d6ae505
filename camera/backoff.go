package camera

import (
	"context"
	"math/rand/v2"
	"time"
)

// backoff gives the pauses between attempts: doubling from min to max, with
// jitter so that cameras lost together do not come back in step.
type backoff struct {
	min, max time.Duration
	attempts int // since the last reset
}

// next returns the pause before the next attempt, within min..max.
func (b *backoff) next() time.Duration {
	top := b.min
	for i := 0; i < b.attempts && top < b.max; i++ {
		top *= 2
	}
	b.attempts++
	top = min(top, b.max)
	low := max(b.min, top/2)
	return low + time.Duration(rand.Int64N(int64(top-low)+1))
}

func (b *backoff) reset() { b.attempts = 0 }

// sleep waits and says whether it did to the end.
func sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
