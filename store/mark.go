package store

import (
	"context"
	"database/sql"
	"strings"
	"time"

	"faird/verdict"
)

// Truth is what a person says a part was.
type Truth string

// What a part was.
const (
	Good   Truth = "good"
	Defect Truth = "defect"
)

// Remark is what a person said of a verdict.
type Remark struct {
	Truth Truth
	Kind  verdict.Kind // the verdict it is about
	Who   string
	At    time.Time
	Note  string
}

// Right says whether the verdict was; nil for a review, which is neither.
func (m Remark) Right() *bool {
	var right bool
	switch m.Kind {
	case verdict.Pass:
		right = m.Truth == Good
	case verdict.Fail:
		right = m.Truth == Defect
	default:
		return nil
	}
	return &right
}

// SetMark keeps what a person says of a verdict, in place of what was said
// before; it returns once on disk.
func (s *Store) SetMark(ctx context.Context, f Found, m Remark) error {
	v := f.Verdict
	return s.submit(ctx, &job{do: func(w *writer) error {
		return w.exec(`INSERT OR REPLACE INTO mark (id, key, station, kind, decided, truth, who, at, note) VALUES (?,?,?,?,?,?,?,?,?)`,
			v.ID, f.Key, v.Station, string(v.Verdict), v.Time.Decided.UnixMicro(), string(m.Truth), m.Who, m.At.UnixMicro(), m.Note)
	}})
}

// ClearMark takes a mark back, where there is one.
func (s *Store) ClearMark(ctx context.Context, id string) error {
	return s.submit(ctx, &job{do: func(w *writer) error { return w.exec(`DELETE FROM mark WHERE id = ?`, id) }})
}

// Reviewed counts marks by what was decided and what the part was.
type Reviewed map[verdict.Kind]map[Truth]int

// Of is the number of marks on verdicts of these kinds with this truth.
func (r Reviewed) Of(t Truth, kinds ...verdict.Kind) (n int) {
	for _, k := range kinds {
		n += r[k][t]
	}
	return n
}

// Reviewed returns the counts of a station, or of all where it is "", for
// verdicts decided from and before; zero times are no bounds.
func (s *Store) Reviewed(ctx context.Context, station string, from, to time.Time) (Reviewed, error) {
	out := Reviewed{}
	where, args := markConditions(station, from, to)
	err := s.query(ctx, func(rows *sql.Rows) error {
		var kind verdict.Kind
		var truth Truth
		var n int
		err := rows.Scan(&kind, &truth, &n)
		if out[kind] == nil {
			out[kind] = map[Truth]int{}
		}
		out[kind][truth] = n
		return err
	}, `SELECT m.kind, m.truth, count(*) FROM mark m WHERE `+where+` GROUP BY m.kind, m.truth`, args...)
	return out, err
}

// Labelled is a kept picture of which a person said what it shows.
type Labelled struct {
	Picture
	Truth Truth
	Kind  verdict.Kind
	Who   string
	At    time.Time
}

// Labelled returns the marked pictures, oldest first.
func (s *Store) Labelled(ctx context.Context, station string, from, to time.Time) ([]Labelled, error) {
	var out []Labelled
	where, args := markConditions(station, from, to)
	err := s.query(ctx, func(rows *sql.Rows) error {
		var l Labelled
		var at int64
		err := rows.Scan(&l.ID, &l.Key, &l.Station, &l.Truth, &l.Kind, &l.Who, &at)
		l.At = time.UnixMicro(at)
		out = append(out, l)
		return err
	}, `SELECT p.id, p.key, p.station, m.truth, m.kind, m.who, m.at FROM mark m JOIN picture p ON p.id = m.id
		WHERE `+where+` ORDER BY p.key`, args...)
	return out, err
}

func markConditions(station string, from, to time.Time) (where string, args []any) {
	all := []string{"1"}
	if station != "" {
		all, args = append(all, "m.station = ?"), append(args, station)
	}
	if !from.IsZero() {
		all, args = append(all, "m.decided >= ?"), append(args, from.UnixMicro())
	}
	if !to.IsZero() {
		all, args = append(all, "m.decided < ?"), append(args, to.UnixMicro())
	}
	return strings.Join(all, " AND "), args
}
