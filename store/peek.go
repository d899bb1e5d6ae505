package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"faird/config"
)

// Peeked is what Peek sees.
type Peeked struct {
	Rows    int64     `json:"rows"`   // of the history
	Waiting int64     `json:"outbox"` // not yet acknowledged by the broker
	Newest  time.Time `json:"newest"` // decided; zero where there is none
	Schema  int       `json:"schema"`
	Bytes   int64     `json:"bytes"` // of the file

	Verdicts []json.RawMessage `json:"-"` // the newest, newest first, as published
}

// Peek reads figures and the newest verdicts from the database in the folder of
// c, for reading alone; a daemon may be at work on it. A missing database is an
// fs.ErrNotExist.
func Peek(ctx context.Context, c config.Store, verdicts int) (Peeked, error) {
	var p Peeked
	path := filepath.Join(c.Path, fileName)
	info, err := os.Stat(path)
	if err != nil {
		return p, fmt.Errorf("store: no history: %w", err)
	}
	p.Bytes = info.Size()
	db, err := sql.Open("sqlite3", dsn(path, "mode=ro"))
	if err != nil {
		return p, err
	}
	defer db.Close()
	ctx, cancel := bounded(ctx)
	defer cancel()
	if err := p.read(ctx, db, verdicts); err != nil {
		return p, fmt.Errorf("store: %s: %w", path, err)
	}
	return p, nil
}

func (p *Peeked) read(ctx context.Context, db *sql.DB, verdicts int) error {
	var newest sql.NullInt64
	for _, q := range []struct {
		text string
		into any
	}{
		{"PRAGMA user_version", &p.Schema},
		{"SELECT count(*) FROM history", &p.Rows},
		{"SELECT count(*) FROM outbox", &p.Waiting},
		{"SELECT decided FROM history ORDER BY key DESC LIMIT 1", &newest},
	} {
		if err := db.QueryRowContext(ctx, q.text).Scan(q.into); err != nil && err != sql.ErrNoRows {
			return err
		}
	}
	if newest.Valid {
		p.Newest = time.UnixMicro(newest.Int64)
	}
	rows, err := db.QueryContext(ctx, "SELECT payload FROM history ORDER BY key DESC LIMIT ?", verdicts)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var payload []byte
		if err := rows.Scan(&payload); err != nil {
			return err
		}
		p.Verdicts = append(p.Verdicts, payload)
	}
	return rows.Err()
}
