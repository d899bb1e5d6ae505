package sparkplug

const (
	// liveLimit bounds the verdicts queued for the session; beyond it those
	// that are in the feed are left to it.
	liveLimit = 4096
	// heldLimit bounds the verdicts that are nowhere but in memory.
	heldLimit = 1000
)

// entry is one verdict on its way.
type entry struct {
	key     int64 // 0: not in the feed
	station string
	metrics []metric

	historical bool // sent from the feed, in one of the window's places
}

// queue is what waits to be sent or acknowledged, but for what rests in the feed.
type queue struct {
	open bool    // a session takes live verdicts
	live []entry // to be sent, in order
	held []entry // in memory alone, to be sent as historical
	lost uint64  // held ones given up
	busy map[int64]struct{}
	done []int64 // keys delivered, to be taken from the feed
}

func newQueue() queue { return queue{busy: map[int64]struct{}{}} }

func (q *queue) add(e entry) {
	switch {
	case q.open && len(q.live) < liveLimit:
		q.live = append(q.live, e)
		if e.key > 0 {
			q.busy[e.key] = struct{}{}
		}
	case e.key == 0:
		q.hold(e)
	}
}

// hold keeps a verdict that is in memory alone; of too many the oldest goes.
func (q *queue) hold(e entry) {
	if q.held = append(q.held, e); len(q.held) > heldLimit {
		q.held = q.held[1:]
		q.lost++
	}
}

// failed is an entry that was not delivered: back to where it came from.
func (q *queue) failed(e entry) {
	if e.key == 0 {
		q.hold(e)
		return
	}
	delete(q.busy, e.key)
}

// landed is an entry that was delivered.
func (q *queue) landed(e entry) {
	if e.key > 0 {
		q.done = append(q.done, e.key)
	}
}

// close ends a session: what was not sent is backlog.
func (q *queue) close() {
	q.open = false
	for _, e := range q.live {
		q.failed(e)
	}
	q.live = nil
}

// claim reserves a key of the feed for sending; false where it is on its way already.
func (q *queue) claim(key int64) bool {
	if _, on := q.busy[key]; on {
		return false
	}
	q.busy[key] = struct{}{}
	return true
}

// takeHeld returns the oldest of those held for a device that is alive.
func (q *queue) takeHeld(alive func(station string) bool) (entry, bool) {
	for i, e := range q.held {
		if alive(e.station) {
			q.held = append(q.held[:i:i], q.held[i+1:]...)
			return e, true
		}
	}
	return entry{}, false
}

// settled forgets the first n delivered keys, which have left the feed.
func (q *queue) settled(n int) {
	for _, key := range q.done[:n] {
		delete(q.busy, key)
	}
	q.done = append(q.done[:0:0], q.done[n:]...)
}
