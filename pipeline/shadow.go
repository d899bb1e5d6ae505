package pipeline

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"faird/camera"
	"faird/inspect"
	"faird/store"
	"faird/verdict"
)

const (
	shadowTimeout = 30 * time.Second // for one picture
	shadowFlush   = time.Second      // how often what it says goes to disk, together
	shadowMost    = 256              // comparisons held for that
	shadowLeast   = 10 * time.Second // a station that is never idle gives it one picture so often
	flipEvery     = 2 * time.Second  // a flip's picture is kept at most so often
)

// notebook keeps what shadows say; *store.Store does.
type notebook interface {
	AddCompared(ctx context.Context, all []store.Compared) error
}

// keeper is an audience that keeps the picture of a verdict it was shown; where
// it does it is the one to release the frame.
type keeper interface {
	KeepFlip(v *verdict.Verdict, key int64, f *camera.Frame) (kept bool)
}

// shadow is a second model that judges a station's frames once their verdicts
// are out. It never makes the station wait: the newest frame waits for it, one
// before that is left out, and it stops where a station begins to judge.
type shadow struct {
	name     string
	spec     inspectorSpec
	made     *swap
	insists  bool // nobody waits for the station's verdicts: it may take a picture's time now and then
	lane     *lane
	notebook notebook
	keeper   keeper // nil: flips' pictures are not kept
	log      zerolog.Logger

	judged    atomic.Uint64
	skipped   atomic.Uint64
	otherwise atomic.Uint64 // judged otherwise than the station

	slot   chan glimpse // holds one
	cancel context.CancelFunc
	done   chan struct{}

	mu   sync.Mutex // guards gone against offer
	gone bool

	// The goroutine's own.
	result  inspect.Result
	notes   []store.Compared
	last    time.Time // it was done with a picture
	flipped time.Time // a flip's picture was kept
	ailing  bool      // the newest picture could not be judged for no fault of its own
}

// glimpse is a frame whose verdict is out.
type glimpse struct {
	verdict *verdict.Verdict
	key     int64
	frame   *camera.Frame
}

// start runs the shadow on a goroutine that close ends.
func (s *shadow) start() {
	ctx, cancel := context.WithCancel(context.Background())
	s.slot, s.done, s.cancel, s.last = make(chan glimpse, 1), make(chan struct{}), cancel, time.Now()
	go func() {
		defer close(s.done)
		s.run(ctx)
	}()
}

// offer lets it judge the frame of a verdict, when it comes to it. It does not
// wait.
func (s *shadow) offer(v *verdict.Verdict, key int64, f *camera.Frame) {
	if s == nil || f == nil || key == 0 || v.Score == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gone {
		return
	}
	select {
	case old := <-s.slot:
		old.frame.Release()
		s.skipped.Add(1)
	default:
	}
	f.Retain()
	s.slot <- glimpse{v, key, f} // has room: this is the only place that fills it
}

func (s *shadow) run(ctx context.Context) {
	flush := time.NewTicker(shadowFlush)
	defer flush.Stop()
	defer s.flush()
	for {
		select {
		case g := <-s.slot:
			s.judge(ctx, g)
		case <-flush.C:
			s.flush()
		case <-ctx.Done():
			return
		}
	}
}

func (s *shadow) judge(ctx context.Context, g glimpse) {
	defer g.frame.Release()
	ctx, cancel := context.WithTimeout(ctx, shadowTimeout)
	defer cancel()
	limits := s.made.limits
	err := s.lane.work(ctx, s.insists && time.Since(s.last) > shadowLeast, func(ctx context.Context) error {
		return s.made.inspector.Inspect(ctx, g.frame.Picture, limits.Level(), &s.result)
	})
	said, score := verdict.NoRead, (*float64)(nil)
	switch {
	case err == nil:
		value := s.result.Score
		said, score = verdict.Judge(value, limits.Threshold, limits.Review), &value
	case errors.Is(err, inspect.ErrPicture):
	default:
		s.leftOut(err)
		return
	}
	s.last, s.ailing = time.Now(), false
	s.judged.Add(1)
	s.note(g, said, score)
	if said != g.verdict.Verdict {
		s.otherwise.Add(1)
		s.keep(g)
	}
}

// leftOut counts a picture that was not judged: a station began, or something failed.
func (s *shadow) leftOut(err error) {
	s.skipped.Add(1)
	gaveWay := errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
	if !gaveWay && !s.ailing {
		s.log.Error().Err(err).Msg("the model in shadow could not judge a picture")
	}
	s.ailing = !gaveWay
}

func (s *shadow) note(g glimpse, said verdict.Kind, score *float64) {
	v := g.verdict
	if len(s.notes) == shadowMost {
		s.flush()
	}
	s.notes = append(s.notes, store.Compared{
		Key: g.key, Station: v.Station, Model: s.made.view.model, Against: v.Model, Decided: v.Verdict, Said: said,
		Had: *v.Score, Score: score, At: v.Time.Decided.Time,
	})
}

// keep has a flip's picture kept: of most passes there is none.
func (s *shadow) keep(g glimpse) {
	if s.keeper == nil || time.Since(s.flipped) < flipEvery {
		return
	}
	g.frame.Retain()
	if !s.keeper.KeepFlip(g.verdict, g.key, g.frame) {
		g.frame.Release()
		return
	}
	s.flipped = time.Now()
}

// flush writes what was said; what the disk refuses is lost.
func (s *shadow) flush() {
	if len(s.notes) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), commitTimeout)
	defer cancel()
	if err := s.notebook.AddCompared(ctx, s.notes); err != nil {
		s.log.Warn().Err(err).Int("comparisons", len(s.notes)).Msg("what the model in shadow said is lost")
	}
	s.notes = s.notes[:0]
}

// close ends it, where it was started, and gives its model and frame back.
func (s *shadow) close() {
	if s == nil {
		return
	}
	s.mu.Lock()
	s.gone = true
	s.mu.Unlock()
	if s.cancel != nil {
		s.cancel()
		<-s.done
		select {
		case g := <-s.slot:
			g.frame.Release()
		default:
		}
	}
	s.made.close()
}
