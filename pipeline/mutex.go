package pipeline

import (
	"context"
	"fmt"
)

// mutex is a lock for which nobody waits longer than a context allows.
type mutex chan struct{}

func newMutex() mutex { return make(mutex, 1) }

func (m mutex) lock(ctx context.Context) error {
	select {
	case m <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("another change is being carried out: %w", context.Cause(ctx))
	}
}

func (m mutex) unlock() { <-m }
