package web

import (
	"encoding/json"
	"sync"
	"time"

	"faird/pipeline/gallery"
	"faird/verdict"
)

// mostClients is how many browsers are kept up to date at once.
const mostClients = 64

// Feed brings every verdict to the browsers that listen. A station is never
// held up by one: each has a place for the newest verdict of each station, and
// what it has not taken when the next comes, it misses.
type Feed struct {
	observe func(*verdict.Verdict) // for the metrics

	mu       sync.Mutex
	clients  map[*client]bool
	stations map[string]*past
}

// past is what a station has decided lately.
type past struct {
	last *event
	rate rateMeter
}

// event is a verdict on its way to browsers; the first that sends it writes its
// JSON for all.
type event struct {
	key     int64
	verdict *verdict.Verdict
	view    *gallery.View

	once sync.Once
	data []byte
}

// client is one browser's queue.
type client struct {
	station string // "" is every station
	wake    chan struct{}

	mu      sync.Mutex
	pending []*event // the newest of each station, in the order they came
	state   []byte   // to be sent; nil: nothing new
}

// NewFeed makes a feed without listeners.
func NewFeed() *Feed {
	return &Feed{observe: func(*verdict.Verdict) {}, clients: map[*client]bool{}, stations: map[string]*past{}}
}

// Verdict implements gallery.Listener.
func (f *Feed) Verdict(v *verdict.Verdict, key int64, view *gallery.View) {
	e := &event{key: key, verdict: v}
	if view != nil {
		copied := *view
		e.view = &copied
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	p := f.stations[v.Station]
	if p == nil {
		p = &past{}
		f.stations[v.Station] = p
	}
	p.last = e
	p.rate.add(time.Now())
	f.observe(v)
	for c := range f.clients {
		c.put(e)
	}
}

// past of a station: its newest event and its rate.
func (f *Feed) past(station string) (last *event, perMinute float64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	p := f.stations[station]
	if p == nil {
		return nil, 0
	}
	return p.last, p.rate.perMinute(time.Now())
}

// join adds a browser, nil where there are too many.
func (f *Feed) join(station string) *client {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.clients) >= mostClients {
		return nil
	}
	c := &client{station: station, wake: make(chan struct{}, 1)}
	f.clients[c] = true
	return c
}

func (f *Feed) leave(c *client) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.clients, c)
}

func (f *Feed) listeners() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.clients)
}

// tell hands a new state to every browser.
func (f *Feed) tell(state []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for c := range f.clients {
		c.tell(state)
	}
}

// put never waits: the station's older verdict makes room.
func (c *client) put(e *event) {
	if c.station != "" && c.station != e.verdict.Station {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, old := range c.pending {
		if old.verdict.Station == e.verdict.Station {
			c.pending = append(c.pending[:i], c.pending[i+1:]...)
			break
		}
	}
	c.pending = append(c.pending, e)
	c.poke()
}

func (c *client) tell(state []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.state = state
	c.poke()
}

func (c *client) poke() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// take empties the queue.
func (c *client) take() (state []byte, events []*event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	state, events = c.state, c.pending
	c.state, c.pending = nil, nil
	return state, events
}

// text is the event's JSON.
func (e *event) text(s *Server) []byte {
	e.once.Do(func() {
		e.data, _ = json.Marshal(s.describeEvent(e)) // numbers and texts: it cannot fail
	})
	return e.data
}

// rateMeter counts verdicts in the seconds of the last minute.
type rateMeter struct {
	began  int64 // second of the first
	last   int64 // second of the newest
	counts [60]int
}

func (m *rateMeter) add(now time.Time) {
	m.advance(now.Unix())
	m.counts[now.Unix()%60]++
}

func (m *rateMeter) advance(second int64) {
	if m.began == 0 {
		m.began, m.last = second, second
	}
	for m.last < second && second-m.last < 60 {
		m.last++
		m.counts[m.last%60] = 0
	}
	if m.last < second {
		m.last, m.counts = second, [60]int{}
	}
}

// perMinute is how many there would be in a minute, from the first on.
func (m *rateMeter) perMinute(now time.Time) float64 {
	m.advance(now.Unix())
	total := 0
	for _, n := range m.counts {
		total += n
	}
	seconds := min(max(m.last-m.began+1, 5), 60)
	return float64(total) * 60 / float64(seconds)
}
