// Package tasks names the goroutines of a daemon and bounds how long anybody
// waits for them. A call into a driver, a runtime or a network share may never
// return: whoever started it can walk away, and whoever stops the daemon can say
// what is still running.
package tasks

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// ErrStopping is returned by [Await] once the group has been stopped.
var ErrStopping = errors.New("the daemon is stopping")

// Group is a set of running tasks. Its methods are safe for concurrent use; on a
// nil Group tasks run all the same, and nobody knows of them.
type Group struct {
	stopping chan struct{}
	stopOnce sync.Once

	mu      sync.Mutex // guards what follows
	running map[*Task]struct{}
	ended   chan struct{} // closed when the next task ends; nil while nobody waits
}

// Task is one that runs.
type Task struct {
	Name  string
	Since time.Time

	abandoned bool // by the caller of Await; guarded by the group's mutex
}

// NewGroup makes a group without tasks.
func NewGroup() *Group {
	return &Group{stopping: make(chan struct{}), running: map[*Task]struct{}{}}
}

// Begin notes a task that the caller runs itself, until it calls end.
func (g *Group) Begin(name string) (end func()) {
	if g == nil {
		return func() {}
	}
	t := g.begin(name)
	return sync.OnceFunc(func() { g.end(t) })
}

func (g *Group) begin(name string) *Task {
	t := &Task{Name: name, Since: time.Now()}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.running[t] = struct{}{}
	return t
}

func (g *Group) end(t *Task) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.running, t)
	if g.ended != nil {
		close(g.ended)
		g.ended = nil
	}
}

// Go runs f on a goroutine of its own.
func (g *Group) Go(name string, f func()) {
	end := g.Begin(name)
	go func() {
		defer end()
		f()
	}()
}

// Stop makes every [Await] of the group return, now and from now on. It does not
// wait for the tasks.
func (g *Group) Stop() { g.stopOnce.Do(func() { close(g.stopping) }) }

// Wait waits until no task runs, or until ctx ends, and returns those that still
// do.
func (g *Group) Wait(ctx context.Context) []Task {
	for {
		left, ended := g.look()
		if len(left) == 0 {
			return nil
		}
		select {
		case <-ended:
		case <-ctx.Done():
			return left
		}
	}
}

// Running returns the tasks that run, by name.
func (g *Group) Running() []Task {
	left, _ := g.look()
	return left
}

// look returns the tasks that run and a channel that is closed when one ends.
func (g *Group) look() ([]Task, <-chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	var all []Task
	for t := range g.running {
		all = append(all, *t)
	}
	slices.SortFunc(all, func(a, b Task) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), a.Since.Compare(b.Since))
	})
	if g.ended == nil {
		g.ended = make(chan struct{})
	}
	return all, g.ended
}
