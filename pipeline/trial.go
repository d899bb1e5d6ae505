package pipeline

import (
	"context"
	"errors"
	"fmt"
	"time"

	"faird/config"
	"faird/pipeline/shelf"
	"faird/pipeline/tasks"
	"faird/store"
)

// Errors of trials, for whoever answers.
var (
	ErrNoStation = errors.New("there is no such station")
	ErrChanged   = errors.New("it has changed meanwhile")
)

var errNoStore = errors.New("models cannot be chosen: the daemon runs without a store")

// choices keep what operators chose, and what shadows said; *store.Store does.
type choices interface {
	notebook
	ChosenModel(ctx context.Context, station string) (*store.Choice, error)
	ChosenShadow(ctx context.Context, station string) (*store.Choice, error)
	ChooseModel(ctx context.Context, station string, c, shadow store.Choice) error
	ChooseShadow(ctx context.Context, station string, c store.Choice) error
	ForgetModel(ctx context.Context, station string) error
}

// Trial is how a station stands with its models.
type Trial struct {
	Name   string        // of the model in force on the shelf; "" is the config's
	Model  string        // its hash
	Choice *store.Choice // that put it in force, and what undoing it goes back to; nil where nothing was promoted
	Shadow *ShadowState  // nil: none
}

// ShadowState is the model in shadow.
type ShadowState struct {
	Name            string
	Model           string // hash, "" where it does not work
	Limits          Thresholds
	Judged, Skipped uint64 // pictures, since it began
	Otherwise       uint64 // of those judged: with another verdict than the station's
	Why             string // it does not work
}

// idleShadow is one that was asked for and does not work.
type idleShadow struct{ name, why string }

// Models are those that can be put in shadow.
func (b *Box) Models() ([]shelf.Entry, error) { return b.shelf.List() }

// Trial is how a station stands with its models now; it waits for nothing.
func (b *Box) Trial(station string) (Trial, error) {
	r := b.station(station)
	if _, soon := b.starting()[station]; soon {
		return Trial{}, fmt.Errorf("station %s is %s", station, Starting)
	}
	if r == nil {
		return Trial{}, fmt.Errorf("%w as %q", ErrNoStation, station)
	}
	t := Trial{Model: r.modelInForce(), Choice: r.settings.Load().promotion}
	if t.Choice != nil {
		t.Name = t.Choice.Name
	}
	if s := r.shadow.Load(); s != nil {
		t.Shadow = &ShadowState{Name: s.name, Model: s.made.view.model, Limits: s.made.limits, Judged: s.judged.Load(), Skipped: s.skipped.Load(), Otherwise: s.otherwise.Load()}
	} else if idle := r.idleShadow.Load(); idle != nil {
		t.Shadow = &ShadowState{Name: idle.name, Why: idle.why}
	}
	return t, nil
}

func (s *Station) modelInForce() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.view.model
}

// changeable finds the station whose models somebody wants to change, and how it
// is now.
func (b *Box) changeable(station string) (*running, *settings, error) {
	r := b.station(station)
	if r == nil {
		return nil, nil, fmt.Errorf("%w as %q", ErrNoStation, station)
	}
	base := r.settings.Load()
	switch {
	case len(base.conf.Regions) > 0:
		return nil, nil, errSeveral
	case b.deps.Choices == nil:
		return nil, nil, errNoStore
	}
	return r, base, nil
}

// SetShadow puts a model of the shelf in shadow of a station, or none where the
// name is empty, and keeps that.
func (b *Box) SetShadow(ctx context.Context, station, name, who string) error {
	r, base, err := b.changeable(station)
	if err != nil {
		return err
	}
	s, err := b.loadShadow(ctx, r, base, name)
	if err != nil {
		return err
	}
	c := store.Choice{Name: name, Config: base.conf.Shadow, Who: who, At: time.Now()}
	if s != nil {
		c.Hash = s.made.view.model
	}
	err = b.commit(ctx, r, base, func() error {
		if err := b.deps.Choices.ChooseShadow(ctx, station, c); err != nil {
			return err
		}
		next := *base
		r.settings.Store(&next) // what is being prepared for the station was for another shadow
		r.setShadow(s, nil)
		return nil
	})
	if err != nil {
		s.close()
		return err
	}
	r.log.Info().Str("shadow", name).Str("model", c.Hash).Str("by", who).Msg("the model in shadow was changed")
	return nil
}

// loadShadow makes a station's shadow; nil where the name is empty.
func (b *Box) loadShadow(ctx context.Context, r *running, base *settings, name string) (*shadow, error) {
	if name == "" {
		return nil, nil
	}
	s, err := tasks.Await(ctx, b.tasks, "station "+r.name+": loading shadow "+name, func(ctx context.Context) (*shadow, error) {
		return b.makeShadow(ctx, b.models.files(), base.conf, name)
	}, (*shadow).close)
	if err != nil {
		return nil, err
	}
	if s.made.view.model == r.modelInForce() {
		s.close()
		return nil, errors.New("that is the model in force already")
	}
	return s, nil
}

// Promote puts the model in shadow in force, between two frames, once its golden
// samples fit. model is the hash of the one that is meant.
func (b *Box) Promote(ctx context.Context, station, model, who string) error {
	r, base, err := b.changeable(station)
	if err != nil {
		return err
	}
	s := r.shadow.Load()
	if s == nil {
		return errors.New("there is no model in shadow to promote")
	}
	if s.made.view.model != model {
		return fmt.Errorf("the model in shadow: %w", ErrChanged)
	}
	return b.activate(ctx, r, base, s.name, model, who)
}

// Undo puts the model in force that was before, once its golden samples fit.
// model is the hash of the one that is to go.
func (b *Box) Undo(ctx context.Context, station, model, who string) error {
	r, base, err := b.changeable(station)
	if err != nil {
		return err
	}
	c := base.promotion
	if c == nil {
		return errors.New("no model was promoted, so there is nothing to undo")
	}
	if r.modelInForce() != model {
		return fmt.Errorf("the model in force: %w", ErrChanged)
	}
	return b.activate(ctx, r, base, c.Before, c.Was, who)
}

// activate swaps to the model with a name and a hash, and keeps that it was
// chosen. The operator's threshold and the shadow were the old one's and end.
func (b *Box) activate(ctx context.Context, r *running, base *settings, name, hash, who string) error {
	found, err := b.find(ctx, base, name)
	if err != nil {
		return err
	}
	next, err := b.load(ctx, base, found.path)
	if err != nil {
		return err
	}
	defer next.discard()
	if next.swap.view.model != hash {
		return fmt.Errorf("the file %s: %w: it holds another model than it did", found.path, ErrChanged)
	}
	c := &store.Choice{Name: name, Hash: hash, Config: found.configured, Who: who, At: time.Now()}
	if before := base.promotion; before != nil {
		c.Before = before.Name
	}
	next.settings.promotion = c
	err = b.commit(ctx, r, base, func() error {
		c.Was = r.modelInForce()
		if err := b.deps.Choices.ChooseModel(ctx, r.name, *c, store.Choice{Config: base.conf.Shadow, Who: who, At: c.At}); err != nil {
			return err
		}
		next.install(r)
		r.setShadow(nil, nil)
		return nil
	})
	if err != nil {
		return err
	}
	r.log.Info().Str("model", hash).Str("name", name).Str("before", c.Was).Str("by", who).Msg("another model is in force")
	b.Announce()
	return nil
}

// located is where a model lies.
type located struct {
	path       string
	configured string // hash of the model that the config names
}

// find looks for the file of a model by its name, "" being the config's.
func (b *Box) find(ctx context.Context, base *settings, name string) (located, error) {
	return tasks.Await(ctx, b.tasks, "station "+base.conf.Name+": finding model "+name, func(ctx context.Context) (located, error) {
		hash, err := b.models.files().hash(ctx, base.configured)
		if err != nil {
			return located{}, err
		}
		at := located{base.configured, hash}
		if name != "" {
			at.path, err = b.shelf.Find(name)
		}
		return at, err
	}, func(located) {})
}

// promoted replaces the config's model by the one that was promoted, as long as
// the config names the model that it did then. A promoted model that is gone
// leaves the config's in force: a line must start. forget says that the choice
// holds no more.
func (b *Box) promoted(ctx context.Context, from *files, sc *config.Station) (c *store.Choice, forget bool, _ error) {
	if b.deps.Choices == nil || len(sc.Regions) > 0 {
		return nil, false, nil
	}
	c, err := b.deps.Choices.ChosenModel(ctx, sc.Name)
	if err != nil || c == nil {
		return nil, false, err
	}
	log := b.log.With().Str("station", sc.Name).Str("promoted", c.Name).Logger()
	configured, err := from.hash(ctx, sc.Model)
	if err != nil {
		return nil, false, fmt.Errorf("station %s: %w", sc.Name, err)
	}
	if configured != c.Config {
		log.Warn().Msg("the config names another model than when one was promoted: the config's is in force")
		return nil, true, nil
	}
	if c.Name == "" {
		return c, false, nil
	}
	hash := ""
	path, err := b.shelf.Find(c.Name)
	if err == nil {
		hash, err = from.hash(ctx, path)
	}
	if err == nil && hash != c.Hash {
		err = fmt.Errorf("%s: %w", path, ErrChanged)
	}
	if err != nil {
		log.Error().Err(err).Msg("the promoted model cannot be used: the config's is in force")
		return nil, true, nil
	}
	sc.Model = path
	return c, false, nil
}

// forget ends a choice that holds no more, and the operator's threshold, which
// was for the promoted model.
func (b *Box) forget(station string) {
	ctx, cancel := context.WithTimeout(context.Background(), commitTimeout)
	defer cancel()
	if err := b.deps.Choices.ForgetModel(ctx, station); err != nil {
		b.log.Error().Err(err).Str("station", station).Msg("a promotion that holds no more could not be forgotten")
	}
}
