package pipeline

import (
	"context"
	"fmt"

	"faird/config"
)

// makeShadow loads a model of the shelf and makes what would judge a station's
// frames if it were promoted, with the thresholds that would be in force then.
func (b *Box) makeShadow(ctx context.Context, c config.Station, name string) (*shadow, error) {
	w, c, err := b.wantShadow(c, name)
	if err != nil {
		return nil, err
	}
	made, err := b.shadows.makeSwap(ctx, c, w.limits)
	if err != nil {
		return nil, err
	}
	s := &shadow{
		name: name, wanted: w, made: made, insists: c.Trigger.Mode == "free", lane: b.deps.lane, notebook: b.deps.Choices,
		log: b.log.With().Str("station", c.Name).Str("shadow", name).Logger(),
	}
	s.keeper, _ = b.deps.Audience.(keeper)
	return s, nil
}

// wantShadow is what the inspector of a station's shadow has to be.
func (b *Box) wantShadow(c config.Station, name string) (wanted, config.Station, error) {
	path, err := b.shelf.Find(name)
	if err != nil {
		return wanted{}, c, err
	}
	c.Model = path
	c.Validity.Frozen = 0 // it does not see every picture
	w, err := want(c, nil)
	return w, c, err
}

// prepareShadow makes the shadow that a station is to have. What goes wrong with
// it is logged and shown, and never in the way of the line.
func (b *Box) prepareShadow(ctx context.Context, p *plan) {
	name, err := b.shadowOf(ctx, p.conf)
	if name == "" && err == nil {
		return
	}
	var w wanted
	if err == nil {
		w, _, err = b.wantShadow(p.conf, name)
	}
	if err == nil && p.keep {
		if old := p.old.shadow.Load(); old != nil && old.name == name && old.wanted.print == w.print && sameLimits(old.made.limits, w.limits) {
			p.keepShadow = true
			return
		}
	}
	if err == nil {
		p.shadow, err = b.makeShadow(ctx, p.conf, name)
	}
	if err == nil && p.swap != nil && p.shadow.made.view.model == p.swap.view.model {
		p.shadow.close()
		p.shadow, err = nil, fmt.Errorf("model %s is in force: it cannot be in shadow too", name)
	}
	if err != nil {
		p.idleShadow = &idleShadow{name, err.Error()}
		b.log.Error().Err(err).Str("station", p.conf.Name).Str("shadow", name).Msg("the station has no model in shadow")
	}
}

// shadowOf names a station's shadow: what an operator chose as long as the
// config says what it said then, else the config's.
func (b *Box) shadowOf(ctx context.Context, c config.Station) (string, error) {
	if b.deps.Choices == nil || len(c.Regions) > 0 {
		return "", nil
	}
	chosen, err := b.deps.Choices.ChosenShadow(ctx, c.Name)
	if err != nil {
		return "", err
	}
	if chosen != nil && chosen.Config == c.Shadow {
		return chosen.Name, nil
	}
	return c.Shadow, nil
}

func sameLimits(a, b Thresholds) bool {
	same := (a.Review == nil) == (b.Review == nil)
	return same && a.Threshold == b.Threshold && (a.Review == nil || *a.Review == *b.Review)
}

// setShadow puts a shadow, or none, in the place of the one before, which ends.
// A station that has stopped keeps none.
func (r *running) setShadow(s *shadow, idle *idleShadow) {
	if s != nil {
		s.start()
	}
	r.idleShadow.Store(idle)
	r.shadow.Swap(s).close()
	r.mu.Lock()
	gone := r.gone
	r.mu.Unlock()
	if gone {
		r.shadow.Swap(nil).close()
	}
}
