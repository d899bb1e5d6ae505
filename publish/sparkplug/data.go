package sparkplug

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"faird/publish"
)

const (
	// figuresEvery is how often the node's data is sent for its figures alone.
	figuresEvery = 10 * time.Second
	replyQueue   = 64
)

// sendLive sends the new verdicts in the order they were handed over. Those of
// a station whose state is not known yet wait for its birth.
func (s *session) sendLive() {
	s.mu.Lock()
	list := s.queue.live
	s.queue.live = nil
	names := s.names
	s.mu.Unlock()
	var unborn []entry
	for _, e := range list {
		d := s.born[e.station]
		switch {
		case d != nil:
			s.sendVerdict(d, e)
		case slices.Contains(names, e.station):
			unborn = append(unborn, e)
		default:
			s.fail(e)
		}
	}
	if len(unborn) > 0 {
		s.mu.Lock()
		s.queue.live = append(unborn, s.queue.live...)
		s.mu.Unlock()
	}
}

func (s *session) fail(e entry) {
	s.mu.Lock()
	s.queue.failed(e)
	s.mu.Unlock()
}

func (s *session) sendVerdict(d *device, e entry) {
	s.sendData(e.station, e.metrics)
	for _, m := range e.metrics {
		d.sent[m.name] = m
	}
	d.verdict, d.stale = e.metrics, false
	s.fence.add(e)
}

// sendHistorical sends one verdict late.
func (s *session) sendHistorical(e entry) {
	e.historical = true
	if s.born[e.station] == nil {
		s.fail(e)
		<-s.slots
		return
	}
	s.mu.Lock()
	encoded := s.encode(e.station, e.metrics, false, true)
	s.mu.Unlock()
	s.publish(s.topics.device(ddata, e.station), encoded)
	s.fence.add(e)
}

// sendStates sends what changed: of a station at once, but for its counts,
// which wait for the next tick; the node's own once in a while.
func (s *session) sendStates(ticked bool) {
	now := time.Now()
	for name, d := range s.born {
		s.sendState(name, d, ticked, now)
	}
	s.sendNode(ticked, now)
}

func (s *session) sendState(name string, d *device, ticked bool, now time.Time) {
	list, due := s.stateNow(name, d, now)
	if !due {
		return
	}
	changed, urgent := differing(list, d.sent, counts)
	if len(changed) == 0 {
		return
	}
	if !urgent && !ticked {
		s.mu.Lock()
		s.stations[name].dirty = true
		s.mu.Unlock()
		return
	}
	s.sendData(name, changed)
	for _, m := range changed {
		d.sent[m.name] = m
	}
}

// stateNow is a device's metrics, where they may have changed.
func (s *session) stateNow(name string, d *device, now time.Time) (list []metric, due bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	row := s.stations[name]
	if !row.dirty {
		return nil, false
	}
	row.dirty = false
	if row.state.Ready != d.ready { // from here on the verdict is that of a better time
		d.ready, d.stale = row.state.Ready, !row.state.Ready
	}
	return row.metrics(d, now), true
}

// sendData sends metrics that differ: of a device, or of the node where it is "".
func (s *session) sendData(device string, changed []metric) {
	topic := s.topics.of(ndata)
	if device != "" {
		topic = s.topics.device(ddata, device)
	}
	s.mu.Lock()
	encoded := s.encode(device, changed, false, false)
	s.mu.Unlock()
	s.publish(topic, encoded)
}

func (s *session) sendNode(ticked bool, now time.Time) {
	if !ticked {
		return
	}
	sent := map[string]metric{}
	for _, m := range s.node {
		sent[m.name] = m
	}
	s.mu.Lock()
	current := s.nodeNow(now)
	s.mu.Unlock()
	changed, urgent := differing(current, sent, feed)
	if len(changed) == 0 || !urgent && now.Sub(s.figures) < figuresEvery {
		return
	}
	s.node, s.figures = current, now
	s.sendData("", changed)
}

// differing returns what a host does not know yet, and whether that is more
// than figures, whose names begin so.
func differing(now []metric, sent map[string]metric, figures string) (changed []metric, urgent bool) {
	for _, m := range now {
		if !m.same(sent[m.name]) {
			changed = append(changed, m)
			urgent = urgent || !strings.HasPrefix(m.name, figures)
		}
	}
	return changed, urgent
}

// answer takes over the reply to a command; where there is no session it is
// kept for a while.
func (n *Node) answer(r publish.Reply) {
	n.mu.Lock()
	if n.replies = append(n.replies, r); len(n.replies) > replyQueue {
		n.replies = n.replies[1:]
	}
	n.mu.Unlock()
	n.poke()
}

// sendReplies sends each reply as a change of its metric, the JSON that the
// plain topics would carry.
func (s *session) sendReplies() {
	s.mu.Lock()
	replies := s.replies
	s.replies = nil
	s.mu.Unlock()
	for _, r := range replies {
		text, err := json.Marshal(r)
		if err != nil {
			panic(fmt.Sprintf("sparkplug: a reply does not marshal: %v", err))
		}
		s.sendReply(r.Station, string(text))
	}
}

func (s *session) sendReply(station, text string) {
	m := metric{name: reply, value: text, at: time.Now()}
	if d := s.born[station]; d != nil {
		s.mu.Lock()
		s.stations[station].reply = text
		s.mu.Unlock()
		d.sent[reply] = m
		s.sendData(station, []metric{m})
		return
	}
	m.name = nodeReply // of the box, or of a station that is not there
	s.mu.Lock()
	s.reply = text
	s.mu.Unlock()
	for i := range s.node {
		if s.node[i].name == nodeReply {
			s.node[i] = m
		}
	}
	s.sendData("", []metric{m})
}
