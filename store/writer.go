package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/mattn/go-sqlite3"
)

const (
	groupLimit = 512 // jobs of one transaction
	tick       = time.Second
)

// writer is the one goroutine that changes the database. Whatever is queued
// when it turns round becomes one transaction, so that the cost of reaching
// the disk is shared by all who wait.
type writer struct {
	*Store
	head     head
	numbers  map[string]int64 // highest sequence by station, of this transaction
	floor    int64            // no row below is outside of the outbox and the feed
	feeding  bool             // commits go into the feed too
	unfolded int              // transactions since the log was last to be folded
	folding  chan *database   // capacity 1
	reopen   time.Time
	refused  uint64 // transactions since the disk began to refuse
	dropping announcement
	feedSaid announcement
}

// head is the newest row of the hash chain.
type head struct {
	key  int64
	hash []byte
}

func (w *writer) run() {
	defer close(w.ended)
	defer w.lock.Close()
	defer func() { w.db.Close() }()
	w.folding = make(chan *database, 1)
	var owned sync.WaitGroup
	owned.Go(func() { w.fold(w.folding) })
	defer owned.Wait()
	defer close(w.folding)
	t := time.NewTicker(tick)
	defer t.Stop()
	for {
		select {
		case j := <-w.queue:
			w.turn(w.group(j))
		case <-t.C:
			w.maintain()
		case <-w.stop:
			for len(w.queue) > 0 {
				w.turn(w.group(<-w.queue))
			}
			return
		}
	}
}

// group takes what is queued, without waiting for more.
func (w *writer) group(first *job) []*job {
	jobs := make([]*job, 0, 1+min(len(w.queue), groupLimit))
	for j := first; ; {
		if j.state.CompareAndSwap(waiting, taken) {
			jobs = append(jobs, j)
		}
		if len(jobs) == groupLimit {
			return jobs
		}
		select {
		case j = <-w.queue:
		default:
			return jobs
		}
	}
}

func (w *writer) turn(jobs []*job) {
	if len(jobs) == 0 {
		return
	}
	err := w.transaction(func() error {
		for _, j := range jobs {
			if err := j.do(w); err != nil {
				return err
			}
		}
		return w.seal()
	})
	if err == nil {
		w.newest.Store(w.head.key)
		for _, j := range jobs {
			if j.after != nil {
				j.after(w)
			}
		}
	}
	for _, j := range jobs {
		j.done <- err
	}
	if err == nil {
		w.shrink()
		w.unfolded++
		w.due(foldEvery)
	}
}

// transaction does all of it or nothing, and keeps account of a refusing disk.
func (w *writer) transaction(do func() error) error {
	if err := w.mend(); err != nil {
		return w.note(err)
	}
	before := w.head
	clear(w.numbers)
	err := w.exec("BEGIN IMMEDIATE")
	if err == nil {
		if err = do(); err == nil {
			err = w.exec("COMMIT")
		}
		if err != nil {
			w.exec("ROLLBACK") //nolint:errcheck // SQLite may have rolled back by itself
		}
	}
	if err != nil {
		w.head = before
	}
	return w.note(err)
}

// seal notes, once for all verdicts of a transaction, where the chain and the
// stations' numbers have come to.
func (w *writer) seal() error {
	if len(w.numbers) == 0 {
		return nil
	}
	for station, sequence := range w.numbers {
		if err := w.exec(upsertStation, station, sequence); err != nil {
			return err
		}
	}
	return w.exec(updateChain, w.head.key, w.head.hash)
}

// exec runs on the writer's connection. It takes no context: the disk cannot
// be interrupted, and those who wait have deadlines of their own.
func (w *writer) exec(query string, args ...any) error {
	_, err := w.db.exec(context.Background(), query, args...)
	return err
}

// note remembers the first refusal and the recovery, and says both once.
func (w *writer) note(err error) error {
	w.mu.Lock()
	was := w.stats.Err
	w.stats.Err = ""
	if err != nil {
		w.stats.Err = err.Error()
	}
	w.mu.Unlock()
	switch {
	case err == nil && was != "":
		w.log.Info().Uint64("refused", w.refused).Msg("the disk takes verdicts again")
		w.refused = 0
	case err != nil:
		if w.refused++; was == "" {
			w.log.Error().Err(err).Str("file", w.path).Msg("the disk refuses verdicts: make room or mend it")
		}
		w.reopenAfter(err)
		return fmt.Errorf("store: %s: %w", w.path, err)
	}
	return nil
}

// reopenAfter has the file opened anew after errors that a connection may not survive.
func (w *writer) reopenAfter(err error) {
	var e sqlite3.Error
	full := errors.As(err, &e) && (e.Code == sqlite3.ErrFull || e.Code == sqlite3.ErrBusy)
	if !full && w.reopen.IsZero() {
		w.reopen = time.Now().Add(tick)
	}
	if damaged(err) {
		w.reopen = time.Now()
	}
}
