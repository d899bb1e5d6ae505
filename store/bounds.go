package store

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

const (
	pruneRows  = 1024 // history rows that one turn removes: more than a turn adds, so that it converges
	dropRows   = 256  // outbox rows that one turn gives up
	announceAt = 10 * time.Second
)

// announcement says at most every announceAt what the store gives up.
type announcement struct {
	at   time.Time
	said uint64
}

// maintain is the once-a-second work of an otherwise idle writer.
func (w *writer) maintain() {
	w.refreshOldest()
	w.due(1)
	if err := w.transaction(w.dropAged); err != nil {
		return
	}
	w.maintainFeed()
	w.shrink()
	w.announce()
}

// shrink keeps the database within its bound: the oldest history goes first,
// and when everything that is left waits for the broker, the outbox.
func (w *writer) shrink() {
	used, file, err := w.size()
	if err != nil {
		return
	}
	w.count(func(t *Stats) { t.Bytes = used })
	if used <= w.bytes {
		if file > w.bytes {
			w.vacuum()
		}
		return
	}
	w.transaction(func() error { //nolint:errcheck // noted there; the next turn tries again
		n, err := w.prune(pruneRows)
		if err == nil && n == 0 {
			err = w.giveUp()
		}
		return err
	})
}

// size returns the bytes in use and those of the file.
func (w *writer) size() (used, file int64, err error) {
	var pages, free, size int64
	err = w.db.conn.QueryRowContext(context.Background(),
		`SELECT page_count, freelist_count, page_size FROM pragma_page_count, pragma_freelist_count, pragma_page_size`).Scan(&pages, &free, &size)
	return (pages - free) * size, pages * size, err
}

// vacuum gives free pages back to the disk, a few at a time.
func (w *writer) vacuum() {
	rows, err := w.db.conn.QueryContext(context.Background(), `PRAGMA incremental_vacuum(512)`)
	if err != nil {
		return
	}
	defer rows.Close()
	for rows.Next() { // each row is a page given back
	}
	if err := rows.Err(); err != nil {
		w.log.Debug().Err(err).Msg("free pages are not given back now")
	}
}

// prune removes the oldest history rows that are not in the outbox and returns how many.
func (w *writer) prune(limit int) (int, error) {
	rows, err := w.prunable(limit)
	if err != nil || len(rows) == 0 {
		return 0, err
	}
	w.floor = rows[0].key
	n := len(rows)
	for len(rows) > 0 {
		run := 1
		for run < len(rows) && rows[run].key == rows[run-1].key+1 {
			run++
		}
		if err := w.remove(rows[0].key, rows[run-1]); err != nil {
			return 0, err
		}
		rows = rows[run:]
	}
	return n, nil
}

func (w *writer) prunable(limit int) ([]head, error) {
	s, err := w.db.stmt(context.Background(), `SELECT h.key, h.hash FROM history h WHERE h.key >= ?
		AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.key = h.key)
		AND NOT EXISTS (SELECT 1 FROM feed f WHERE f.key = h.key) ORDER BY h.key LIMIT ?`)
	if err != nil {
		return nil, err
	}
	rows, err := s.Query(w.floor, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []head
	for rows.Next() {
		var h head
		if err := rows.Scan(&h.key, &h.hash); err != nil {
			return nil, err
		}
		out = append(out, h)
	}
	return out, rows.Err()
}

// remove deletes a run of rows and leaves a gap across which the chain can be
// followed; gaps that touch become one, so that there are never more than rows.
func (w *writer) remove(first int64, last head) error {
	if err := w.exec(`DELETE FROM history WHERE key BETWEEN ? AND ?`, first, last.key); err != nil {
		return err
	}
	if err := w.exec(`DELETE FROM shadow WHERE key BETWEEN ? AND ?`, first, last.key); err != nil {
		return err
	}
	start, end := first, last
	err := w.row(`SELECT first FROM gap WHERE last = ?`, []any{first - 1}, &start)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	err = w.row(`SELECT last, hash FROM gap WHERE first = ?`, []any{last.key + 1}, &end.key, &end.hash)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if err := w.exec(`DELETE FROM gap WHERE first = ?`, last.key+1); err != nil {
		return err
	}
	return w.exec(`INSERT OR REPLACE INTO gap (first, last, hash) VALUES (?,?,?)`, start, end.key, end.hash)
}

func (w *writer) row(query string, args []any, to ...any) error {
	s, err := w.db.stmt(context.Background(), query)
	if err != nil {
		return err
	}
	return s.QueryRow(args...).Scan(to...)
}

// dropLeast gives up undelivered verdicts: the oldest pass first, fail last.
func (w *writer) dropLeast() error {
	return w.drop(`DELETE FROM outbox WHERE key IN (SELECT key FROM outbox ORDER BY rank, key LIMIT ?)
		RETURNING key, rank, bytes`, dropRows, func(d *Dropped, rank int) {
		switch rank {
		case 0:
			d.Pass++
		case 1:
			d.Other++
		default:
			d.Fail++
		}
	})
}

// dropAged gives up what waited longer than store.max_age.
func (w *writer) dropAged() error {
	before := w.tooOld(time.Now()).UnixMicro()
	return w.drop(`DELETE FROM outbox WHERE key IN (SELECT key FROM outbox WHERE decided < ?2 LIMIT ?1)
		RETURNING key, rank, bytes`, pruneRows, func(d *Dropped, _ int) { d.Aged++ }, before)
}

// tooOld is the time before which a verdict is too old at now. A clock that was
// set forward since the start makes nothing older.
func (s *Store) tooOld(now time.Time) time.Time {
	forward := now.Round(0).Sub(s.began.Round(0)) - now.Sub(s.began)
	return now.Add(-s.age - max(forward, 0))
}

func (w *writer) drop(query string, limit int, tally func(*Dropped, int), args ...any) error {
	s, err := w.db.stmt(context.Background(), query)
	if err != nil {
		return err
	}
	rows, err := s.Query(append([]any{limit}, args...)...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var key, bytes int64
		var rank int
		if err := rows.Scan(&key, &rank, &bytes); err != nil {
			return err
		}
		w.floor = min(w.floor, key)
		w.count(func(t *Stats) {
			tally(&t.Dropped, rank)
			t.OutboxRows--
			t.OutboxBytes -= bytes
		})
	}
	return rows.Err()
}

// announce says what was given up since it last said so.
func (w *writer) announce() {
	d := w.Stats().Dropped
	if d.Total() == w.dropping.said || time.Since(w.dropping.at) < announceAt {
		return
	}
	w.log.Warn().Uint64("pass", d.Pass).Uint64("other", d.Other).Uint64("fail", d.Fail).Uint64("aged", d.Aged).
		Msg("UNDELIVERED VERDICTS WERE GIVEN UP, counted since the start: bring the broker back or raise store.max_bytes and store.max_age")
	w.dropping = announcement{at: time.Now(), said: d.Total()}
}
