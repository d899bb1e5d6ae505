package validity

import (
	"time"

	"faird/verdict"
)

// Freeze watches for a camera that gives one picture again and again. No two
// pictures of a sensor are equal in every pixel: its noise sees to that.
type Freeze struct {
	After time.Duration // how long one picture may last; 0: for ever

	print uint64
	since time.Time // when the picture first came; zero: none did
}

// Check notes a picture that was taken at a time, and returns the fault of one
// that lasts for longer than it may.
func (f *Freeze) Check(s *Stats, taken time.Time) *Fault {
	if s.Print != f.print || f.since.IsZero() {
		f.print, f.since = s.Print, taken
		return nil
	}
	if lasts := taken.Sub(f.since); f.After > 0 && lasts > f.After {
		return &Fault{verdict.NewFault(verdict.Frozen, lasts.Seconds(), f.After.Seconds())}
	}
	return nil
}
