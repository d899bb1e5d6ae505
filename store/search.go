package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"faird/verdict"
)

// Search says which verdicts are looked for; what is zero does not matter.
type Search struct {
	Station  string
	Part     string // the whole of it
	Kinds    []verdict.Kind
	From, To time.Time // decided at or after, and before
	Least    *float64  // score
	Most     *float64
	Pictures bool // those alone whose picture is kept
	Marked   Marked
	Before   int64 // key; for the next page
	Limit    int
}

// Marked narrows a search by what people have said.
type Marked string

// What Marked can ask for, beside "" for everything.
const (
	WithMark    Marked = "yes"
	WithoutMark Marked = "no"
	MarkedWrong Marked = "wrong"
)

// Found is a verdict of the history with what is known about it.
type Found struct {
	Key     int64
	Verdict *verdict.Verdict
	Picture *Picture // nil where none is kept
	Mark    *Remark  // nil where nobody has set one
}

// ErrUnknown is wrapped where a verdict is not in the history, or not any more.
var ErrUnknown = errors.New("no such verdict")

const foundColumns = `h.key, h.payload,
	p.id, p.key, p.station, p.why, p.bytes, p.width, p.height, p.x, p.y, p.w, p.h,
	m.truth, m.kind, m.who, m.at, m.note`

const foundJoins = ` LEFT JOIN picture p ON p.id = h.id LEFT JOIN mark m ON m.id = h.id `

// Find returns what fits, newest first.
func (s *Store) Find(ctx context.Context, q Search) ([]Found, error) {
	where, args := q.conditions()
	index := "history_search"
	if q.Part != "" {
		index = "history_part"
	}
	inner := `SELECT key FROM history AS h INDEXED BY ` + index + ` WHERE ` + strings.Join(where, " AND ") + ` ORDER BY key DESC LIMIT ?`
	args = append(args, q.Limit)
	var out []Found
	err := s.query(ctx, func(rows *sql.Rows) error {
		f, err := scanFound(rows)
		out = append(out, f)
		return err
	}, `SELECT `+foundColumns+` FROM history h`+foundJoins+`WHERE h.key IN (`+inner+`) ORDER BY h.key DESC`, args...)
	return out, err
}

// conditions of the WHERE clause, with their arguments.
func (q *Search) conditions() (where []string, args []any) {
	add := func(when bool, condition string, arg ...any) {
		if when {
			where, args = append(where, condition), append(args, arg...)
		}
	}
	add(true, "h.key > 0")
	add(q.Before > 0, "h.key < ?", q.Before)
	add(q.Station != "", "h.station = ?", q.Station)
	add(q.Part != "", "h.part = ? AND h.part <> ''", q.Part)
	add(!q.From.IsZero(), "h.decided >= ?", q.From.UnixMicro())
	add(!q.To.IsZero(), "h.decided < ?", q.To.UnixMicro())
	if q.Least != nil {
		add(true, "h.score >= ?", *q.Least)
	}
	if q.Most != nil {
		add(true, "h.score <= ?", *q.Most)
	}
	if len(q.Kinds) > 0 {
		kinds := make([]any, len(q.Kinds))
		for i, k := range q.Kinds {
			kinds[i] = string(k)
		}
		add(true, "h.kind IN (?"+strings.Repeat(",?", len(kinds)-1)+")", kinds...)
	}
	add(q.Pictures, "EXISTS (SELECT 1 FROM picture p WHERE p.key = h.key)")
	add(q.Marked == WithMark, "EXISTS (SELECT 1 FROM mark m WHERE m.key = h.key)")
	add(q.Marked == WithoutMark, "NOT EXISTS (SELECT 1 FROM mark m WHERE m.key = h.key)")
	add(q.Marked == MarkedWrong, "EXISTS (SELECT 1 FROM mark m WHERE m.key = h.key AND "+wrong+")")
	return where, args
}

// wrong holds for marks that say the verdict was.
const wrong = "(m.kind = 'fail' AND m.truth = 'good' OR m.kind = 'pass' AND m.truth = 'defect')"

func scanFound(rows *sql.Rows) (f Found, _ error) {
	var payload []byte
	var p struct {
		id, station, why                sql.NullString
		key, bytes, wi, he, x, y, w, h_ sql.NullInt64
	}
	var m struct {
		truth, kind, who, note sql.NullString
		at                     sql.NullInt64
	}
	err := rows.Scan(&f.Key, &payload, &p.id, &p.key, &p.station, &p.why, &p.bytes, &p.wi, &p.he, &p.x, &p.y, &p.w, &p.h_,
		&m.truth, &m.kind, &m.who, &m.at, &m.note)
	if err != nil {
		return f, err
	}
	f.Verdict = new(verdict.Verdict)
	if err := json.Unmarshal(payload, f.Verdict); err != nil {
		return f, fmt.Errorf("row %d was changed and is no verdict: %w", f.Key, err)
	}
	if p.id.Valid {
		f.Picture = &Picture{
			ID: p.id.String, Key: p.key.Int64, Station: p.station.String, Why: p.why.String, Bytes: p.bytes.Int64,
			Width: int(p.wi.Int64), Height: int(p.he.Int64),
			Field: Rect{int(p.x.Int64), int(p.y.Int64), int(p.w.Int64), int(p.h_.Int64)},
		}
	}
	if m.truth.Valid {
		f.Mark = &Remark{
			Truth: Truth(m.truth.String), Kind: verdict.Kind(m.kind.String), Who: m.who.String,
			At: time.UnixMicro(m.at.Int64), Note: m.note.String,
		}
	}
	return f, nil
}

// Verdict returns the verdict with this id, or an error that wraps ErrUnknown.
func (s *Store) Verdict(ctx context.Context, id string) (Found, error) {
	var out []Found
	err := s.query(ctx, func(rows *sql.Rows) error {
		f, err := scanFound(rows)
		out = append(out, f)
		return err
	}, `SELECT `+foundColumns+` FROM history h`+foundJoins+`WHERE h.id = ? ORDER BY h.key LIMIT 1`, id)
	if err == nil && len(out) == 0 {
		return Found{}, fmt.Errorf("store: verdict %s: %w: it may have been given up to keep store.max_bytes", id, ErrUnknown)
	}
	if err != nil {
		return Found{}, err
	}
	return out[0], nil
}

// Neighbours returns the ids of the station's verdicts before and after a key,
// "" where there is none.
func (s *Store) Neighbours(ctx context.Context, station string, key int64) (older, newer string, err error) {
	for _, n := range []struct {
		id    *string
		query string
	}{
		{&older, `SELECT id FROM history WHERE station = ? AND key < ? ORDER BY key DESC LIMIT 1`},
		{&newer, `SELECT id FROM history WHERE station = ? AND key > ? ORDER BY key LIMIT 1`},
	} {
		err = s.one(ctx, n.query, []any{station, key}, n.id)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return "", "", err
		}
	}
	return older, newer, nil
}

// Recent returns the last n verdicts of a station, oldest first.
func (s *Store) Recent(ctx context.Context, station string, n int) ([]Found, error) {
	var out []Found
	err := s.query(ctx, func(rows *sql.Rows) error {
		f, err := scanFound(rows)
		out = append(out, f)
		return err
	}, `SELECT `+foundColumns+` FROM history h`+foundJoins+`WHERE h.station = ? ORDER BY h.key DESC LIMIT ?`, station, n)
	slices.Reverse(out)
	return out, err
}
