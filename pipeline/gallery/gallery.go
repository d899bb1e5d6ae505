// Package gallery shows people what verdicts were made from: it holds the
// newest picture of each station for those who watch, and has the archive keep
// those worth keeping. It never holds a station up: what cannot be taken at
// once is left out and counted.
package gallery

import (
	"context"
	"errors"
	"io/fs"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"faird/camera"
	"faird/config"
	"faird/inspect"
	"faird/store"
	"faird/verdict"
)

const (
	// A station's frames held here at most: the newest, and what the archive
	// works at. The camera has spare ones for as many.
	held = 3
	// How often a picture of a pass is taken: while somebody watches, of all
	// stations together, which take turns; while nobody does, of each.
	watchedEvery   = 125 * time.Millisecond
	unwatchedEvery = 2 * time.Second
	archiveQueue   = 16
	archiveTimeout = 10 * time.Second
)

// archive keeps pictures; *store.Archive does.
type archive interface {
	Put(ctx context.Context, p store.Picture, v *verdict.Verdict, files map[string][]byte) error
}

// Listener is told of every verdict; it must not block.
type Listener func(v *verdict.Verdict, key int64, view *View)

// View is how a verdict's pictures lie over each other.
type View struct {
	Width, Height int // of the camera picture
	Field         store.Rect
	Judged        bool // there is a map, and it covers Field
	Restored      bool // there is a restoration too, which tiles do not have
}

// Gallery is the newest picture of each station, and the way into the archive.
type Gallery struct {
	policy  config.Archive
	archive archive
	listen  Listener
	log     zerolog.Logger

	watchers atomic.Int64
	skipped  atomic.Uint64
	queue    chan *exhibit

	mu     sync.Mutex // guards walls
	walls  map[string]*wall
	closed bool

	collections map[string]*collection // by station; the lock guards them too
}

// New makes a gallery. Archive may be nil: no pictures are kept.
func New(policy config.Archive, a archive, listen Listener, log zerolog.Logger) *Gallery {
	return &Gallery{
		policy: policy, archive: a, listen: listen, log: log.With().Str("part", "gallery").Logger(),
		queue: make(chan *exhibit, archiveQueue), walls: map[string]*wall{},
	}
}

// Run has the archive keep what is handed over, until ctx ends; what waits then
// is kept too.
func (g *Gallery) Run(ctx context.Context) error {
	for {
		select {
		case e := <-g.queue:
			g.keep(e)
		case <-ctx.Done():
			for {
				select {
				case e := <-g.queue:
					g.keep(e)
				default:
					g.close()
					return nil
				}
			}
		}
	}
}

// close gives every frame back; nothing is taken from now on.
func (g *Gallery) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
	for _, w := range g.walls {
		if w.newest != nil {
			w.newest.release()
			w.newest = nil
		}
	}
	for len(g.queue) > 0 {
		(<-g.queue).release()
	}
}

// Watch says that somebody looks at pictures, until stop is called.
func (g *Gallery) Watch() (stop func()) {
	g.watchers.Add(1)
	return sync.OnceFunc(func() { g.watchers.Add(-1) })
}

// Skipped is how many pictures worth keeping were not.
func (g *Gallery) Skipped() uint64 { return g.skipped.Load() }

// Show implements pipeline.Audience.
func (g *Gallery) Show(v *verdict.Verdict, key int64, f *camera.Frame, look func() *inspect.Look) (kept bool) {
	if f == nil || f.Picture.Empty() {
		g.listen(v, key, nil)
		return false
	}
	why := g.worth(v)
	g.mu.Lock()
	defer g.mu.Unlock()
	why = g.wanted(v, why)
	e := g.take(v, why)
	if e == nil {
		g.listen(v, key, nil)
		return false
	}
	e.fill(v, key, why, f, look())
	g.hang(e)
	g.listen(v, key, &e.view)
	return true
}

// worth says why the archive should keep the verdict's picture, or "".
func (g *Gallery) worth(v *verdict.Verdict) string {
	if g.archive == nil || g.policy.MaxBytes == 0 || v.Score == nil || v.Threshold == nil {
		return ""
	}
	switch {
	case v.Verdict == verdict.Fail:
		return "fail"
	case v.Verdict == verdict.Review:
		return "review"
	case *v.Score >= (1-g.policy.Near)*level(v):
		return "near"
	case rand.Float64() < g.policy.Sample: //nolint:gosec // a sample, not a secret
		return "sample"
	}
	return ""
}

// level is the map value from which regions begin.
func level(v *verdict.Verdict) float64 {
	switch {
	case v.Threshold == nil:
		return 0
	case v.Review != nil && *v.Review < *v.Threshold:
		return *v.Review
	}
	return *v.Threshold
}

// take gives an exhibit for a verdict that is to be kept or is due for show.
func (g *Gallery) take(v *verdict.Verdict, why string) *exhibit {
	w := g.walls[v.Station]
	if w == nil {
		w = &wall{gallery: g}
		g.walls[v.Station] = w
	}
	every := unwatchedEvery
	if g.watchers.Load() > 0 {
		every = time.Duration(len(g.walls)) * watchedEvery
		if v.Verdict != verdict.Pass {
			every = 0
		}
	}
	if g.closed || why == "" && time.Since(w.taken) < every {
		return nil
	}
	e := w.spare()
	if e == nil && why != "" {
		g.skip()
	}
	return e
}

func (g *Gallery) skip() {
	if g.skipped.Add(1)%1000 == 1 {
		g.log.Warn().Uint64("skipped", g.skipped.Load()).Msg("pictures come faster than they can be kept: some are left out")
	}
}

// hang puts an exhibit up in place of the one before, and hands it to the
// archive where it is worth it.
func (g *Gallery) hang(e *exhibit) {
	w := e.wall
	if w.newest != nil {
		w.newest.release()
	}
	w.newest, w.taken = e, time.Now()
	if e.why == "" {
		return
	}
	e.retain()
	select {
	case g.queue <- e:
	default:
		e.release()
		g.skip()
	}
}

// keep has the archive keep an exhibit.
func (g *Gallery) keep(e *exhibit) {
	defer e.release()
	ctx, cancel := context.WithTimeout(context.Background(), archiveTimeout)
	defer cancel()
	files, err := e.files()
	if err == nil {
		err = g.archive.Put(ctx, e.picture(), e.verdict, files)
	}
	if err == nil || e.why == "flip" && errors.Is(err, fs.ErrExist) { // it was in the sample
		return
	}
	if n := g.skipped.Add(1); n%1000 == 1 || !errors.Is(err, store.ErrFloor) {
		g.log.Error().Err(err).Uint64("skipped", n).Msg("a picture was not kept")
	}
}

// ErrNone says that there is no such picture to show now.
var ErrNone = errors.New("no picture to show")

// Newest renders one of the views of a station's newest picture, and says whose
// verdict's it is. Whoever asks for the same one later gets the same bytes.
func (g *Gallery) Newest(station string, kind Kind) (data []byte, id string, err error) {
	e := g.newest(station)
	if e == nil {
		return nil, "", ErrNone
	}
	defer e.release()
	data, err = e.render(kind)
	return data, e.verdict.ID, err
}

func (g *Gallery) newest(station string) *exhibit {
	g.mu.Lock()
	defer g.mu.Unlock()
	w := g.walls[station]
	if w == nil || w.newest == nil {
		return nil
	}
	w.newest.retain()
	return w.newest
}
