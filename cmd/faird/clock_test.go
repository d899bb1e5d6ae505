package main

import (
	"errors"
	"testing"

	"golang.org/x/sys/unix"

	"faird/verdict"
)

func TestClockQuality(t *testing.T) {
	for name, c := range map[string]struct {
		state  int
		status int32
		err    error
		want   verdict.Clock
	}{
		"kept by a time service":         {unix.TIME_OK, unix.STA_PLL, nil, verdict.Synchronised},
		"a leap second tonight":          {unix.TIME_INS, unix.STA_PLL | unix.STA_INS, nil, verdict.Synchronised},
		"never set":                      {unix.TIME_ERROR, unix.STA_UNSYNC, nil, verdict.Unsynchronised},
		"lost its service for too long":  {unix.TIME_OK, unix.STA_PLL | unix.STA_UNSYNC, nil, verdict.Unsynchronised},
		"a PPS signal that is not there": {unix.TIME_ERROR, unix.STA_PPSTIME, nil, verdict.Unsynchronised},
		"not to be asked":                {-1, 0, errors.New("not permitted"), verdict.ClockUnknown},
	} {
		if got := quality(c.state, c.status, c.err); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
	if got := clockQuality(); got != verdict.Synchronised && got != verdict.Unsynchronised {
		t.Errorf("this machine's kernel says %q", got)
	}
}
