package tasks

import (
	"context"
	"fmt"
	"time"
)

// maxAbandoned bounds the goroutines that callers have walked away from: each
// may hold a thread in a system call.
const maxAbandoned = 8

type result[T any] struct {
	value T
	err   error
}

// Await runs f as a task and returns its result, or an error that wraps ctx's
// cause as soon as ctx ends, or [ErrStopping] once the group is stopped. In both
// of these cases f's own context ends too, f is left running, and a value that
// it still returns goes to discard.
func Await[T any](ctx context.Context, g *Group, name string, f func(context.Context) (T, error), discard func(T)) (T, error) {
	var none T
	if err := g.room(); err != nil {
		return none, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	done := make(chan result[T])
	left := make(chan struct{}) // closed when the caller has gone
	t := g.begin(name)
	go func() {
		defer g.end(t)
		v, err := f(ctx)
		select {
		case done <- result[T]{v, err}:
		case <-left:
			if err == nil {
				discard(v)
			}
		}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
	case <-g.stopping:
		cancel(ErrStopping)
	}
	g.abandon(t)
	close(left)
	return none, fmt.Errorf("%s is not done yet: %w", name, context.Cause(ctx))
}

func (g *Group) abandon(t *Task) {
	g.mu.Lock()
	defer g.mu.Unlock()
	t.abandoned = true
}

// room refuses more work while too much of it has not come back.
func (g *Group) room() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	count, oldest := 0, Task{Since: time.Now()}
	for t := range g.running {
		if !t.abandoned {
			continue
		}
		if count++; t.Since.Before(oldest.Since) {
			oldest = *t
		}
	}
	if count < maxAbandoned {
		return nil
	}
	return fmt.Errorf("%d earlier calls have not returned, the oldest (%s) since %s: check the disk or network share it uses, or restart faird",
		count, oldest.Name, oldest.Since.Format(time.RFC3339))
}
