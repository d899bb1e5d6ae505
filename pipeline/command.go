package pipeline

import (
	"context"
	"fmt"

	"faird/publish"
)

// Command carries out what somebody asks of a station, or of every station
// where station is "". Who asked is logged with it.
func (b *Box) Command(ctx context.Context, station string, c publish.Command) publish.Reply {
	who := c.Who()
	if who == "" {
		who = "MQTT"
	}
	if err := c.Check(station); err != nil {
		return failed(err)
	}
	targets := b.all()
	if station != "" {
		r := b.station(station)
		if r == nil {
			return failed(fmt.Errorf("there is no station %q", station))
		}
		targets = []*running{r}
	}
	for _, r := range targets {
		if err := b.command(ctx, r, c, who); err != nil {
			r.log.Warn().Err(err).Str("command", c.Command).Str("id", c.ID).Str("by", who).Msg("command refused")
			return failed(fmt.Errorf("station %s: %w", r.name, err))
		}
		r.log.Info().Str("command", c.Command).Str("id", c.ID).Str("by", who).Msg("command carried out")
	}
	b.Announce()
	return publish.Reply{OK: true}
}

func failed(err error) publish.Reply { return publish.Reply{Error: err.Error()} }

func (b *Box) command(ctx context.Context, r *running, c publish.Command, who string) error {
	switch c.Command {
	case publish.CommandPause:
		r.Pause(who)
	case publish.CommandResume:
		r.Resume()
	case publish.CommandThreshold:
		return b.setThreshold(ctx, r, c, who)
	case publish.CommandModel:
		return b.swapModel(ctx, r, c.Model)
	case publish.CommandSave:
		r.saving.ask(c.Count)
	}
	return nil
}

// setThreshold puts an operator's thresholds in force and keeps them; a null
// threshold goes back to the config's or the model's.
func (b *Box) setThreshold(ctx context.Context, r *running, c publish.Command, who string) error {
	b.apply.Lock()
	defer b.apply.Unlock()
	if len(r.conf.Regions) > 0 {
		return errSeveral
	}
	if b.overrides == nil {
		return fmt.Errorf("thresholds cannot be kept: the daemon runs without a store")
	}
	if c.Threshold.Given && c.Threshold.Value == nil {
		if err := b.overrides.ClearOverride(ctx, r.name); err != nil {
			return err
		}
		return b.resetThreshold(r)
	}
	t, err := override(*r.limits.Load(), c)
	if err != nil {
		return err
	}
	if err := b.overrides.SetOverride(ctx, r.name, t, who); err != nil {
		return err
	}
	r.SetThresholds(t)
	return nil
}

// override is what a command makes of the thresholds in force: what it does not
// give stays.
func override(now Thresholds, c publish.Command) (Thresholds, error) {
	t := Thresholds{Threshold: now.Threshold, Review: now.Review, Origin: "override"}
	if c.Threshold.Given {
		t.Threshold = *c.Threshold.Value
	}
	if c.Review.Given {
		t.Review = c.Review.Value
	}
	if !c.Review.Given && t.Review != nil && *t.Review >= t.Threshold {
		return t, fmt.Errorf("review is %g and stays so, which must be below the threshold %g: set review too, or null for none", *t.Review, t.Threshold)
	}
	return t, t.check()
}

func (b *Box) resetThreshold(r *running) error {
	f, err := ReadModel(r.conf.Model)
	if err != nil {
		return err
	}
	t, err := thresholds(r.conf, f, nil)
	if err != nil {
		return err
	}
	r.SetThresholds(t)
	return nil
}

// swapModel puts another model in place between two frames, once its golden
// samples fit. The operator's threshold belonged to the old one and is cleared.
func (b *Box) swapModel(ctx context.Context, r *running, path string) error {
	if path == "" {
		return fmt.Errorf("model is empty: name the path of a model file on the box")
	}
	b.apply.Lock()
	defer b.apply.Unlock()
	if len(r.conf.Regions) > 0 {
		return errSeveral
	}
	p, err := b.planSwap(ctx, r, path)
	if err != nil {
		return err
	}
	if err := b.endChoices(ctx, r.name); err != nil {
		p.drop()
		return err
	}
	r.conf.Model, r.wanted = path, p.wanted
	r.install(*p.swap)
	r.choice.Store(nil)
	return nil
}

// planSwap does everything of a swap that can fail or takes long.
func (b *Box) planSwap(ctx context.Context, r *running, path string) (*plan, error) {
	p := &plan{conf: r.conf, old: r, keep: true}
	p.conf.Model = path
	var err error
	if p.wanted, err = want(p.conf, nil); err != nil {
		return nil, err
	}
	p.limits = p.wanted.limits
	if err := b.prepareInspector(ctx, p); err != nil {
		return nil, err
	}
	return p, nil
}

// endChoices forgets what operators chose for the model that goes.
func (b *Box) endChoices(ctx context.Context, station string) error {
	if b.deps.Choices != nil {
		if err := b.deps.Choices.ForgetModel(ctx, station); err != nil {
			return err
		}
	}
	if b.overrides != nil {
		return b.overrides.ClearOverride(ctx, station)
	}
	return nil
}
