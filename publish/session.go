package publish

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

const (
	// flightLimit bounds the messages sent and not yet acknowledged.
	flightLimit = 3 * 1024
	// window bounds those of them that are backlog, so that a new verdict never
	// waits behind more than these.
	window = 32
	// quiesceMS is what a DISCONNECT gets to reach the network.
	quiesceMS = 100
	// idle is how often the sender turns with nothing to send.
	idle = time.Second
)

// session is one connection. Its client is used for this connection alone, so
// that a token that completes without an error proves a PUBACK on it.
type session struct {
	*Publisher
	wiring
	client  mqtt.Client
	flights chan flight // in the order of sending
	slots   chan struct{}
	backlog chan entry

	failed  sync.Once
	gone    chan struct{} // closed when the connection is lost or given up
	cause   error         // why, set before gone is closed
	over    chan struct{} // closed when paho has ended everything of it
	orderly bool          // ended by finish

	box        []byte // the box's state as last sent, but for its time and figures
	boxAt      time.Time
	subscribed []string // stations
	narrow     bool     // the broker denies the commands of all stations at once
	sweepUntil time.Time
	fresh      bool            // nothing was sent yet
	unread     map[string]bool // stations of which it was said that nobody reads their verdicts; drain's alone
	signalled  map[string]bool // stations whose handshake was sent on this connection
	restored   map[string]bool // stations whose newest verdict was sent again on this connection
}

// flight is a message on its way.
type flight struct {
	token mqtt.Token
	sent  time.Time
	what  string
	done  func(acked bool) // called exactly once; nil: nobody asks
}

func newSession(p *Publisher) *session {
	return &session{
		Publisher: p, flights: make(chan flight, flightLimit), slots: make(chan struct{}, window),
		backlog: make(chan entry), fresh: true, unread: map[string]bool{}, restored: map[string]bool{}, signalled: map[string]bool{}, gone: make(chan struct{}), over: make(chan struct{}),
	}
}

// fail gives the connection up; the first reason is kept.
func (s *session) fail(err error) {
	s.failed.Do(func() {
		s.cause = err
		close(s.gone)
	})
	s.cut()
}

// send hands a message to paho. It waits where flightLimit messages are on
// their way; the acknowledgement's deadline bounds that.
func (s *session) send(topic string, retain bool, payload []byte, done func(bool)) bool {
	f := flight{token: s.client.Publish(topic, 1, retain, payload), sent: time.Now(), what: topic, done: done}
	select {
	case s.flights <- f:
		return true
	case <-s.gone:
		f.end(false)
		return false
	}
}

func (f flight) end(acked bool) {
	if f.done != nil {
		f.done(acked)
	}
}

// acknowledge waits for the messages in the order of their sending. A broker
// that does not acknowledge in time is given up.
func (s *session) acknowledge() {
	for {
		select {
		case f := <-s.flights:
			err := s.await(f)
			if err != nil {
				s.fail(err) // first: nothing of the backlog may follow one that goes back to it
			}
			f.end(err == nil)
		case <-s.gone:
			s.drop()
			return
		}
	}
}

// await prefers an acknowledgement over the loss that followed it.
func (s *session) await(f flight) error {
	t := time.NewTimer(time.Until(f.sent.Add(s.config.Timeout)))
	defer t.Stop()
	select {
	case <-f.token.Done():
		return f.token.Error()
	case <-t.C:
		return fmt.Errorf("no acknowledgement of %s within %s", f.what, s.config.Timeout)
	case <-s.gone:
	}
	select {
	case <-f.token.Done():
		return f.token.Error()
	default:
		return errGone
	}
}

var errGone = errors.New("the connection is gone")

// end waits until nothing of the connection is left, and gives what was not
// acknowledged back to the queue.
func (s *session) end() {
	s.fail(errGone)
	if !s.orderly { // of an orderly end paho tells nobody
		select {
		case <-s.over:
		case <-time.After(idle):
		}
	}
	s.drop()
	s.mu.Lock()
	s.queue.close()
	s.mu.Unlock()
}

// drop ends what is still listed when the connection is gone.
func (s *session) drop() {
	for {
		select {
		case f := <-s.flights:
			f.end(s.await(f) == nil)
		default:
			return
		}
	}
}

// serve sends until the connection is lost, or ctx ends and all is said.
func (s *session) serve(ctx context.Context) error {
	var owned sync.WaitGroup
	draining, stop := context.WithCancel(ctx)
	defer owned.Wait()
	defer stop()
	owned.Go(s.acknowledge)
	owned.Go(func() { s.drain(draining) })
	t := time.NewTicker(idle)
	defer t.Stop()
	for ticked := true; ; {
		s.onTurn()
		s.sendNew(ticked)
		ticked = false
		select {
		case <-ctx.Done():
			return s.finish(ctx)
		case <-s.gone:
			return s.cause
		case <-s.wake:
		case <-t.C:
			ticked = true
		case e := <-s.backlog:
			s.sendBacklog(e)
		}
	}
}

// sendNew sends everything that is not backlog, verdicts first.
func (s *session) sendNew(ticked bool) {
	if ticked {
		s.mu.Lock()
		s.queue.overdue(time.Now())
		s.mu.Unlock()
	}
	s.sendLive()
	s.sendSignals()
	s.follow()
	s.sendStates(ticked)
	s.sendReplies()
}

// finish sends what is live, waits for its acknowledgement, and says offline.
func (s *session) finish(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	s.sendNew(true)
	if err := s.Flush(ctx); err != nil {
		s.log.Warn().Err(err).Msg("stopping with verdicts that are not acknowledged")
	}
	said := make(chan struct{})
	s.send(s.topics.box("state"), true, s.offline("stopped", time.Now()), func(bool) { close(said) })
	select {
	case <-said:
	case <-s.gone:
	case <-ctx.Done():
	}
	s.client.Disconnect(quiesceMS) // takes the will back
	s.orderly = true
	s.fail(context.Canceled)
	return context.Canceled
}
