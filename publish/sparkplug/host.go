package sparkplug

import (
	"encoding/json"
	"fmt"
)

// host is the primary host application as its STATE messages tell it (sections
// 5.4 and 5.6). What it knows outlives connections: timestamps are compared
// over all of them.
type host struct {
	online bool
	last   *int64 // timestamp of the newest valid message, in milliseconds since 1970
	birth  *int64 // of the newest that said online
}

// forget is a new connection, on which nothing was heard yet.
func (h *host) forget() { h.online = false }

// hear takes a STATE message. It returns an error for one that is to be
// ignored, and why.
func (h *host) hear(payload []byte) error {
	var state struct {
		Online    *bool  `json:"online"`
		Timestamp *int64 `json:"timestamp"`
	}
	if err := json.Unmarshal(payload, &state); err != nil {
		return fmt.Errorf("the STATE message is not JSON with online and timestamp: %w", err)
	}
	if state.Online == nil || state.Timestamp == nil {
		return fmt.Errorf("the STATE message lacks online or timestamp")
	}
	at, before := *state.Timestamp, h.last
	if !*state.Online {
		before = h.birth
	}
	if before != nil && at < *before {
		return fmt.Errorf("the STATE message (online %t) is of %d, before that of %d: it is an older one, or the host's clock went back", *state.Online, at, *before)
	}
	h.online = *state.Online
	if h.last == nil || at > *h.last {
		h.last = &at
	}
	if h.online {
		h.birth = &at
	}
	return nil
}
