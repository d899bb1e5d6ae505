package store

import (
	"context"
	"fmt"
	"sync/atomic"
)

// job is one caller's part of a transaction.
type job struct {
	do    func(w *writer) error // within the transaction; every error fails the whole group
	after func(w *writer)       // once committed
	state atomic.Int32
	done  chan error // capacity 1
}

const (
	waiting int32 = iota
	taken         // by the writer: from here on the outcome is the disk's
	left          // by the caller, before the writer came to it
)

// submit queues the job and waits for its transaction or the deadline. Where
// the deadline comes first the job is either not done, or ErrUnsure is wrapped.
func (s *Store) submit(ctx context.Context, j *job) error {
	ctx, cancel := bounded(ctx)
	defer cancel()
	j.done = make(chan error, 1)
	select {
	case <-s.stop:
		return ErrClosed
	default:
	}
	select {
	case s.queue <- j:
	case <-s.stop:
		return ErrClosed
	case <-ctx.Done():
		return fmt.Errorf("store: the disk is too slow, %d are waiting: %w", len(s.queue), ctx.Err())
	}
	return s.await(ctx, j)
}

func (s *Store) await(ctx context.Context, j *job) error {
	select {
	case err := <-j.done:
		return err
	case <-s.ended:
		select {
		case err := <-j.done:
			return err
		default:
			return ErrClosed
		}
	case <-ctx.Done():
	}
	if j.state.CompareAndSwap(waiting, left) {
		return fmt.Errorf("store: the disk is too slow: %w", ctx.Err())
	}
	select {
	case err := <-j.done:
		return err
	default:
		return fmt.Errorf("store: %w: %w", ErrUnsure, ctx.Err())
	}
}
