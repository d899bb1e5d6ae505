package pipeline

import (
	"context"
	"errors"
	"fmt"

	"faird/config/redact"
	"faird/publish"
)

// Command carries out what somebody asks of a station, or of every station
// where station is "". It returns when ctx ends at the latest. Who asked is logged
// with it.
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

func failed(err error) publish.Reply { return publish.Reply{Error: redact.Text(err.Error())} }

func (b *Box) command(ctx context.Context, r *running, c publish.Command, who string) error {
	switch c.Command {
	case publish.CommandPause:
		r.Pause(who)
	case publish.CommandResume:
		r.Resume()
	case publish.CommandThreshold:
		return b.setThreshold(ctx, r.name, c, who)
	case publish.CommandModel:
		return b.swapModel(ctx, r, c.Model)
	case publish.CommandSave:
		r.saving.ask(c.Count)
	}
	return nil
}

// setThreshold puts an operator's thresholds in force and keeps them; a null
// threshold goes back to the config's or the model's. It holds for the model in
// force, whatever is loading.
func (b *Box) setThreshold(ctx context.Context, station string, c publish.Command, who string) error {
	r, err := b.lockStation(ctx, station)
	if err != nil {
		return err
	}
	defer r.change.unlock()
	spec := &r.settings.Load().spec
	if spec.configured.Origin == fromRegions {
		return errSeveral
	}
	if b.overrides == nil {
		return fmt.Errorf("thresholds cannot be kept: the daemon runs without a store")
	}
	chosen, err := override(*r.limits.Load(), c)
	if err != nil {
		return err
	}
	limits, err := spec.limits(chosen)
	if err != nil {
		return err
	}
	if err := b.keepOverride(ctx, station, chosen, who); err != nil {
		return err
	}
	r.override.Store(chosen)
	r.SetThresholds(limits)
	return nil
}

// override is what a command makes of the thresholds in force: what it does not
// give stays. It is nil where the command gives the override up.
func override(now Thresholds, c publish.Command) (*Thresholds, error) {
	if c.Threshold.Given && c.Threshold.Value == nil {
		return nil, nil
	}
	t := Thresholds{Threshold: now.Threshold, Review: now.Review, Origin: "override"}
	if c.Threshold.Given {
		t.Threshold = *c.Threshold.Value
	}
	if c.Review.Given {
		t.Review = c.Review.Value
	}
	if !c.Review.Given && t.Review != nil && *t.Review >= t.Threshold {
		return nil, fmt.Errorf("review is %g and stays so, which must be below the threshold %g: set review too, or null for none", *t.Review, t.Threshold)
	}
	return &t, t.check()
}

// keepOverride writes an operator's threshold to the store, or removes it.
func (b *Box) keepOverride(ctx context.Context, station string, t *Thresholds, who string) error {
	if t == nil {
		return b.overrides.ClearOverride(ctx, station)
	}
	if err := t.check(); err != nil {
		return err
	}
	return b.overrides.SetOverride(ctx, station, *t, who)
}

// swapModel puts another model in place between two frames, once its golden
// samples fit. The operator's threshold belonged to the old one and is cleared.
func (b *Box) swapModel(ctx context.Context, r *running, path string) error {
	if path == "" {
		return fmt.Errorf("model is empty: name the path of a model file on the box")
	}
	base := r.settings.Load()
	if len(base.conf.Regions) > 0 {
		return errSeveral
	}
	next, err := b.load(ctx, base, path)
	if ctx.Err() != nil && errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("model %s is still loading: send the command again, with another id, to wait for it", path)
	}
	if err != nil {
		return err
	}
	defer next.discard()
	return b.commit(ctx, r, base, func() error {
		if err := b.endChoices(ctx, r.name); err != nil {
			return err
		}
		next.install(r)
		return nil
	})
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
