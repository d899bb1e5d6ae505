package store

import (
	"context"
	"fmt"
	"time"
)

// begin opens the database for the first time.
func (w *writer) begin() error {
	db, err := openDatabase(context.Background(), w.path)
	if damaged(err) {
		db, err = w.replace(err)
	}
	if err != nil {
		return err
	}
	return w.use(db)
}

// mend reopens the database where the last error asked for it, at most
// once a second.
func (w *writer) mend() error {
	if w.suspect.Swap(false) {
		w.reopen = time.Now()
	}
	if w.reopen.IsZero() || time.Now().Before(w.reopen) {
		return nil
	}
	w.reopen = time.Now().Add(tick)
	db, err := openDatabase(context.Background(), w.path)
	if damaged(err) {
		db, err = w.replace(err)
	}
	if err != nil {
		return err
	}
	old := w.db
	if err := w.use(db); err != nil {
		db.Close()
		return err
	}
	old.Close()
	w.reopen = time.Time{}
	return nil
}

// replace sets the damaged file aside and begins a new one, whose keys go on
// after those handed out before.
func (w *writer) replace(why error) (*database, error) {
	name, err := setAside(w.path, time.Now())
	if err != nil {
		return nil, err
	}
	w.log.Error().Err(why).Str("kept_as", name).
		Msg("THE DATABASE OF VERDICTS IS DAMAGED: it was set aside and a new one begun; history and undelivered verdicts up to now are in the file kept")
	db, err := openDatabase(context.Background(), w.path)
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	w.stats.SetAside = name
	w.mu.Unlock()
	if last := w.newest.Load(); last > 0 {
		err = db.startAfter(context.Background(), last)
	}
	if err != nil {
		db.Close()
		return nil, err
	}
	return db, nil
}

// startAfter makes key the last one of an empty database.
func (d *database) startAfter(ctx context.Context, key int64) error {
	if _, err := d.conn.ExecContext(ctx, `INSERT INTO gap VALUES (1, ?, x'')`, key); err != nil {
		return err
	}
	_, err := d.conn.ExecContext(ctx, `UPDATE chain SET key = ?`, key)
	return err
}

// use reads the figures that the writer keeps in memory and makes db the one in use.
func (w *writer) use(db *database) error {
	ctx, cancel := context.WithTimeout(context.Background(), openTimeout)
	defer cancel()
	if _, err := db.conn.ExecContext(ctx, fmt.Sprintf("PRAGMA wal_autocheckpoint = %d", w.inlinePages())); err != nil {
		return err
	}
	var h head
	if err := db.conn.QueryRowContext(ctx, `SELECT key, hash FROM chain`).Scan(&h.key, &h.hash); err != nil {
		return err
	}
	var rows, bytes int64
	err := db.conn.QueryRowContext(ctx, `SELECT count(*), coalesce(sum(bytes), 0) FROM outbox`).Scan(&rows, &bytes)
	if err != nil {
		return err
	}
	if err := w.readFeed(ctx, db); err != nil {
		return err
	}
	w.head, w.floor = h, 0
	w.newest.Store(h.key)
	w.mu.Lock()
	w.db, w.stats.OutboxRows, w.stats.OutboxBytes = db, rows, bytes
	w.mu.Unlock()
	w.refreshOldest()
	return nil
}
