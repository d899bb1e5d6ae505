package camera

import (
	"context"
	"math"
	"time"
)

// pacer lets a source that could give pictures at any speed give them at a rate.
type pacer struct {
	interval time.Duration // 0: as fast as they are taken
	next     time.Time
}

// interval of a rate in pictures a second; a rate of 0 is none.
func interval(rate float64) time.Duration {
	if rate == 0 {
		return 0
	}
	return time.Duration(math.Round(float64(time.Second) / rate))
}

// wait until the next picture is due. After a delay it does not hurry to make
// up for what was missed.
func (p *pacer) wait(ctx context.Context) bool {
	if p.interval == 0 {
		return ctx.Err() == nil
	}
	now := time.Now()
	if p.next.IsZero() || now.Sub(p.next) > p.interval {
		p.next = now
	}
	ok := sleep(ctx, p.next.Sub(now))
	p.next = p.next.Add(p.interval)
	return ok
}
