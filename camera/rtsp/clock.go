package rtsp

import "time"

// senderClock tells how long a picture was held up on its way: in the camera's
// or a switch's queue, by TCP waiting for a retransmission, or behind a lost
// packet that the receiver waits for. The RTP timestamp counts on the camera's
// clock, so a picture is late by as much as its arrival lies behind the
// timestamp further than that of the promptest picture of late (RFC 3550, 5.1).
// Without it a picture taken before a trigger could pass for one taken after.
type senderClock struct {
	rate int // of the RTP timestamp, Hz

	begun   bool
	epoch   time.Time
	last    uint32
	elapsed int64    // RTP units since epoch, without wrapping
	recent  []offset // ascending in both fields: candidates for the least delay
	ignored bool     // the camera's timestamps do not follow the time: arrivals count
	arrival time.Time
}

type offset struct {
	at    time.Time
	delay time.Duration // arrival less timestamp, both since epoch
}

const (
	// delayWindow bounds how long the promptest picture counts: clocks drift.
	delayWindow = 10 * time.Second
	// silence is a pause in which the network may have been held up; it does not
	// count for delayWindow, or what is held up for long would pass for new.
	silence = time.Second
)

// captured returns when a picture would have arrived without being held up.
func (c *senderClock) captured(stamp uint32, now time.Time) time.Time {
	if c.ignored || c.rate <= 0 {
		return now
	}
	if gap := now.Sub(c.arrival); c.begun && gap > silence {
		for i := range c.recent {
			c.recent[i].at = c.recent[i].at.Add(gap)
		}
	}
	c.arrival = now
	if !c.begun {
		c.begun, c.epoch, c.last = true, now, stamp
	}
	c.elapsed += int64(int32(stamp - c.last))
	c.last = stamp
	delay := now.Sub(c.epoch) - time.Duration(float64(c.elapsed)/float64(c.rate)*float64(time.Second))
	return now.Add(c.least(delay, now) - delay)
}

// least is the smallest delay within the window, that of now included.
func (c *senderClock) least(delay time.Duration, now time.Time) time.Duration {
	for n := len(c.recent); n > 0 && c.recent[n-1].delay >= delay; n-- {
		c.recent = c.recent[:n-1]
	}
	c.recent = append(c.recent, offset{now, delay})
	for now.Sub(c.recent[0].at) > delayWindow {
		c.recent = c.recent[1:]
	}
	return c.recent[0].delay
}
