package pipeline

import (
	"context"
	"sync"
)

// lane keeps models in shadow out of the stations' way: one of them works at a
// time, only while no station of the box judges, and it stops where one begins.
// A nil lane lets everything through.
type lane struct {
	turn chan struct{} // holds one: the shadow that works

	mu   sync.Mutex
	busy int                // stations that judge now
	free chan struct{}      // closed when none does any more; nil while nobody waits
	stop context.CancelFunc // of the shadow that works and is to give way

	changed chan struct{} // closed when the first station begins or the last ends; nil while nobody looks
}

func newLane() *lane { return &lane{turn: make(chan struct{}, 1)} }

// begin and end bracket a station's judging. Neither waits.
func (l *lane) begin() {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.busy++; l.busy == 1 {
		l.turned()
	}
	if l.stop != nil {
		l.stop()
	}
}

func (l *lane) end() {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.busy--; l.busy > 0 {
		return
	}
	l.turned()
	if l.free != nil {
		close(l.free)
		l.free = nil
	}
}

// work does something once no station judges; its context ends when one begins.
// What insists neither waits nor gives way.
func (l *lane) work(ctx context.Context, insists bool, do func(context.Context) error) error {
	select {
	case l.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-l.turn }()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if !insists {
		if err := l.enter(ctx, cancel); err != nil {
			return err
		}
		defer l.leave()
	}
	return do(ctx)
}

// enter waits until no station judges.
func (l *lane) enter(ctx context.Context, stop context.CancelFunc) error {
	for {
		l.mu.Lock()
		if l.busy == 0 {
			l.stop = stop
			l.mu.Unlock()
			return nil
		}
		if l.free == nil {
			l.free = make(chan struct{})
		}
		free := l.free
		l.mu.Unlock()
		select {
		case <-free:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (l *lane) leave() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stop = nil
}
