package store

import (
	"context"
	"database/sql"
)

// Rect is a rectangle in camera pixels.
type Rect struct {
	X int `json:"x"`
	Y int `json:"y"`
	W int `json:"w"`
	H int `json:"h"`
}

// Picture is a verdict whose picture the archive keeps.
type Picture struct {
	ID      string `json:"id"` // of the verdict
	Key     int64  `json:"key"`
	Station string `json:"station"`
	Why     string `json:"why"`   // fail, review, near, sample
	Bytes   int64  `json:"bytes"` // of all its files
	Width   int    `json:"width"` // of the camera picture
	Height  int    `json:"height"`
	Field   Rect   `json:"field"` // the judged part of it
}

func (s *Store) addPicture(ctx context.Context, p Picture) error {
	return s.submit(ctx, &job{do: func(w *writer) error {
		return w.exec(`INSERT OR REPLACE INTO picture (id, key, station, why, bytes, width, height, x, y, w, h) VALUES (?,?,?,?,?,?,?,?,?,?,?)`,
			p.ID, p.Key, p.Station, p.Why, p.Bytes, p.Width, p.Height, p.Field.X, p.Field.Y, p.Field.W, p.Field.H)
	}})
}

func (s *Store) dropPictures(ctx context.Context, ids []string) error {
	return s.submit(ctx, &job{do: func(w *writer) error {
		for _, id := range ids {
			if err := w.exec(`DELETE FROM picture WHERE id = ?`, id); err != nil {
				return err
			}
		}
		return nil
	}})
}

// pictures returns those that a query of picture rows p gives.
func (s *Store) pictures(ctx context.Context, rest string, args ...any) ([]Picture, error) {
	var out []Picture
	err := s.query(ctx, func(rows *sql.Rows) error {
		var p Picture
		err := rows.Scan(&p.ID, &p.Key, &p.Station, &p.Why, &p.Bytes, &p.Width, &p.Height, &p.Field.X, &p.Field.Y, &p.Field.W, &p.Field.H)
		out = append(out, p)
		return err
	}, `SELECT p.id, p.key, p.station, p.why, p.bytes, p.width, p.height, p.x, p.y, p.w, p.h FROM picture p `+rest, args...)
	return out, err
}

// oldestPictures are the first to go: those that nobody has marked.
func (s *Store) oldestPictures(ctx context.Context, n int) ([]Picture, error) {
	out, err := s.pictures(ctx, `WHERE NOT EXISTS (SELECT 1 FROM mark m WHERE m.id = p.id) ORDER BY p.key LIMIT ?`, n)
	if err != nil || len(out) > 0 {
		return out, err
	}
	return s.pictures(ctx, `ORDER BY p.key LIMIT ?`, n)
}
