package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"faird/verdict"
)

// answerFor is how long the same trigger id gets the same verdict.
const answerFor = 10 * time.Minute

// LastSequence returns the highest sequence number of a station, 0 where it has none.
func (s *Store) LastSequence(ctx context.Context, station string) (uint64, error) {
	var n int64
	err := s.one(ctx, `SELECT sequence FROM station WHERE name = ?`, []any{station}, &n)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return uint64(n), err
}

// answered finds the first verdict on a trigger id. A trigger that was invalid
// has taken no id.
const answered = `SELECT payload FROM history WHERE trigger = ? AND station = ? AND decided >= ?
	AND CASE WHEN kind = 'no_read' AND json_valid(CAST(payload AS TEXT)) THEN CAST(payload AS TEXT) ->> '$.reason' END IS NOT 'invalid_trigger'
	ORDER BY key LIMIT 1`

// Answered returns the verdict that a trigger id of a station got within the
// last ten minutes, nil where there is none. Which part it was for is in it.
func (s *Store) Answered(ctx context.Context, station, triggerID string) (*verdict.Verdict, error) {
	var payload []byte
	err := s.one(ctx, answered,
		[]any{triggerID, station, time.Now().Add(-answerFor).UnixMicro()}, &payload)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	v := new(verdict.Verdict)
	if err := json.Unmarshal(payload, v); err != nil {
		return nil, fmt.Errorf("store: verdict on trigger %q: %w", triggerID, err)
	}
	return v, nil
}

// Last returns the payload of a station's newest verdict, nil where there is none.
func (s *Store) Last(ctx context.Context, station string) ([]byte, error) {
	var payload []byte
	err := s.one(ctx, `SELECT payload FROM history WHERE station = ? ORDER BY key DESC LIMIT 1`, []any{station}, &payload)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return payload, err
}

// History returns up to limit verdicts with keys below before (0: the newest),
// newest first, of one station or, where it is "", of all.
func (s *Store) History(ctx context.Context, station string, before int64, limit int) ([]Pending, error) {
	var out []Pending
	err := s.query(ctx, func(rows *sql.Rows) error {
		var p Pending
		err := rows.Scan(&p.Key, &p.Station, &p.Payload)
		out = append(out, p)
		return err
	}, historyQuery(station), station, before, limit)
	return out, err
}

// historyQuery keeps the condition on the station out of the query where there
// is none, so that each form has its index.
func historyQuery(station string) string {
	of := "station = ?1"
	if station == "" {
		of = "?1 = ''"
	}
	return `SELECT key, station, payload FROM history WHERE ` + of + ` AND (?2 = 0 OR key < ?2) ORDER BY key DESC LIMIT ?3`
}

func (s *Store) reader() (*sql.DB, error) {
	select {
	case <-s.ended:
		return nil, ErrClosed
	default:
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.db.read, nil
}

func (s *Store) query(ctx context.Context, each func(*sql.Rows) error, query string, args ...any) error {
	ctx, cancel := bounded(ctx)
	defer cancel()
	db, err := s.reader()
	if err != nil {
		return err
	}
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return s.readError(err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := each(rows); err != nil {
			return fmt.Errorf("store: %w", err)
		}
	}
	if err := rows.Err(); err != nil {
		return s.readError(err)
	}
	return nil
}

func (s *Store) one(ctx context.Context, query string, args []any, to ...any) error {
	ctx, cancel := bounded(ctx)
	defer cancel()
	db, err := s.reader()
	if err != nil {
		return err
	}
	if err := db.QueryRowContext(ctx, query, args...).Scan(to...); err != nil {
		return s.readError(err)
	}
	return nil
}

// readError has the writer look at the file where a reader found damage.
func (s *Store) readError(err error) error {
	if damaged(err) {
		s.suspect.Store(true)
	}
	return fmt.Errorf("store: %w", err)
}
