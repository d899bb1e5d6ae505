package pipeline

import (
	"context"
	"fmt"

	"faird/config"
	"faird/config/redact"
)

// makeShadow loads a model of the shelf and makes what would judge a station's
// frames if it were promoted, with the thresholds that would be in force then.
func (b *Box) makeShadow(ctx context.Context, from *files, c config.Station, name string) (*shadow, error) {
	c, spec, err := b.shadowSpec(ctx, from, c, name)
	if err != nil {
		return nil, err
	}
	made, err := b.shadows.makeSwap(ctx, from, c, spec.configured)
	if err != nil {
		return nil, err
	}
	s := &shadow{
		name: name, spec: spec, made: made, insists: c.Trigger.Mode == "free", lane: b.deps.lane, notebook: b.deps.Choices,
		log: b.log.With().Str("station", c.Name).Str("shadow", name).Logger(),
	}
	s.keeper, _ = b.deps.Audience.(keeper)
	return s, nil
}

// shadowSpec is what the inspector of a station's shadow has to be, and the config
// that it is made from.
func (b *Box) shadowSpec(ctx context.Context, from *files, c config.Station, name string) (config.Station, inspectorSpec, error) {
	path, err := b.shelf.Find(name)
	if err != nil {
		return c, inspectorSpec{}, err
	}
	c.Model = path
	c.Validity.Frozen = 0 // it does not see every picture
	spec, err := specFor(ctx, from, c)
	if err == nil {
		err = spec.missing
	}
	return c, spec, err
}

// planShadow decides on the shadow that a station is to have. What goes wrong with
// it is logged and shown, and never in the way of the line: it fails only where ctx
// has ended.
func (b *Box) planShadow(ctx context.Context, p *plan) error {
	name, err := b.shadowOf(ctx, p.settings.conf)
	if err == nil && name != "" {
		err = b.planNamedShadow(ctx, p, name)
	}
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		p.idleShadow = &idleShadow{name, redact.Text(err.Error())}
		b.log.Error().Err(err).Str("station", p.listed.Name).Str("shadow", name).Msg("the station has no model in shadow")
	}
	return nil
}

// planNamedShadow keeps the shadow that there is, where it is what is wanted, and
// makes another where it is not.
func (b *Box) planNamedShadow(ctx context.Context, p *plan, name string) error {
	_, spec, err := b.shadowSpec(ctx, p.files, p.settings.conf, name)
	if err != nil {
		return err
	}
	if p.keep && p.old.shadow.Load().serves(name, spec) {
		p.keepShadow = true
		return nil
	}
	s, err := b.makeShadow(ctx, p.files, p.settings.conf, name)
	if err != nil {
		return err
	}
	if p.swap != nil && s.made.view.model == p.swap.view.model {
		s.close()
		return fmt.Errorf("model %s is in force: it cannot be in shadow too", name)
	}
	p.shadow = s
	return nil
}

// serves reports whether the shadow is one with this name, model, geometry and
// thresholds; a nil one is not.
func (s *shadow) serves(name string, spec inspectorSpec) bool {
	return s != nil && s.name == name && s.spec.fingerprint == spec.fingerprint && sameLimits(s.made.limits, spec.configured)
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
