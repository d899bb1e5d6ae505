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
	switch {
	case err != nil:
		return verdict.ClockUnknown
	case state == unix.TIME_ERROR || t.Status&unix.STA_UNSYNC != 0:
		return verdict.Unsynchronised
	default:
		return verdict.Synchronised
	}
}
