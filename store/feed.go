package store

import (
	"context"
	"database/sql"
	"time"

	"faird/verdict"
)

const (
	insertFeed = `INSERT INTO feed (key, rank, bytes, decided) VALUES (?,?,?,?)`
	deleteFeed = `DELETE FROM feed WHERE key = ? RETURNING bytes`
)

// Feed is an outbox beside the outbox, for a second delivery with
// acknowledgements of its own: a verdict waits in it until Delivered is called
// on it, whatever became of it in the other. Both share the store's bounds:
// what is too old is given up, and when the store is full the one in which
// more verdicts wait gives up its oldest pass first, fail last.
type Feed struct{ *Store }

// feedFigures are those of the feed, guarded by Store.mu.
type feedFigures struct {
	rows, bytes int64
	dropped     uint64
	oldest      time.Time
}

// Feed has every verdict committed from now on wait in the feed too, for as
// long as the store is open. What an earlier run left in it is still there.
func (s *Store) Feed(ctx context.Context) (Feed, error) {
	return Feed{s}, s.submit(ctx, &job{do: func(w *writer) error {
		w.feeding = true
		return nil
	}})
}

// Backlog returns up to limit verdicts of the feed with keys above after, in order.
func (f Feed) Backlog(ctx context.Context, after int64, limit int) ([]Pending, error) {
	var out []Pending
	err := f.query(ctx, func(rows *sql.Rows) error {
		var p Pending
		err := rows.Scan(&p.Key, &p.Station, &p.Payload)
		out = append(out, p)
		return err
	}, `SELECT f.key, h.station, h.payload FROM feed f JOIN history h ON h.key = f.key
		WHERE f.key > ? ORDER BY f.key LIMIT ?`, after, limit)
	return out, err
}

// Delivered takes verdicts out of the feed; keys that are not in it are no error.
func (f Feed) Delivered(ctx context.Context, keys []int64) error {
	var rows, bytes int64
	return f.submit(ctx, &job{
		do: func(w *writer) (err error) {
			rows, bytes, err = w.takeOut(deleteFeed, keys)
			return err
		},
		after: func(w *writer) {
			w.feedCount(func(g *feedFigures) { g.rows -= rows; g.bytes -= bytes })
		},
	})
}

// Waiting returns the feed's figures; it does not touch the disk.
func (f Feed) Waiting() verdict.Waiting {
	f.mu.Lock()
	defer f.mu.Unlock()
	g := f.feed
	return verdict.Waiting{
		Rows: g.rows, Bytes: g.bytes, Oldest: verdict.Time{Time: g.oldest}, Dropped: g.dropped, Error: f.stats.Err,
	}
}

func (w *writer) feedCount(change func(*feedFigures)) {
	w.mu.Lock()
	change(&w.feed)
	w.mu.Unlock()
}

// readFeed counts what waits in the feed of a database that was just opened.
func (w *writer) readFeed(ctx context.Context, db *database) error {
	var g feedFigures
	if err := db.conn.QueryRowContext(ctx, `SELECT count(*), coalesce(sum(bytes), 0) FROM feed`).Scan(&g.rows, &g.bytes); err != nil {
		return err
	}
	w.feedCount(func(f *feedFigures) { g.dropped = f.dropped; *f = g })
	return nil
}

// maintainFeed is the feed's part of the once-a-second work.
func (w *writer) maintainFeed() {
	w.transaction(w.dropAgedFeed) //nolint:errcheck // noted there; the next turn tries again
	var us sql.NullInt64
	err := w.db.conn.QueryRowContext(context.Background(),
		`SELECT (SELECT decided FROM history WHERE key = (SELECT min(key) FROM feed))`).Scan(&us)
	if err != nil {
		return
	}
	var oldest time.Time
	if us.Valid {
		oldest = time.UnixMicro(us.Int64)
	}
	var dropped uint64
	w.feedCount(func(g *feedFigures) { g.oldest, dropped = oldest, g.dropped })
	w.announceFeed(dropped)
}

// announceFeed says what the feed gave up since it last said so.
func (w *writer) announceFeed(dropped uint64) {
	if dropped == w.feedSaid.said || time.Since(w.feedSaid.at) < announceAt {
		return
	}
	w.log.Warn().Uint64("verdicts", dropped).
		Msg("VERDICTS NOT DELIVERED OVER SPARKPLUG WERE GIVEN UP, counted since the start: bring its broker and primary host back, or raise store.max_bytes and store.max_age")
	w.feedSaid = announcement{at: time.Now(), said: dropped}
}

// giveUp makes room when everything that is left waits for a delivery.
func (w *writer) giveUp() error {
	w.mu.Lock()
	feed, outbox := w.feed.rows, w.stats.OutboxRows
	w.mu.Unlock()
	if feed > outbox {
		return w.dropFeed(`DELETE FROM feed WHERE key IN (SELECT key FROM feed ORDER BY rank, key LIMIT ?) RETURNING key, bytes`, dropRows)
	}
	return w.dropLeast()
}

func (w *writer) dropAgedFeed() error {
	return w.dropFeed(`DELETE FROM feed WHERE key IN (SELECT key FROM feed WHERE decided < ?2 LIMIT ?1) RETURNING key, bytes`,
		pruneRows, w.tooOld(time.Now()).UnixMicro())
}

func (w *writer) dropFeed(query string, args ...any) error {
	s, err := w.db.stmt(context.Background(), query)
	if err != nil {
		return err
	}
	rows, err := s.Query(args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	var lost feedFigures
	for rows.Next() {
		var key, bytes int64
		if err := rows.Scan(&key, &bytes); err != nil {
			return err
		}
		w.floor = min(w.floor, key)
		lost.rows, lost.bytes = lost.rows+1, lost.bytes+bytes
	}
	if lost.rows > 0 {
		w.feedCount(func(g *feedFigures) {
			g.rows, g.bytes, g.dropped = g.rows-lost.rows, g.bytes-lost.bytes, g.dropped+uint64(lost.rows)
		})
	}
	return rows.Err()
}
