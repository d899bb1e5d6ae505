package pipeline

import (
	"time"

	"faird/verdict"
)

// asOf tells by the clock that read now when something was, so that a clock
// that was set meanwhile does not tear the times of one verdict apart: the time
// in between is the monotonic clock's. A time without a monotonic reading, a
// file's own say, stays what it is.
func asOf(now, was time.Time) verdict.Time {
	if was.IsZero() {
		return verdict.Time{}
	}
	return verdict.Time{Time: now.Add(-now.Sub(was))}
}
