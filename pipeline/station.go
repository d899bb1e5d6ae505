// Package pipeline is a station at work: it takes a picture, has it inspected,
// decides, and hands the verdict over; and the box that holds several stations.
// It answers every trigger exactly once and by its deadline. It knows no MQTT,
// no SQL and no OpenCV call: those are behind the interfaces it declares.
package pipeline

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"
	"gocv.io/x/gocv"
	"golang.org/x/sync/errgroup"

	"faird/camera"
	"faird/config"
	"faird/config/redact"
	"faird/inspect"
	"faird/model/trust"
	"faird/pipeline/tasks"
	"faird/publish"
	"faird/systemd"
	"faird/verdict"
)

// source is where frames come from; *camera.Camera is one.
type source interface {
	Run(ctx context.Context) error
	Next(ctx context.Context, after time.Time) (*camera.Frame, error)
	Status() camera.Status
	Every() bool
}

// inspector judges one picture at a time; *inspect.Inspector is one.
type inspector interface {
	Inspect(ctx context.Context, picture gocv.Mat, level *float64, r *inspect.Result) error
	Close() error
}

// ledger makes a verdict durable; *store.Store is one.
type ledger interface {
	Commit(ctx context.Context, v *verdict.Verdict) (int64, error)
	Answered(ctx context.Context, station, triggerID string) (*verdict.Verdict, error)
	LastSequence(ctx context.Context, station string) (uint64, error)
}

// outlet sends verdicts without ever blocking; *publish.Publisher is one.
type outlet interface {
	Verdict(v *verdict.Verdict, key int64)
	Repeat(v *verdict.Verdict)
	SetStation(name string, s publish.StationState)
	SetHandshake(name string, s *publish.HandshakeState)
}

// Deps is what every station of a box shares.
type Deps struct {
	Site, Box string
	Folder    string // where saved pictures go, in saved/<station>
	Ledger    ledger
	Outlet    outlet
	Watchdog  *systemd.Watchdog
	Log       zerolog.Logger
	Clock     func() verdict.Clock // how far the wall clock can be trusted now

	// Observe, where set, sees every decided verdict together with the frame it
	// was made from (nil for a no_read without one), before the frame goes back.
	// It runs on the station's loop: it must be quick.
	Observe func(v *verdict.Verdict, f *camera.Frame)

	Audience Audience // nil: nobody looks
	Choices  choices  // nil: no model can be promoted, nor be in shadow

	Trust trust.Keys // whose models may judge; nil: anybody's

	lane  *lane        // the box's: where shadows give way
	tasks *tasks.Group // the box's: what runs, for whoever stops it; nil: nobody asks
}

// Limits of a station that no config key changes.
const (
	turn          = 500 * time.Millisecond // longest wait before a loop counts a turn
	commitTimeout = 2 * time.Second        // longest wait for the disk
	commitLeast   = 200 * time.Millisecond // the disk's share of an answer that is due already
	workTimeout   = 5 * time.Second        // longest inspection of one picture
)

// turnDeadline is how long a loop may take for a turn before it is stuck: longer
// than every bounded wait within one. A variable for the tests' sake.
var turnDeadline = 10 * time.Second

// Station is one camera with its trigger, model and thresholds, at work. Its
// exported methods are safe for concurrent use.
type Station struct {
	name string
	conf config.Station
	deps Deps
	log  zerolog.Logger

	source  source
	inbox   *inbox
	shake   *shake    // nil: no handshake
	busy    chan *job // hands one job to the judging loop; holds one
	parts   chan *job // hands the parts that the pictures show to the receiving loop
	seq     atomic.Uint64
	limits  atomic.Pointer[Thresholds]
	paused  atomic.Pointer[string] // who paused it; nil when running
	counts  counts
	ended   atomic.Bool // a source that ends has ended
	outage  atomic.Bool // free run: the no_read of this outage was given
	next    chan swap   // a new inspector, to be taken between two frames
	answers *answers
	saving  saving
	sight   sight // the judging loop's
	charts  atomic.Pointer[charts]
	shadow  atomic.Pointer[shadow] // nil: none

	deciding sync.Mutex // held from a verdict's number to its hand-over

	mu     sync.Mutex // guards what follows
	view   view       // the inspector's identity, for verdicts and state
	broken string     // why the station cannot judge; "" when it can
	config string     // hash of the config in force
	gone   bool       // the judging loop has ended: nobody takes from next

	onStorage string // what a verdict becomes that the disk refuses: config on_storage
}

// view is what a verdict says of the inspector that made it.
type view struct {
	model    string
	provider string
}

// newStation makes a station that does not run yet. The source is owned by the
// station from its Run on.
func newStation(c config.Station, configHash string, src source, limits Thresholds, d Deps) *Station {
	s := &Station{
		name:    c.Name,
		conf:    c,
		deps:    d,
		log:     d.Log.With().Str("station", c.Name).Logger(),
		source:  src,
		inbox:   newInbox(),
		shake:   newShake(c, d.Outlet),
		busy:    make(chan *job, 1),
		parts:   make(chan *job),
		next:    make(chan swap, 1),
		answers: newAnswers(),
		config:  configHash,
		saving:  saving{dir: filepath.Join(d.Folder, "saved", c.Name)},
		broken:  "the model is being loaded",
	}
	s.limits.Store(&limits)
	return s
}

// Run works until ctx ends, then finishes the frame in hand and answers what is
// still open with no_read stopping. It returns once every goroutine it started
// has ended.
func (s *Station) Run(ctx context.Context) error {
	if err := s.resumeSequence(ctx); err != nil {
		s.log.Error().Err(err).Msg("sequence starts at 1: the store could not be read")
	}
	g, gctx := errgroup.WithContext(ctx)
	part := func(name string, run func(context.Context) error) {
		end := s.deps.tasks.Begin("station " + s.name + ": " + name)
		g.Go(func() error {
			defer end()
			return run(gctx)
		})
	}
	part("camera", func(ctx context.Context) error {
		if err := s.source.Run(ctx); err != nil && ctx.Err() == nil {
			return s.sourceEnded(err)
		}
		return nil
	})
	spot, done := s.spotter()
	defer done()
	if spot != nil {
		part("change detection", func(ctx context.Context) error { return s.watch(ctx, spot) })
	}
	part("triggers", s.receive)
	part("judging", s.work)
	err := g.Wait()
	if err != nil {
		return fmt.Errorf("station %s: %w", s.name, err)
	}
	return nil
}

func (s *Station) resumeSequence(ctx context.Context) error {
	if s.deps.Ledger == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, commitTimeout)
	defer cancel()
	last, err := s.deps.Ledger.LastSequence(ctx, s.name)
	if err != nil {
		return err
	}
	s.seq.Store(last)
	return nil
}

func (s *Station) sourceEnded(err error) error {
	if errors.Is(err, errEnd) {
		s.log.Info().Msg("the source has ended; every picture was judged")
		return nil
	}
	return err
}

// Trigger takes a trigger from the PLC; the answer comes as a verdict. It does
// not block, but for the disk where the station runs no more.
func (s *Station) Trigger(t publish.Trigger) {
	switch err := s.inbox.put(t); {
	case errors.Is(err, errInboxClosed):
		s.refuseStopped(t)
	case err != nil && s.counts.lost.Add(1)%inboxSize == 1:
		s.log.Error().Err(err).Int("waiting", inboxSize).Msg("triggers are dropped")
	}
}

// Pause stops judging until Resume; triggers are answered no_read paused.
func (s *Station) Pause(who string) { s.paused.Store(&who) }

// Resume undoes Pause.
func (s *Station) Resume() { s.paused.Store(nil) }

// SetThresholds puts new thresholds in force from the next decision on, for an
// inspector that is on its way too.
func (s *Station) SetThresholds(t Thresholds) {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case w := <-s.next:
		w.limits = t
		s.next <- w
	default:
	}
	s.limits.Store(&t)
}

// install hands an inspector over; it is used from the next frame on. An
// inspector that was handed over but never taken is released.
func (s *Station) install(w swap) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gone {
		w.close()
		return
	}
	select {
	case old := <-s.next:
		old.close()
	default:
	}
	s.next <- w
	s.view, s.broken = w.view, ""
}

// breakDown says why the station cannot judge until an inspector is installed.
func (s *Station) breakDown(why string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broken = redact.Text(why)
}
