package pipeline

import (
	"context"
	"errors"
	"fmt"

	"github.com/rs/zerolog"

	"faird/camera"
	"faird/config"
	"faird/inspect"
	"faird/model/trust"
	"faird/pipeline/vetting"
)

// plan is one station's way from what it is to what the config says.
type plan struct {
	listed config.Station // as the config has it
	hash   string         // of the whole config
	files  *files         // that it was made from

	// The station as it was when the plan was made; nil for a new one.
	old      *running
	base     *settings
	override *Thresholds // an operator's, in force or kept for when it starts

	settings settings   // that it is to have
	limits   Thresholds // that go with them
	keep     bool       // the old one goes on, with new parts
	swap     *swap      // a new inspector; nil where the old one stays
	source   source     // for a station that starts
	broken   string     // why its model must not judge
	forget   bool       // a promotion that holds no more

	shadow     *shadow
	keepShadow bool // the old one goes on
	idleShadow *idleShadow
}

// plan prepares these stations, or none.
func (b *Box) plan(ctx context.Context, stations []config.Station, hash string) (plans []*plan, err error) {
	defer func() {
		if err != nil {
			discardAll(plans)
		}
	}()
	b.models.setLoad(len(stations), len(b.all()) > 0)
	defer b.models.setLoad(len(stations), true)
	from := b.models.files() // stations that share a model read and check it once
	for _, sc := range stations {
		p, err := b.planStation(ctx, from, sc, hash)
		if err != nil {
			return plans, err
		}
		plans = append(plans, p)
	}
	return plans, nil
}

// planStation falls back to the config's model where the promoted one must not
// judge: a line must start.
func (b *Box) planStation(ctx context.Context, from *files, sc config.Station, hash string) (_ *plan, err error) {
	defer b.tasks.Begin("station " + sc.Name + ": being prepared")()
	p := &plan{listed: sc, hash: hash, files: from, old: b.station(sc.Name)}
	defer func() {
		if err != nil {
			p.discard()
		}
	}()
	if err = b.readChoices(ctx, p); err == nil {
		err = b.planModel(ctx, p)
	}
	if err = p.breakDown(b.log, err); err == nil && p.broken != "" && p.settings.conf.Model != sc.Model {
		b.log.Error().Str("station", sc.Name).Str("promoted", p.settings.promotion.Name).Msg("the promoted model cannot be used: the config's is in force")
		p.settings.conf, p.settings.promotion, p.forget, p.broken = sc, nil, true, ""
		err = p.breakDown(b.log, b.planModel(ctx, p))
	}
	if err != nil {
		return nil, err
	}
	if !p.keep {
		if p.source, err = camera.Open(sc.Camera, b.log.With().Str("station", sc.Name).Logger()); err != nil {
			return nil, fmt.Errorf("station %s: %w", sc.Name, err)
		}
	}
	if err := b.planShadow(ctx, p); err != nil {
		return nil, fmt.Errorf("station %s: %w", sc.Name, err)
	}
	return p, nil
}

// readChoices notes how the station stands and what operators have chosen for it:
// a threshold, and a model in place of the config's.
func (b *Box) readChoices(ctx context.Context, p *plan) (err error) {
	switch {
	case p.old != nil:
		p.override, p.base = p.old.override.Load(), p.old.settings.Load()
		p.keep = sameSource(p.base.conf, p.listed)
	case b.overrides != nil:
		if p.override, err = b.overrides.Override(ctx, p.listed.Name); err != nil {
			return fmt.Errorf("station %s: the operator's threshold could not be read: %w", p.listed.Name, err)
		}
	}
	p.settings = settings{conf: p.listed, configured: p.listed.Model}
	p.settings.promotion, p.forget, err = b.promoted(ctx, p.files, &p.settings.conf)
	return err
}

// planModel is what concerns a station's model and its limits.
func (b *Box) planModel(ctx context.Context, p *plan) (err error) {
	if p.forget {
		p.override = nil // it was for the model that is in force no more
	}
	if p.settings.spec, err = specFor(ctx, p.files, p.settings.conf); err != nil {
		return err
	}
	if p.limits, err = p.settings.spec.limits(p.override); err != nil {
		return err
	}
	if p.keep && p.base.spec.fingerprint == p.settings.spec.fingerprint && p.old.why() == "" {
		return nil
	}
	p.swap, err = b.models.makeSwap(ctx, p.files, p.settings.conf, p.limits)
	return err
}

// breakDown turns an error about a model that must not judge into the reason why a
// new station is not ready: it starts, says so, and judges nothing. Such a model is
// never put in place of one that works.
func (p *plan) breakDown(log zerolog.Logger, err error) error {
	why := unfit(err)
	if why == "" || p.old != nil {
		return err
	}
	p.broken = err.Error()
	if p.limits.Origin == "" {
		p.limits = withoutModel(p.settings.conf, p.override)
		p.settings.spec = inspectorSpec{configured: p.limits, missing: err}
	}
	p.settings.spec.fingerprint = "" // of an inspector that there is not: the next config tries again
	log.Error().Str("station", p.listed.Name).Err(err).Msg(why)
	return nil
}

// unfit says why a model that could be read must not judge; "" where nothing is
// wrong, or something else.
func unfit(err error) string {
	switch {
	case errors.Is(err, inspect.ErrGolden):
		return "the model does not give its own scores here: the station is not ready"
	case errors.Is(err, trust.ErrUntrusted):
		return "the model is not trusted: the station is not ready"
	case errors.Is(err, vetting.ErrRefused):
		return "the model is refused: the station is not ready"
	default:
		return ""
	}
}

// sameSource reports whether a station can go on with its camera and trigger.
func sameSource(a, b config.Station) bool {
	return a.Camera == b.Camera && a.Trigger == b.Trigger && watchedRegion(a) == watchedRegion(b) && a.Handshake == b.Handshake
}

// outdated reports whether the station is not any more what the plan was made
// for; its lock is held.
func (p *plan) outdated(b *Box) bool {
	r := b.station(p.listed.Name)
	return r != p.old || r != nil && (r.settings.Load() != p.base || !p.forget && r.override.Load() != p.override)
}

// discard gives back what was made for a plan that is not carried out.
func (p *plan) discard() {
	if p.swap != nil {
		p.swap.close()
	}
	p.shadow.close()
}

func discardAll(plans []*plan) {
	for _, p := range plans {
		p.discard()
	}
}

// carryOut puts a planned station in place; the lock of the old one is held.
func (p *plan) carryOut(b *Box) {
	r := p.old
	if !p.keep {
		if p.old != nil {
			p.old.stop()
		}
		r = &running{Station: newStation(p.settings.conf, p.hash, p.source, p.limits, b.deps), change: newMutex()}
	}
	if !p.keep || p.swap != nil || !p.settings.same(p.base) {
		r.settings.Store(&p.settings)
	}
	r.override.Store(p.override)
	r.adopt(p.listed, p.hash)
	if p.swap != nil {
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
		b.forget(p.listed.Name)
	}
	if !p.keep {
		b.begin(r)
	}
}

// begin runs a new station, unless the box was stopped meanwhile.
func (b *Box) begin(r *running) {
	r.start(b.log)
	b.mu.Lock()
	stopped := b.stopped
	if !stopped {
		b.stations[r.name] = r
	}
	b.mu.Unlock()
	if stopped {
		r.stop()
	}
}
