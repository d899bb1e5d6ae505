package publish

import (
	"context"
	"slices"
	"testing"

	"faird/config"
	"faird/verdict"
)

// A new verdict that the broker has not acknowledged may come back to the
// backlog: none that was decided after it may go before.
func TestBacklogStopsAtANewVerdictOnItsWay(t *testing.T) {
	b := newBox(t, config.MQTT{Broker: "tcp://127.0.0.1:1"}, true)
	s := newSession(b.Publisher)
	decided := make([]*verdict.Verdict, 3)
	for i := range decided {
		decided[i] = newVerdict("cap", uint64(i+1), verdict.Pass)
		b.outbox.commit(decided[i])
	}
	b.queue.open = true
	b.Verdict(decided[1], 2)
	sent := b.queue.take()[0]

	var c cursor
	offered := func() (keys []int64) {
		t.Helper()
		done := make(chan struct{})
		go func() {
			defer close(done)
			if _, ok := s.offerBatch(context.Background(), &c, 3); !ok {
				t.Error("the backlog ended")
			}
		}()
		for {
			select {
			case e := <-s.backlog:
				keys = append(keys, e.key)
				<-s.slots
			case <-done:
				return keys
			}
		}
	}
	if got := offered(); !slices.Equal(got, []int64{1}) {
		t.Errorf("offered %v while 2 is on its way, want 1 alone", got)
	}
	if got := offered(); len(got) > 0 {
		t.Errorf("offered %v, and nothing has changed", got)
	}
	b.queue.landed(sent, true)
	if got := offered(); !slices.Equal(got, []int64{3}) {
		t.Errorf("offered %v after the acknowledgement of 2, want 3", got)
	}
	b.queue.failed(entry{key: 1}, false)
	c = cursor{}
	if got := offered(); !slices.Equal(got, []int64{1}) {
		t.Errorf("offered %v after 1 came back, want 1", got)
	}
}
