package store

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// Override is a threshold that an operator set in place of the config's or the model's.
type Override struct {
	Threshold float64
	Review    *float64 // nil: none
	Who       string
	At        time.Time
}

// Override returns a station's override, nil where there is none.
func (s *Store) Override(ctx context.Context, station string) (*Override, error) {
	var o Override
	var at int64
	err := s.one(ctx, `SELECT threshold, review, who, at FROM override WHERE station = ?`, []any{station},
		&o.Threshold, &o.Review, &o.Who, &at)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	o.At = time.UnixMicro(at)
	return &o, nil
}

// SetOverride stores a station's override; it returns once on disk.
func (s *Store) SetOverride(ctx context.Context, station string, o Override) error {
	return s.submit(ctx, &job{do: func(w *writer) error {
		return w.exec(`INSERT OR REPLACE INTO override (station, threshold, review, who, at) VALUES (?,?,?,?,?)`,
			station, o.Threshold, o.Review, o.Who, o.At.UnixMicro())
	}})
}

// ClearOverride removes a station's override, where there is one.
func (s *Store) ClearOverride(ctx context.Context, station string) error {
	return s.submit(ctx, &job{do: func(w *writer) error {
		return w.exec(`DELETE FROM override WHERE station = ?`, station)
	}})
}
