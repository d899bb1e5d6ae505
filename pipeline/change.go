package pipeline

import (
	"context"
	"fmt"

	"faird/config"
	"faird/pipeline/tasks"
)

// Change is a config that can be put in force: everything that can fail or takes
// long has been done. It holds models until Commit or Discard ends it. It is for
// one goroutine.
type Change struct {
	box        *Box
	hash       string
	generation uint64 // of the config that was in force when it was prepared
	plans      []*plan
}

// Apply makes the stations be what c says. Whatever can fail is done first: if
// it returns an error, nothing has changed. A station of which only thresholds,
// mask or region changed goes on without missing a frame.
func (b *Box) Apply(ctx context.Context, c *config.Config) error {
	change, err := b.Prepare(ctx, c)
	if err != nil {
		return err
	}
	return change.Commit(ctx, func() {})
}

// Prepare loads what c names, for as long as ctx allows, while the stations and
// commands go on. Nothing changes before the Commit of what it returns.
func (b *Box) Prepare(ctx context.Context, c *config.Config) (*Change, error) {
	b.mu.Lock()
	change := &Change{box: b, hash: c.Hash(), generation: b.generation}
	b.preparing[change] = c.Stations
	b.mu.Unlock()
	var err error
	change.plans, err = tasks.Await(ctx, b.tasks, "preparing the config", func(ctx context.Context) ([]*plan, error) {
		return b.plan(ctx, c.Stations, change.hash)
	}, discardAll)
	if err != nil {
		change.Discard()
		return nil, err
	}
	return change, nil
}

// Discard gives back what was loaded. It may be called more than once, and after
// Commit, when there is nothing left to give back.
func (c *Change) Discard() {
	discardAll(c.plans)
	c.plans = nil
	c.box.mu.Lock()
	defer c.box.mu.Unlock()
	delete(c.box.preparing, c)
}

// Commit puts the change in force. A station that was changed since Prepare, by a
// command, is prepared again. It is an error, and nothing changes, where that
// fails, where another config was put in force since Prepare, or where ctx ends.
// begin is called when nothing can fail any more and nothing has changed yet.
func (c *Change) Commit(ctx context.Context, begin func()) error {
	defer c.Discard()
	if err := c.box.committing.lock(ctx); err != nil {
		return err
	}
	defer c.box.committing.unlock()
	for {
		held, err := c.box.lockAll(ctx)
		if err != nil {
			return err
		}
		outdated, err := c.outdated()
		if err == nil && len(outdated) == 0 {
			begin()
			c.carryOut(held)
			return nil
		}
		held.unlockAll()
		if err == nil {
			err = c.prepareAgain(ctx, outdated)
		}
		if err != nil {
			return err
		}
	}
}

// outdated are the indices of the plans whose stations have changed.
func (c *Change) outdated() ([]int, error) {
	c.box.mu.RLock()
	generation, stopped := c.box.generation, c.box.stopped
	c.box.mu.RUnlock()
	switch {
	case stopped:
		return nil, tasks.ErrStopping
	case generation != c.generation:
		return nil, fmt.Errorf("the config: %w: another one was put in force while this one was prepared", ErrChanged)
	}
	var all []int
	for i, p := range c.plans {
		if p.outdated(c.box) {
			all = append(all, i)
		}
	}
	return all, nil
}

// prepareAgain replaces outdated plans. The old ones hold their models until then,
// so that none is loaded twice.
func (c *Change) prepareAgain(ctx context.Context, outdated []int) error {
	var stations []config.Station
	for _, i := range outdated {
		stations = append(stations, c.plans[i].listed)
	}
	plans, err := tasks.Await(ctx, c.box.tasks, "preparing the config again", func(ctx context.Context) ([]*plan, error) {
		return c.box.plan(ctx, stations, c.hash)
	}, discardAll)
	if err != nil {
		return err
	}
	for n, i := range outdated {
		c.plans[i].discard()
		c.plans[i] = plans[n]
	}
	return nil
}

// carryOut makes the stations be what the plans say: first those that go on, each
// of which can be changed by commands again at once.
func (c *Change) carryOut(held locked) {
	defer held.unlockAll()
	c.box.stopUnlisted(c.plans)
	for _, p := range c.plans {
		if p.keep {
			p.carryOut(c.box)
			held.unlock(p.listed.Name)
		}
	}
	for _, p := range c.plans {
		if !p.keep {
			p.carryOut(c.box)
			held.unlock(p.listed.Name)
		}
	}
	c.plans = nil
	c.box.mu.Lock()
	defer c.box.mu.Unlock()
	c.box.generation++
}

func (b *Box) stopUnlisted(plans []*plan) {
	listed := map[string]bool{}
	for _, p := range plans {
		listed[p.listed.Name] = true
	}
	gone := b.release(func(name string) bool { return !listed[name] })
	for _, r := range gone {
		r.cancel()
	}
	for _, r := range gone {
		r.end()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	clear(b.leaving)
}

// locked are stations whose locks are held, by name.
type locked map[string]*running

// lockAll locks every station against other changes.
func (b *Box) lockAll(ctx context.Context) (locked, error) {
	held := locked{}
	for _, r := range b.all() {
		if err := r.change.lock(ctx); err != nil {
			held.unlockAll()
			return nil, fmt.Errorf("station %s: %w", r.name, err)
		}
		held[r.name] = r
	}
	return held, nil
}

func (l locked) unlock(name string) {
	if r := l[name]; r != nil {
		delete(l, name)
		r.change.unlock()
	}
}

func (l locked) unlockAll() {
	for name := range l {
		l.unlock(name)
	}
}
