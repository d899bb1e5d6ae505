package store

import (
	"context"
	"database/sql"
	"time"

	"faird/verdict"
)

// Stats is the store as the state, the page and the metrics show it.
type Stats struct {
	OutboxRows  int64     // verdicts not yet acknowledged by the broker
	OutboxBytes int64     // their payloads
	Oldest      time.Time // when the oldest of them was decided; zero where none waits
	Dropped     Dropped
	Bytes       int64  // of the database that hold something
	MaxBytes    int64  // store.max_bytes
	Err         string // why the disk refuses; "" where it does not
	SetAside    string // name given to a damaged file since the start, or ""
}

// Dropped counts undelivered verdicts given up since the start.
type Dropped struct{ Pass, Other, Fail, Aged uint64 }

// Total is all of them.
func (d Dropped) Total() uint64 { return d.Pass + d.Other + d.Fail + d.Aged }

// Stats returns the figures as of the last transaction; it does not touch the disk.
func (s *Store) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stats
}

// Waiting returns those of the figures that the box's state carries.
func (s *Store) Waiting() verdict.Waiting {
	t := s.Stats()
	return verdict.Waiting{
		Rows: t.OutboxRows, Bytes: t.OutboxBytes, Oldest: verdict.Time{Time: t.Oldest},
		Dropped: t.Dropped.Total(), Error: t.Err,
	}
}

func (w *writer) count(change func(*Stats)) {
	w.mu.Lock()
	change(&w.stats)
	w.mu.Unlock()
}

func (w *writer) refreshOldest() {
	var oldest time.Time
	var us int64
	err := w.db.conn.QueryRowContext(context.Background(),
		`SELECT decided FROM history WHERE key = (SELECT min(key) FROM outbox)`).Scan(&us)
	if err != nil && err != sql.ErrNoRows {
		return
	}
	if err == nil {
		oldest = time.UnixMicro(us)
	}
	w.count(func(t *Stats) { t.Oldest = oldest })
}
