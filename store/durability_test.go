package store

import (
	"context"
	"sync"
	"testing"
	"time"

	"faird/config"
	"faird/verdict"
)

// TestEveryCommitReachesTheDisk holds the settings that make a commit survive
// a loss of power.
func TestEveryCommitReachesTheDisk(t *testing.T) {
	s := open(t, config.Store{Path: t.TempDir()})
	commit(t, s, newVerdict("cap", 1, verdict.Pass))
	err := s.submit(context.Background(), &job{do: func(w *writer) error {
		var mode string
		if err := w.db.conn.QueryRowContext(context.Background(), "PRAGMA journal_mode").Scan(&mode); err != nil {
			return err
		}
		var synchronous int
		if err := w.db.conn.QueryRowContext(context.Background(), "PRAGMA synchronous").Scan(&synchronous); err != nil {
			return err
		}
		if mode != "wal" || synchronous != 2 { // 2 is FULL
			t.Errorf("journal_mode %s, synchronous %d, want wal and 2 (FULL)", mode, synchronous)
		}
		return nil
	}})
	if err != nil {
		t.Error(err)
	}
}

// TestWaitingCommitsAreOneTransaction holds that those who wait share the cost
// of reaching the disk.
func TestWaitingCommitsAreOneTransaction(t *testing.T) {
	s := open(t, config.Store{Path: t.TempDir()})
	version := func() (n int) {
		s.db.read.SetMaxOpenConns(1) // the figure is a connection's own
		if err := s.db.read.QueryRow("PRAGMA data_version").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	version()
	release := hang(t, s)
	before := version()
	const commits = 100
	var wg sync.WaitGroup
	for i := range uint64(commits) {
		wg.Go(func() {
			if _, err := s.Commit(context.Background(), newVerdict("cap", i+1, verdict.Pass)); err != nil {
				t.Error(err)
			}
		})
	}
	for end := time.Now().Add(4 * time.Second); len(s.queue) < commits && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	release()
	wg.Wait()
	if n := version() - before; n < 1 || n > 3 { // the shrinking that may follow writes too
		t.Errorf("%d transactions for %d commits that waited together", n, commits)
	}
	if n := len(backlog(t, s)); n != commits {
		t.Errorf("%d in the outbox, want %d", n, commits)
	}
}
