package publish

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"faird/verdict"
)

const (
	// liveLimit bounds the verdicts queued for a connection; beyond it those
	// that are in the outbox are left to it.
	liveLimit = 4096
	// heldLimit bounds the verdicts that are nowhere but in memory.
	heldLimit = 1000
)

// entry is one verdict on its way.
type entry struct {
	key     int64 // 0: not in the outbox
	station string
	kind    verdict.Kind
	payload []byte    // historical: false
	order   uint64    // of being handed over
	repeat  bool      // sent before: see Repeat
	exposed time.Time // zero: no picture
}

func newEntry(v *verdict.Verdict, key int64) entry {
	sent := *v
	sent.Historical, sent.Durable = false, key > 0
	return entry{key: key, station: v.Station, kind: v.Verdict, payload: encode(&sent), exposed: v.Time.Captured.Time}
}

// encode marshals the payloads of this package and of verdict, none of which can fail.
func encode(v any) []byte {
	data, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("publish: %T does not marshal: %v", v, err))
	}
	return data
}

// historical marks a payload as sent from the backlog. The quotes are
// unescaped, so that they cannot be within a string.
func historical(payload []byte) []byte {
	return bytes.Replace(payload, []byte(`,"historical":false`), []byte(`,"historical":true`), 1)
}

// way is how far a key of the outbox has come.
type way bool

const (
	asNew way = true  // as a new verdict, and the broker has not acknowledged it: it may go back to the outbox
	along way = false // as backlog, or acknowledged and still in the outbox
)

// queue is what waits for an acknowledgement, but for what rests in the outbox.
type queue struct {
	open     bool    // a connection takes live verdicts
	live     []entry // to be sent, in order
	flying   int     // live ones sent and not acknowledged
	held     []entry // in memory alone, to be sent as backlog
	heldLost uint64
	busy     map[int64]way       // keys on their way
	done     []int64             // keys acknowledged, to be taken from the outbox
	awaited  map[string]awaiting // on their way to a subscriber, by the verdict's id
	rewind   bool                // something went back to the outbox: the backlog is to be looked through again
	last     map[string][]byte   // newest payload by station
	handed   uint64
}

func newQueue() queue {
	return queue{busy: map[int64]way{}, awaited: map[string]awaiting{}, last: map[string][]byte{}}
}

func (q *queue) add(e entry) {
	if e.repeat {
		q.again(e)
		return
	}
	q.last[e.station] = e.payload
	q.handed++
	e.order = q.handed
	switch {
	case q.open && len(q.live) < liveLimit:
		q.live = append(q.live, e)
		if e.key > 0 {
			q.busy[e.key] = asNew
		}
	case e.key == 0:
		q.hold(e)
	}
}

// again queues a verdict that was sent before, where there is a connection.
func (q *queue) again(e entry) {
	if q.open && len(q.live) < liveLimit {
		q.live = append(q.live, e)
	}
}

// take returns what is to be sent; it counts as in flight from here on.
func (q *queue) take() []entry {
	out := q.live
	q.live = nil
	q.flying += len(out)
	return out
}

// hold keeps a verdict in memory; when there are too many the oldest pass goes first, fail last.
func (q *queue) hold(e entry) {
	at, _ := slices.BinarySearchFunc(q.held, e, func(a, b entry) int { return cmp.Compare(a.order, b.order) })
	q.held = slices.Insert(q.held, at, e)
	if len(q.held) <= heldLimit {
		return
	}
	least := 0
	for i := range q.held {
		if rank(q.held[i].kind) < rank(q.held[least].kind) {
			least = i
		}
	}
	q.held = slices.Delete(q.held, least, least+1)
	q.heldLost++
}

func rank(k verdict.Kind) int {
	switch k {
	case verdict.Pass:
		return 0
	case verdict.Fail:
		return 2
	default:
		return 1
	}
}

// takeHeld returns the oldest of those held; it counts as in flight from here on.
func (q *queue) takeHeld() (entry, bool) {
	if len(q.held) == 0 {
		return entry{}, false
	}
	e := q.held[0]
	q.held = slices.Delete(q.held, 0, 1)
	q.flying++
	return e, true
}

// landed is an acknowledgement that came on the connection of the sending.
func (q *queue) landed(e entry, counted bool) {
	if counted {
		q.flying--
	}
	if e.key > 0 {
		q.busy[e.key] = along
		q.done = append(q.done, e.key)
	}
}

// failed is a sending whose acknowledgement did not come: back to where it came from.
func (q *queue) failed(e entry, counted bool) {
	if counted {
		q.flying--
	}
	if e.key > 0 {
		delete(q.busy, e.key)
		q.rewind = true
		return
	}
	if !e.repeat {
		q.hold(e)
	}
}

// close ends a connection: what was not sent is backlog.
func (q *queue) close() {
	q.open = false
	for _, e := range q.live {
		q.flying++
		q.failed(e, true)
	}
	q.live = nil
}

// claim reserves a key of the backlog for sending; false where it is on its way
// already. Where that is not sure, later keys have to wait: should the
// connection be lost, it comes back, and would come after them.
func (q *queue) claim(key int64) (claimed, unsure bool) {
	if how, on := q.busy[key]; on {
		return false, how == asNew
	}
	q.busy[key] = along
	return true, false
}

func (q *queue) pending() int { return len(q.live) + q.flying }

func (q *queue) unsettled() error {
	if n := q.pending(); n > 0 {
		return fmt.Errorf("mqtt: %d verdicts are not acknowledged", n)
	}
	if n := len(q.held); n > 0 {
		return fmt.Errorf("mqtt: %d verdicts are held in memory alone: the disk refused them and the broker is away", n)
	}
	return nil
}

// settled forgets the first n acknowledged keys, which have left the outbox.
func (q *queue) settled(n int) {
	for _, key := range q.done[:n] {
		delete(q.busy, key)
	}
	q.done = append(q.done[:0:0], q.done[n:]...)
}
