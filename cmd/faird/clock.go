package main

import (
	"golang.org/x/sys/unix"

	"faird/verdict"
)

// clockQuality asks the kernel whether something keeps the wall clock right:
// adjtimex(2) reports TIME_ERROR until a time service has synchronised it.
func clockQuality() verdict.Clock {
	var t unix.Timex
	state, err := unix.Adjtimex(&t)
	return quality(state, t.Status, err)
}

func quality(state int, status int32, err error) verdict.Clock {
	switch {
	case err != nil:
		return verdict.ClockUnknown
	case state == unix.TIME_ERROR || status&unix.STA_UNSYNC != 0:
		return verdict.Unsynchronised
	default:
		return verdict.Synchronised
	}
}
