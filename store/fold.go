package store

import (
	"context"
	"time"
)

const (
	// foldEvery is how many transactions go into the write-ahead log before it is
	// folded into the database beside the writer, so that no commit waits for it.
	foldEvery = 64
	// foldInline is how many pages the log may have before the writer itself folds
	// what is left: only then can the log begin anew.
	foldInline = 4096
	foldLeast  = 250
	pageSize   = 4096
)

// inlinePages keeps the log within the eighth of the space that is its own.
func (s *Store) inlinePages() int64 {
	return min(max(s.stats.MaxBytes/8/pageSize, foldLeast), foldInline)
}

// fold runs on a goroutine of the writer's, for as long as there is something to fold.
func (w *writer) fold(due <-chan *database) {
	for db := range due {
		ctx, cancel := context.WithTimeout(context.Background(), openTimeout)
		began := time.Now()
		_, err := db.read.ExecContext(ctx, "PRAGMA wal_checkpoint(PASSIVE)")
		cancel()
		if err != nil { // the writer meets it too, and deals with it
			w.log.Debug().Err(err).Dur("after", time.Since(began)).Msg("the log is not folded now")
		}
	}
}

// due asks for a folding, where none is under way, after so many transactions.
func (w *writer) due(least int) {
	if w.unfolded < max(least, 1) {
		return
	}
	select {
	case w.folding <- w.db:
		w.unfolded = 0
	default:
	}
}
