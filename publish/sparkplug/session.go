package sparkplug

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"google.golang.org/protobuf/proto"

	"faird/publish"
	pb "faird/publish/sparkplug/sparkplugpb"
)

const (
	// idle is how often the sender turns with nothing to send.
	idle = time.Second
	// stopTimeout bounds what is still sent when the daemon stops.
	stopTimeout = 800 * time.Millisecond
	// statePatience is how long a birth waits for the stations' first states.
	statePatience = 5 * time.Second
)

// session is one connection, from CONNECT to its end, and the Sparkplug
// session on it. Its fields are the serving goroutine's alone.
type session struct {
	*Node
	line    *publish.Line
	timeout time.Duration
	bdSeq   uint8
	seq     uint8              // of the next message
	born    map[string]*device // devices alive; nil before the node's birth
	alive   atomic.Pointer[map[string]bool]
	node    []metric // the node's own, as last sent
	figures time.Time

	backlog chan entry
	slots   chan struct{}
	rescan  atomic.Bool // devices were born: the feed is to be read from its beginning
	fence   fence
	acked   []delivery
	ready   time.Time // when the wait for the stations' states ends
}

// device is a station that was born in this session.
type device struct {
	sent    map[string]metric // as a host knows them
	verdict []metric          // the newest that a host knows, nil: none
	ready   bool
	stale   bool // the verdict's values are marked so
}

// connection is one connection from its beginning to its end.
func (n *Node) connection(ctx context.Context) error {
	s, err := n.dial(ctx)
	if err != nil {
		return err
	}
	defer s.end()
	if err := s.subscribe(ctx); err != nil {
		return err
	}
	n.mu.Lock()
	n.status.Connected, n.status.Err, n.status.Since = true, "", time.Now()
	n.mu.Unlock()
	n.log.Info().Str("host", n.config.PrimaryHost).Msg("connected for Sparkplug")
	err = s.serve(ctx)
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return fmt.Errorf("session ended: %w", err)
}

// dial connects with the death certificate of this CONNECT as its will.
func (n *Node) dial(ctx context.Context) (*session, error) {
	a, err := n.access()
	if err != nil {
		return nil, err
	}
	s := &session{
		Node: n, timeout: a.Timeout, bdSeq: n.bdSeq,
		backlog: make(chan entry), slots: make(chan struct{}, window), ready: time.Now().Add(statePatience),
	}
	n.mu.Lock()
	n.host.forget()
	n.rebirth = false
	n.mu.Unlock()
	will := publish.Will{Topic: n.topics.of(ndeath), Payload: s.death(), QoS: 1}
	line, sent, err := publish.OpenLine(ctx, a, will, n.receive)
	if sent {
		n.bdSeq++ // of every CONNECT, 255 is followed by 0
	}
	s.line = line
	return s, err
}

// subscribe comes before the birth, so that a host that sees it can command.
func (s *session) subscribe(ctx context.Context) error {
	filters := map[string]byte{s.topics.of(ncmd): 1}
	if s.config.PrimaryHost != "" {
		filters[stateTopic(s.config.PrimaryHost)] = 1
	}
	return s.hearOf(ctx, filters)
}

// hearOf subscribes. A broker that refuses by its access rules says so, and a
// node that cannot be commanded or does not hear of its host is of no use.
func (s *session) hearOf(ctx context.Context, filters map[string]byte) error {
	token := s.line.Client.SubscribeMultiple(filters, nil)
	if err := s.wait(ctx, token, "subscription"); err != nil {
		return err
	}
	return granted(token.(*mqtt.SubscribeToken).Result())
}

func granted(result map[string]byte) error {
	const refused = 0x80
	for filter, got := range result {
		if got == refused {
			return fmt.Errorf("the broker refuses the subscription to %s: let this node's user read it", filter)
		}
	}
	return nil
}

func (s *session) wait(ctx context.Context, token mqtt.Token, what string) error {
	t := time.NewTimer(s.timeout)
	defer t.Stop()
	select {
	case <-token.Done():
		return token.Error()
	case <-t.C:
		return fmt.Errorf("no answer to the %s within %s", what, s.timeout)
	case <-s.line.Gone():
		return s.line.Cause()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// serve sends until the connection is lost, the host goes away, or ctx ends
// and all is said.
func (s *session) serve(ctx context.Context) error {
	var owned sync.WaitGroup
	draining, stop := context.WithCancel(ctx)
	defer owned.Wait()
	defer stop()
	owned.Go(func() { s.drain(draining) })
	t := time.NewTicker(idle)
	defer t.Stop()
	for ticked := true; ; {
		s.onTurn()
		if err := s.turn(ctx, ticked); err != nil {
			return err
		}
		ticked = false
		select {
		case <-ctx.Done():
			return s.finish(ctx)
		case <-s.line.Gone():
			return s.line.Cause()
		case <-s.wake:
		case <-t.C:
			ticked = true
		case <-s.fence.done():
		case e := <-s.backlog:
			s.sendHistorical(e)
		}
	}
}

// turn does what is due.
func (s *session) turn(ctx context.Context, ticked bool) error {
	if s.isGone() {
		return s.line.Cause()
	}
	online, again := s.hostOnline()
	switch {
	case s.born != nil && !online:
		s.leave(ctx)
		return errHostAway
	case s.born == nil && (!online || !s.statesKnown()):
		return nil
	case s.born == nil || again:
		if err := s.birth(ctx); err != nil {
			return err
		}
	}
	if err := s.follow(ctx); err != nil {
		return err
	}
	s.sendLive()
	s.sendStates(ticked)
	s.sendReplies()
	return s.acknowledge(ticked)
}

func (s *session) isGone() bool {
	select {
	case <-s.line.Gone():
		return true
	default:
		return false
	}
}

// hostOnline is whether a birth may be, and whether one was asked for.
func (s *session) hostOnline() (online, again bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	again, s.rebirth = s.rebirth, false
	return s.config.PrimaryHost == "" || s.host.online, again
}

// statesKnown is whether every station can be born with the node, or was waited
// for long enough.
func (s *session) statesKnown() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range s.names {
		if row := s.stations[name]; row == nil || row.state == nil {
			return time.Now().After(s.ready)
		}
	}
	return s.names != nil
}

// publish sends one message of the session. Sparkplug has them all at QoS 0
// and not retained; a host finds a gap by the sequence number, and the fence
// finds what reached the broker.
func (s *session) publish(topic string, metrics []*pb.Payload_Metric) {
	if s.isGone() {
		return
	}
	payload, err := proto.Marshal(&pb.Payload{
		Timestamp: proto.Uint64(millis(time.Now())), Metrics: metrics, Seq: proto.Uint64(uint64(s.seq)),
	})
	if err != nil { // a text that is not UTF-8
		s.line.Fail(fmt.Errorf("%s: %w", topic, err))
		return
	}
	s.seq++ // 255 is followed by 0
	token := s.line.Client.Publish(topic, 0, false, payload)
	select {
	case <-token.Done():
		if err := token.Error(); err != nil {
			s.line.Fail(fmt.Errorf("%s: %w", topic, err))
		}
	default: // on its way to the network: if it does not get there the line is lost
	}
}

// leave says the node's death and disconnects in order.
func (s *session) leave(ctx context.Context) {
	token := s.line.Client.Publish(s.topics.of(ndeath), 1, false, s.death())
	if err := s.wait(ctx, token, "death certificate"); err != nil {
		s.line.Fail(err) // the broker then sends the will, which says the same
		return
	}
	s.line.Disconnect()
}

// finish sends what is live, waits until the broker has it, and leaves.
func (s *session) finish(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	if s.born == nil {
		s.line.Disconnect() // there was no birth, so there is no death to tell of
		return context.Canceled
	}
	s.sendLive()
	s.sendStates(true)
	s.arrive(ctx)
	leaving, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	s.leave(leaving)
	return context.Canceled
}

// arrive waits until the broker has all that was sent.
func (s *session) arrive(ctx context.Context) {
	for s.acknowledge(true) == nil && s.fence.pending() {
		select {
		case <-s.fence.done():
		case <-s.line.Gone():
			return
		case <-ctx.Done():
			s.log.Warn().Msg("stopping with verdicts that did not reach the Sparkplug broker: they stay in the feed")
			return
		}
	}
	s.land(time.Now().Add(s.config.Grace)) // nothing to wait for: the host is there
}

// end gives what was not delivered back, and waits until nothing is left.
func (s *session) end() {
	s.line.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status.Born = false
	for _, e := range s.fence.abandon() {
		s.queue.failed(e)
	}
	for _, d := range s.acked {
		s.queue.failed(d.entry)
	}
	s.queue.close()
}
