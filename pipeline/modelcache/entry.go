package modelcache

import (
	"context"
	"time"
)

// claim finds the entry, or makes one and starts to load it.
func (c *Cache[M]) claim(s Spec[M]) (*entry[M], error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, errClosed
	}
	e := c.entries[s.Key]
	if e == nil {
		ctx, cancel := context.WithCancel(context.Background())
		e = &entry[M]{key: s.Key, name: s.Name, cancel: cancel, loaded: make(chan struct{})}
		c.entries[s.Key] = e
		c.tasks.Go("loading model "+s.Name, func() { c.load(ctx, e, s.Load) })
	}
	e.claims++
	if e.expiry != nil {
		e.expiry.Stop()
		e.expiry = nil
	}
	return e, nil
}

// load runs on a goroutine of its own and, whatever becomes of those who wait,
// either leaves the model in the cache or has it closed.
func (c *Cache[M]) load(ctx context.Context, e *entry[M], load func(context.Context) (M, error)) {
	e.model, e.err = load(ctx)
	e.cancel()
	c.mu.Lock()
	defer c.mu.Unlock()
	close(e.loaded)
	wanted := c.entries[e.key] == e
	switch {
	case e.err != nil && wanted:
		delete(c.entries, e.key) // the next one to ask tries again
	case e.err == nil && !wanted:
		c.retire(e)
	}
}

// unclaim ends one claim. An entry without claims is removed after a while.
func (c *Cache[M]) unclaim(e *entry[M], after time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e.claims--
	switch {
	case e.claims > 0 || c.entries[e.key] != e:
	case after == 0 || c.closed:
		c.remove(e)
	default:
		e.expiry = time.AfterFunc(after, func() { c.expire(e) })
	}
}

func (c *Cache[M]) expire(e *entry[M]) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e.claims == 0 && c.entries[e.key] == e {
		c.remove(e)
	}
}

// remove takes an entry that nobody claims out of the cache; c.mu is held. A
// model that is still loading is closed by load.
func (c *Cache[M]) remove(e *entry[M]) {
	delete(c.entries, e.key)
	if e.expiry != nil {
		e.expiry.Stop()
	}
	e.cancel()
	select {
	case <-e.loaded:
		c.retire(e)
	default:
	}
}

func (c *Cache[M]) retire(e *entry[M]) {
	c.closing.Add("closing model "+e.name, func() {
		if err := e.model.Close(); err != nil {
			c.log.Error().Err(err).Str("model", e.key).Msg("model could not be closed")
		}
	})
}
