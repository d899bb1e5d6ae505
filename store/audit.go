package store

import (
	"context"
	"database/sql"
	"time"
)

// auditRows bounds the log of who did what: years of a busy box.
const auditRows = 200_000

// AuditEntry is one thing that somebody did.
type AuditEntry struct {
	Key     int64
	At      time.Time
	Who     string
	Client  string // address
	Action  string
	Station string // "" for the box
	Detail  string
}

// Audit writes down what somebody did; it returns once on disk.
func (s *Store) Audit(ctx context.Context, e AuditEntry) error {
	return s.submit(ctx, &job{do: func(w *writer) error {
		err := w.exec(`INSERT INTO audit (at, who, client, action, station, detail) VALUES (?,?,?,?,?,?)`,
			e.At.UnixMicro(), e.Who, e.Client, e.Action, e.Station, e.Detail)
		if err != nil {
			return err
		}
		return w.exec(`DELETE FROM audit WHERE key <= (SELECT max(key) FROM audit) - ?`, auditRows)
	}})
}

// AuditLog returns up to limit entries with keys below before (0: the newest), newest first.
func (s *Store) AuditLog(ctx context.Context, before int64, limit int) ([]AuditEntry, error) {
	var out []AuditEntry
	err := s.query(ctx, func(rows *sql.Rows) error {
		var e AuditEntry
		var at int64
		err := rows.Scan(&e.Key, &at, &e.Who, &e.Client, &e.Action, &e.Station, &e.Detail)
		e.At = time.UnixMicro(at)
		out = append(out, e)
		return err
	}, `SELECT key, at, who, client, action, station, detail FROM audit
		WHERE ?1 = 0 OR key < ?1 ORDER BY key DESC LIMIT ?2`, before, limit)
	return out, err
}
