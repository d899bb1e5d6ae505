package pipeline

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"faird/camera"
	"faird/config"
	"faird/inspect"
	"faird/model/trust"
	"faird/pipeline/shelf"
	"faird/publish"
	"faird/store"
)

// Overrides are the thresholds that operators have set; *store.Store keeps them.
type overrides interface {
	Override(ctx context.Context, station string) (*Thresholds, error)
	SetOverride(ctx context.Context, station string, t Thresholds, who string) error
	ClearOverride(ctx context.Context, station string) error
}

// Box holds the stations of one daemon, starts and stops them as the config
// says, and is what triggers and commands reach them through.
type Box struct {
	deps      Deps
	overrides overrides
	models    *models
	shadows   *models // those in shadow, on one thread each
	shelf     *shelf.Shelf
	log       zerolog.Logger

	apply sync.Mutex // one Apply at a time

	mu       sync.RWMutex // guards what follows
	stations map[string]*running
	leaving  map[string]*running // stopped, and still answering for what comes
	expected []config.Station    // being prepared
}

// running is a station at work and how to stop it.
type running struct {
	*Station
	conf   config.Station
	wanted wanted // what its inspector is

	configured string                       // the config's model, which conf's is not where one was promoted
	choice     atomic.Pointer[store.Choice] // that put the model in force; nil: the config did
	idleShadow atomic.Pointer[idleShadow]

	cancel context.CancelFunc
	done   chan struct{}
}

// NewBox makes a box without stations. Overrides may be nil.
func NewBox(d Deps, c config.Infer, o overrides) *Box {
	d.lane = newLane()
	one := c
	one.Threads = 1
	b := &Box{
		deps: d, overrides: o, models: newModels(c, d.Trust, d.Log), shadows: newModels(one, d.Trust, d.Log), shelf: shelf.New(d.Folder), log: d.Log,
		stations: map[string]*running{}, leaving: map[string]*running{},
	}
	b.models.splitsIn(d.Folder)
	return b
}

// Connect names the outlet for verdicts and states; once, before Apply.
func (b *Box) Connect(o outlet) { b.deps.Outlet = o }

// Apply makes the stations be what c says. Whatever can fail is done first: if
// it returns an error, nothing has changed. A station of which only thresholds,
// mask or region changed goes on without missing a frame.
func (b *Box) Apply(ctx context.Context, c *config.Config) error {
	carryOut, err := b.Prepare(ctx, c)
	if err != nil {
		return err
	}
	carryOut()
	return nil
}

// Prepare does everything of Apply that can fail or takes long; the function it
// returns does the rest, and is to be called. Nothing else is applied in
// between.
func (b *Box) Prepare(ctx context.Context, c *config.Config) (carryOut func(), _ error) {
	b.apply.Lock()
	b.expect(c.Stations)
	plans, err := b.plan(ctx, c)
	if err != nil {
		b.expect(nil)
		b.apply.Unlock()
		return nil, err
	}
	return func() {
		defer b.apply.Unlock()
		defer b.expect(nil)
		b.stopUnlisted(plans)
		for _, p := range plans {
			p.carryOut(b)
		}
	}, nil
}

// plan prepares every new or changed station, or none.
func (b *Box) plan(ctx context.Context, c *config.Config) (plans []*plan, err error) {
	defer func() {
		if err != nil {
			for _, p := range plans {
				p.drop()
			}
		}
	}()
	b.models.crowd(c, len(b.all()) > 0)
	defer b.models.crowd(c, true)
	hash := c.Hash()
	for _, sc := range c.Stations {
		p, err := b.prepare(ctx, sc, hash)
		if err != nil {
			return plans, err
		}
		plans = append(plans, p)
	}
	return plans, nil
}

// plan is one station's way from what is to what the config says.
type plan struct {
	conf   config.Station
	hash   string   // of the whole config
	wanted wanted   // what its inspector is to be
	old    *running // nil for a new station
	keep   bool     // the old one goes on, with new parts
	swap   *swap    // a new inspector; nil where the old one stays
	limits Thresholds
	source source // for a station that starts
	broken string // golden samples that did not fit

	configured string        // the config's model
	choice     *store.Choice // of the promoted one that takes its place
	forget     bool          // a choice that holds no more
	shadow     *shadow
	keepShadow bool // the old one goes on
	idleShadow *idleShadow
}

func (p *plan) drop() {
	if p.swap != nil {
		p.swap.close()
	}
	p.shadow.close()
}

func (b *Box) prepare(ctx context.Context, sc config.Station, hash string) (*plan, error) {
	p := &plan{configured: sc.Model, hash: hash, old: b.station(sc.Name)}
	var err error
	if p.choice, p.forget, err = b.chosen(ctx, &sc); err != nil {
		return nil, err
	}
	err = b.prepareModel(ctx, p, sc)
	if err == nil && p.broken != "" && sc.Model != p.configured { // a line must start
		b.log.Error().Str("station", sc.Name).Str("promoted", p.choice.Name).Msg("the promoted model cannot be used: the config's is in force")
		sc.Model, p.choice, p.forget, p.broken = p.configured, nil, true, ""
		err = b.prepareModel(ctx, p, sc)
	}
	if err != nil {
		return nil, err
	}
	if !p.keep {
		if p.source, err = camera.Open(sc.Camera, b.log.With().Str("station", sc.Name).Logger()); err != nil {
			p.drop()
			return nil, fmt.Errorf("station %s: %w", sc.Name, err)
		}
	}
	b.prepareShadow(ctx, p)
	return p, nil
}

// prepareModel is what concerns a station's model and its limits.
func (b *Box) prepareModel(ctx context.Context, p *plan, sc config.Station) error {
	p.conf = sc
	p.keep = p.old != nil && sameSource(p.old.conf, sc)
	override, err := b.override(ctx, sc.Name)
	if err != nil {
		return fmt.Errorf("station %s: the operator's threshold could not be read: %w", sc.Name, err)
	}
	if p.forget {
		override = nil // it was for the model that is in force no more
	}
	if p.wanted, err = want(sc, override); err != nil {
		return err
	}
	p.limits = p.wanted.limits
	if !p.keep || p.old.wanted.print != p.wanted.print || p.old.why() != "" {
		return b.prepareInspector(ctx, p)
	}
	return nil
}

// prepareInspector loads the model and makes the station's inspector. A model
// that is not of somebody trusted, or whose golden samples do not fit, is never
// put in place of one that works; a station that has none yet starts, says so,
// and judges nothing.
func (b *Box) prepareInspector(ctx context.Context, p *plan) error {
	made, err := b.models.makeSwap(ctx, p.conf, p.limits)
	if why := unfit(err); why != "" && p.old == nil {
		p.broken = err.Error()
		b.log.Error().Str("station", p.conf.Name).Err(err).Msg(why)
		return nil
	}
	p.swap = made
	return err
}

// unfit says why a model that could be read must not judge; "" where nothing is
// wrong, or something else.
func unfit(err error) string {
	switch {
	case errors.Is(err, inspect.ErrGolden):
		return "the model does not give its own scores here: the station is not ready"
	case errors.Is(err, trust.ErrUntrusted):
		return "the model is not trusted: the station is not ready"
	default:
		return ""
	}
}

func (b *Box) override(ctx context.Context, station string) (*Thresholds, error) {
	if b.overrides == nil {
		return nil, nil
	}
	return b.overrides.Override(ctx, station)
}

// sameSource reports whether a station can go on with its camera and trigger.
func sameSource(a, b config.Station) bool {
	return a.Camera == b.Camera && a.Trigger == b.Trigger && watchedRegion(a) == watchedRegion(b) && a.Handshake == b.Handshake
}

// carryOut puts a prepared station in place.
func (p *plan) carryOut(b *Box) {
	r := p.old
	if !p.keep {
		if p.old != nil {
			p.old.stop()
		}
		r = &running{Station: newStation(p.conf, p.hash, p.source, p.limits, b.deps)}
	}
	r.conf = p.conf
	r.adopt(p.conf, p.hash)
	r.configured = p.configured
	r.choice.Store(p.choice)
	if p.swap != nil {
		r.wanted = p.wanted
		r.install(*p.swap)
	} else {
		r.SetThresholds(p.limits)
	}
	if p.broken != "" {
		r.breakDown(p.broken)
	}
	if !p.keepShadow {
		r.setShadow(p.shadow, p.idleShadow)
	}
	if p.forget {
		b.forget(p.conf.Name)
	}
	if !p.keep {
		r.start(b.log)
		b.mu.Lock()
		b.stations[p.conf.Name] = r
		b.mu.Unlock()
	}
}

// start runs the station on a goroutine that stop ends.
func (r *running) start(log zerolog.Logger) {
	ctx, cancel := context.WithCancel(context.Background())
	r.cancel, r.done = cancel, make(chan struct{})
	go func() {
		defer close(r.done)
		if err := r.Run(ctx); err != nil {
			r.breakDown(err.Error())
			log.Error().Err(err).Msg("the station has stopped")
		}
	}()
}

// stop ends the station and waits until its frame in hand is published.
func (r *running) stop() {
	r.cancel()
	<-r.done
	r.setShadow(nil, nil)
}

func (b *Box) stopUnlisted(plans []*plan) {
	listed := map[string]bool{}
	for _, p := range plans {
		listed[p.conf.Name] = true
	}
	b.stopWhere(func(name string) bool { return !listed[name] })
	b.mu.Lock()
	defer b.mu.Unlock()
	clear(b.leaving)
}

// Stop ends every station; frames in hand are judged and published first.
// Triggers that come afterwards are answered no_read.
func (b *Box) Stop() { b.stopWhere(func(string) bool { return true }) }

func (b *Box) stopWhere(gone func(name string) bool) {
	b.mu.Lock()
	var stopping []*running
	for name, r := range b.stations {
		if gone(name) {
			stopping = append(stopping, r)
			delete(b.stations, name)
			b.leaving[name] = r
		}
	}
	b.mu.Unlock()
	for _, r := range stopping {
		r.cancel()
	}
	for _, r := range stopping {
		<-r.done
		r.setShadow(nil, nil)
	}
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
