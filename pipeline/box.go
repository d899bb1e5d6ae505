package pipeline

import (
	"context"
	"fmt"
	"sort"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"faird/config"
	"faird/pipeline/shelf"
	"faird/pipeline/tasks"
	"faird/publish"
)

// Overrides are the thresholds that operators have set; *store.Store keeps them.
type overrides interface {
	Override(ctx context.Context, station string) (*Thresholds, error)
	SetOverride(ctx context.Context, station string, t Thresholds, who string) error
	ClearOverride(ctx context.Context, station string) error
}

// Box holds the stations of one daemon, starts and stops them as the config
// says, and is what triggers and commands reach them through. Nothing that it is
// asked for waits for a model that loads for something else.
type Box struct {
	deps      Deps
	overrides overrides
	models    *models
	shadows   *models // those in shadow, on one thread each
	shelf     *shelf.Shelf
	tasks     *tasks.Group
	log       zerolog.Logger

	committing mutex // held while a config is put in force

	mu         sync.RWMutex // guards what follows
	stations   map[string]*running
	leaving    map[string]*running // stopped, and still answering for what comes
	preparing  map[*Change][]config.Station
	generation uint64 // of the config in force
	stopped    bool
}

// NewBox makes a box without stations. Overrides may be nil.
func NewBox(d Deps, c config.Infer, o overrides) *Box {
	d.lane, d.tasks = newLane(), tasks.NewGroup()
	one := c
	one.Threads = 1
	b := &Box{
		deps: d, overrides: o, shelf: shelf.New(d.Folder), tasks: d.tasks, log: d.Log,
		models: newModels(c, d.Trust, d.tasks, d.Log), shadows: newModels(one, d.Trust, d.tasks, d.Log),
		committing: newMutex(),
		stations:   map[string]*running{}, leaving: map[string]*running{}, preparing: map[*Change][]config.Station{},
	}
	b.models.enableTuning(d.Folder)
	return b
}

// Connect names the outlet for verdicts and states; once, before Apply.
func (b *Box) Connect(o outlet) { b.deps.Outlet = o }

// Stop ends every station, whose frames in hand are judged and published first.
// Nobody waits any more for what loads. Triggers that come afterwards are answered
// no_read. It returns when ctx ends at the latest; Close names what has not ended
// by then.
func (b *Box) Stop(ctx context.Context) {
	b.tasks.Stop()
	b.mu.Lock()
	b.stopped = true
	b.mu.Unlock()
	b.models.cache.Close()
	b.shadows.cache.Close()
	stations := tasks.NewGroup()
	for _, r := range b.release(func(string) bool { return true }) {
		r.cancel()
		stations.Go(r.name, r.end)
	}
	stations.Wait(ctx)
}

// Close waits, after Stop, for whatever still runs: a call that loads or closes a
// model, above all. It returns what does not end before ctx does.
func (b *Box) Close(ctx context.Context) []tasks.Task { return b.tasks.Wait(ctx) }

// release takes stations out of the box, from where they still answer for the
// triggers that come.
func (b *Box) release(gone func(name string) bool) []*running {
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []*running
	for name, r := range b.stations {
		if gone(name) {
			all = append(all, r)
			delete(b.stations, name)
			b.leaving[name] = r
		}
	}
	return all
}

func (b *Box) station(name string) *running {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.stations[name]
}

// all is the running stations by name.
func (b *Box) all() []*running {
	b.mu.RLock()
	defer b.mu.RUnlock()
	rs := make([]*running, 0, len(b.stations))
	for _, r := range b.stations {
		rs = append(rs, r)
	}
	sort.Slice(rs, func(i, k int) bool { return rs[i].name < rs[k].name })
	return rs
}

// ModelFile is the file of the model that a station judges with; "" where there
// is no such station, or where it has several regions with a model each.
func (b *Box) ModelFile(station string) string {
	r := b.station(station)
	if r == nil {
		return ""
	}
	conf := r.settings.Load().conf
	if len(conf.Regions) > 0 {
		return ""
	}
	return conf.Model
}

// Trigger hands a trigger to its station.
func (b *Box) Trigger(station string, t publish.Trigger) {
	b.mu.RLock()
	r := b.stations[station]
	if r == nil {
		r = b.leaving[station]
	}
	b.mu.RUnlock()
	if r != nil {
		r.Trigger(t)
		return
	}
	b.log.Warn().Str("station", station).Str("trigger", t.ID).Msg("trigger for a station that does not exist")
}

// Run tells the outlet how every station is, as it changes, until ctx ends.
func (b *Box) Run(ctx context.Context) error {
	tick := time.NewTicker(turn)
	defer tick.Stop()
	for {
		b.Announce()
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// Settled waits until every station is ready or known not to be, or ctx ends.
func (b *Box) Settled(ctx context.Context) bool {
	for {
		settled := true
		for _, r := range b.all() {
			settled = settled && r.settled()
		}
		if settled || ctx.Err() != nil {
			return settled
		}
		sleep(ctx, turn/10)
	}
}

// lockStation finds a station and holds its lock for a change that takes no more
// than a write to the disk.
func (b *Box) lockStation(ctx context.Context, name string) (*running, error) {
	for {
		r := b.station(name)
		if r == nil {
			return nil, fmt.Errorf("%w as %q", ErrNoStation, name)
		}
		if err := r.change.lock(ctx); err != nil {
			return nil, err
		}
		if b.station(name) == r {
			return r, nil
		}
		r.change.unlock() // another has taken its place meanwhile
	}
}

// commit carries out a change that was prepared while the station had these
// settings, unless it has others by now.
func (b *Box) commit(ctx context.Context, r *running, base *settings, carryOut func() error) error {
	if err := r.change.lock(ctx); err != nil {
		return err
	}
	defer r.change.unlock()
	if b.station(r.name) != r || r.settings.Load() != base {
		return fmt.Errorf("the station: %w, so this change was dropped: ask for it again", ErrChanged)
	}
	return carryOut()
}
