// Package sparkplug is the box as an edge node of Sparkplug B 3.0 and its
// stations as devices: births and deaths, verdicts and states as metrics,
// writes as commands. It has a connection and an outbox (the feed) of its own
// beside those of the plain topics, so that neither delivery counts for the
// other. It never decides anything, never blocks who hands it a verdict, and
// publishes nothing outside of a session that its birth has opened.
package sparkplug

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"faird/config"
	"faird/publish"
	"faird/verdict"
)

// Feed is where the verdicts wait on disk that this node has not delivered.
type Feed interface {
	// Backlog returns up to limit waiting verdicts with keys above after, in order.
	Backlog(ctx context.Context, after int64, limit int) ([]verdict.Pending, error)
	// Delivered takes verdicts out; keys that are not there are no error.
	Delivered(ctx context.Context, keys []int64) error
	// Newest returns the highest key committed so far; it does not block.
	Newest() int64
	// Last returns a station's newest verdict, nil where there is none.
	Last(ctx context.Context, station string) ([]byte, error)
	// Waiting returns the figures for the node's metrics; it does not block.
	Waiting() verdict.Waiting
}

// Broker is how the plain topics' broker is reached, and the way that all
// commands take; *publish.Publisher is one.
type Broker interface {
	Access(suffix string) (publish.Access, error)
	Sender(topic string, payload []byte) string
	Ask(station string, payload []byte, from string, answer func(publish.Reply))
	Do(station string, c publish.Command, answer func(publish.Reply))
}

// Node is the edge node. Its methods may be called from any goroutine, and
// only Run waits.
type Node struct {
	config  config.Sparkplug
	id      publish.Identity
	topics  topics
	feed    Feed
	broker  Broker
	log     zerolog.Logger
	backoff backoff
	onTurn  func()

	wake    chan struct{} // capacity 1: something to send
	acked   chan struct{} // capacity 1: something to take from the feed
	initial int64         // keys up to here were there before this process: all backlog
	bdSeq   uint8         // of the next CONNECT; Run's alone

	mu       sync.Mutex
	queue    queue
	aliases  aliases
	host     host
	names    []string // of the stations; nil until they are known
	stations map[string]*station
	replies  []publish.Reply
	reply    string // the newest on a command of the node's own
	rebirth  bool   // asked for
	status   Status
}

// station is what is known of one, whether it was born or not.
type station struct {
	state   *publish.StationState // nil until it is known
	dirty   bool                  // the state was set since it was last looked at
	verdict []metric              // the newest; nil where none is known in this process
	reply   string                // the newest on a command
}

// Status is the node as logs and metrics show it.
type Status struct {
	Connected bool
	Born      bool      // in a session: births sent, data flows
	Host      bool      // the primary host application is online; true where none is configured
	Since     time.Time // of being connected, or not
	Err       string    // why not connected
	Lost      uint64    // verdicts given up that were in memory alone
}

// New checks the settings. The feed must be one that every verdict committed
// from now on waits in.
func New(c config.Sparkplug, id publish.Identity, f Feed, b Broker, log zerolog.Logger) (*Node, error) {
	c.Group, c.Node = cmp.Or(c.Group, id.Site), cmp.Or(c.Node, id.Box)
	if err := checkID("sparkplug.group", c.Group); err != nil {
		return nil, err
	}
	if err := checkID("sparkplug.node", c.Node); err != nil {
		return nil, err
	}
	if c.PrimaryHost != "" {
		if err := checkID("sparkplug.primary_host", c.PrimaryHost); err != nil {
			return nil, err
		}
	}
	return &Node{
		config: c, id: id, topics: topics{c.Group, c.Node}, feed: f, broker: b,
		log:     log.With().Str("part", "sparkplug").Logger(),
		backoff: backoff{min: 250 * time.Millisecond, max: 10 * time.Second},
		onTurn:  func() {},
		wake:    make(chan struct{}, 1), acked: make(chan struct{}, 1), initial: f.Newest(),
		queue: newQueue(), stations: map[string]*station{},
	}, nil
}

// OnTurn has f called whenever the node's loop completes a turn: at least once
// a second while connected, and after every bounded wait for a broker while
// not. To be set before Run.
func (n *Node) OnTurn(f func()) { n.onTurn = f }

// Verdict sends a decided verdict: at once within a session, else from the feed
// later, as historical. Key is the store's, or 0 for a verdict that the disk
// refused, which waits in memory. The verdict is not kept.
func (n *Node) Verdict(v *verdict.Verdict, key int64) {
	e := entry{key: key, station: v.Station, metrics: verdictMetrics(v)}
	n.mu.Lock()
	n.row(v.Station).verdict = e.metrics
	n.queue.add(e)
	n.status.Lost = n.queue.lost
	n.mu.Unlock()
	n.poke()
}

// SetStation says how a station is. What differs is sent at once, counts alone
// once a second.
func (n *Node) SetStation(name string, s publish.StationState) {
	n.mu.Lock()
	row := n.row(name)
	row.state, row.dirty = &s, true
	n.mu.Unlock()
	n.poke()
}

// SetStations says which stations there are: those that are new are born, and
// those that are gone die. A name that can be no device id is left out.
func (n *Node) SetStations(names []string) {
	ids := []string{}
	for _, name := range names {
		if err := checkID("station", name); err != nil {
			n.log.Error().Err(err).Msg("a station is left out of Sparkplug")
			continue
		}
		if slices.ContainsFunc(ids, func(id string) bool { return id != name && strings.EqualFold(id, name) }) {
			n.log.Warn().Str("station", name).Msg("two stations' names differ in case alone: Sparkplug hosts may take them for one")
		}
		if !slices.Contains(ids, name) {
			ids = append(ids, name)
		}
	}
	n.mu.Lock()
	n.names = ids
	n.mu.Unlock()
	n.poke()
}

// Status does not wait for anything.
func (n *Node) Status() Status {
	n.mu.Lock()
	defer n.mu.Unlock()
	s := n.status
	s.Host = n.config.PrimaryHost == "" || n.host.online
	return s
}

// row is a station's, made where there is none yet; under n.mu.
func (n *Node) row(name string) *station {
	if n.stations[name] == nil {
		n.stations[name] = &station{}
	}
	return n.stations[name]
}

// poke wakes the sender.
func (n *Node) poke() { signal(n.wake) }

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// sleep returns false where ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
