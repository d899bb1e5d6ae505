package pipeline

import (
	"errors"
	"sync"

	"faird/publish"
)

// inboxSize bounds the triggers that wait to be answered; at a hundred bytes
// each it is a few megabytes, and minutes of what a line can send.
const inboxSize = 1 << 16

// Why an inbox does not take a trigger.
var (
	errInboxFull   = errors.New("triggers come faster than they can even be refused")
	errInboxClosed = errors.New("the station does not run")
)

// inbox holds triggers until the receiving loop takes them.
type inbox struct {
	ready chan struct{} // has an element when the queue has

	mu     sync.Mutex
	queue  []publish.Trigger
	closed bool
}

func newInbox() *inbox { return &inbox{ready: make(chan struct{}, 1)} }

// put never blocks.
func (b *inbox) put(t publish.Trigger) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.closed:
		return errInboxClosed
	case len(b.queue) >= inboxSize:
		return errInboxFull
	}
	b.queue = append(b.queue, t)
	select {
	case b.ready <- struct{}{}:
	default:
	}
	return nil
}

func (b *inbox) take() []publish.Trigger {
	b.mu.Lock()
	defer b.mu.Unlock()
	q := b.queue
	b.queue = nil
	return q
}

func (b *inbox) isClosed() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.closed
}

// close returns what is left; nothing is taken in from here on.
func (b *inbox) close() []publish.Trigger {
	b.mu.Lock()
	b.closed = true
	b.mu.Unlock()
	return b.take()
}
