// Package modelcache keeps one loaded copy of every model that is in use. It
// loads a model once however many ask for it at the same time. A load may take
// minutes and the closing of a model seconds: neither happens while the cache is
// locked, and nobody who releases a model waits for either.
package modelcache

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"faird/pipeline/tasks"
)

// unclaimedFor is how long a model is kept, loading or loaded, for which nobody
// waits any more: whoever ran out of time can ask again and finds it there.
const unclaimedFor = 2 * time.Minute

var errClosed = errors.New("no model is loaded any more: the daemon is stopping")

// Cache holds models of type M by key. Its methods are safe for concurrent use.
type Cache[M io.Closer] struct {
	tasks     *tasks.Group
	closing   *tasks.Queue
	log       zerolog.Logger
	unclaimed time.Duration

	mu      sync.Mutex // guards what follows, for lookups only
	entries map[string]*entry[M]
	closed  bool
}

// Spec says which model is wanted and how it is loaded.
type Spec[M io.Closer] struct {
	Key  string // two specs with the same key are the same model
	Name string // for logs and errors

	// Load loads the model. Its context ends when nobody has waited for the model
	// for two minutes, or when the cache is closed.
	Load func(ctx context.Context) (M, error)
}

// entry is a model that is loading or loaded.
type entry[M io.Closer] struct {
	key, name string
	cancel    context.CancelFunc // of the load
	loaded    chan struct{}      // closed when the load has ended

	// Written before loaded is closed.
	model M
	err   error

	// Guarded by the cache's mutex.
	claims int         // handles, and callers that wait
	expiry *time.Timer // runs while nobody claims it
}

// Handle is the right to use a model.
type Handle[M io.Closer] struct {
	// Model is shared with other handles. It may be used until Release.
	Model   M
	release func()
}

// Release gives the model back; the last one to do so has it closed. It returns
// at once and may be called more than once.
func (h *Handle[M]) Release() { h.release() }

// New makes an empty cache. Models are loaded as tasks of g and closed one at a
// time by closing.
func New[M io.Closer](g *tasks.Group, closing *tasks.Queue, log zerolog.Logger) *Cache[M] {
	return &Cache[M]{tasks: g, closing: closing, log: log, unclaimed: unclaimedFor, entries: map[string]*entry[M]{}}
}

// Acquire returns the model, loading it unless it is loaded or loading already.
// When ctx ends first the error wraps its cause, and the load goes on for others
// who ask. A load that fails is not remembered.
func (c *Cache[M]) Acquire(ctx context.Context, s Spec[M]) (*Handle[M], error) {
	e, err := c.claim(s)
	if err != nil {
		return nil, err
	}
	select {
	case <-e.loaded:
	case <-ctx.Done():
		c.unclaim(e, c.unclaimed)
		return nil, fmt.Errorf("model %s is still loading: %w", s.Name, context.Cause(ctx))
	}
	if e.err != nil {
		return nil, e.err
	}
	return &Handle[M]{Model: e.model, release: sync.OnceFunc(func() { c.unclaim(e, 0) })}, nil
}

// Len is the number of models that are loading or loaded.
func (c *Cache[M]) Len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.entries)
}

// Claims is the number of handles of a model, and of callers that wait for it.
func (c *Cache[M]) Claims(key string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.entries[key]; e != nil {
		return e.claims
	}
	return 0
}

// Close cancels what is loading and closes what nobody uses. What is still in
// use is closed when it is released. It does not wait: the group's Wait does.
func (c *Cache[M]) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	for _, e := range c.entries {
		e.cancel()
		if e.claims == 0 {
			c.remove(e)
		}
	}
}
