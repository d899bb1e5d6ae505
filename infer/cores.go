package infer

import (
	"context"
	"fmt"
	"runtime"

	"golang.org/x/sync/semaphore"
)

// Cores are the processor cores of this process, handed out to whoever computes
// on pictures, so that together they never use more threads than there are. Who
// asked first is served first: a network that needs several is not overtaken by
// small work, and no station by another.
type Cores struct {
	n    int
	free *semaphore.Weighted
}

// NewCores makes n cores to hand out.
func NewCores(n int) *Cores { return &Cores{n, semaphore.NewWeighted(int64(n))} }

// process are the cores that this process was given (cgroup limits count).
var process = NewCores(runtime.GOMAXPROCS(0))

// ProcessCores are those that every runner takes its threads from.
func ProcessCores() *Cores { return process }

// Number is how many there are.
func (c *Cores) Number() int { return c.n }

// Take waits for n cores, all at once, in the order of asking; the caller gives
// them back. It returns the context's error where ctx ends first.
func (c *Cores) Take(ctx context.Context, n int) error {
	if err := c.free.Acquire(ctx, int64(n)); err != nil {
		return fmt.Errorf("no processor core became free: %w", context.Cause(ctx))
	}
	return nil
}

// Give gives n cores back.
func (c *Cores) Give(n int) { c.free.Release(int64(n)) }
