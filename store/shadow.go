package store

import (
	"context"
	"database/sql"
	"time"

	"faird/verdict"
)

// Compared is what a model in shadow says of a picture that has its verdict.
type Compared struct {
	Key     int64 // of the verdict
	Station string
	Model   string // in shadow
	Against string // that decided
	Decided verdict.Kind
	Said    verdict.Kind // no_read where the shadow cannot judge the picture
	Had     float64      // score that decided
	Score   *float64     // the shadow's; nil with no_read
	At      time.Time    // of the verdict
}

// Pair names what is compared with what.
type Pair struct{ Station, Model, Against string }

// AddCompared keeps what a shadow said of verdicts that are still there; it
// returns once on disk.
func (s *Store) AddCompared(ctx context.Context, all []Compared) error {
	return s.submit(ctx, &job{do: func(w *writer) error {
		for _, c := range all {
			err := w.exec(`INSERT OR REPLACE INTO shadow (key, station, model, against, decided, said, had, score, at)
				SELECT ?1,?2,?3,?4,?5,?6,?7,?8,?9 WHERE EXISTS (SELECT 1 FROM history WHERE key = ?1)`,
				c.Key, c.Station, c.Model, c.Against, string(c.Decided), string(c.Said), c.Had, c.Score, c.At.UnixMicro())
			if err != nil {
				return err
			}
		}
		return nil
	}})
}

// Agreement counts what was decided against what the shadow said.
type Agreement struct {
	Since time.Time // the first of them; zero where there is none
	Count map[verdict.Kind]map[verdict.Kind]int
}

// lately narrows to the newest comparisons of a pair, so that the work has a
// bound; ?4 of them at most.
const lately = ` FROM (SELECT * FROM shadow WHERE station = ?1 ORDER BY key DESC LIMIT ?4) c WHERE c.model = ?2 AND c.against = ?3 `

// Agreement looks at the station's newest comparisons, so many at most.
func (s *Store) Agreement(ctx context.Context, p Pair, most int) (Agreement, error) {
	out := Agreement{Count: map[verdict.Kind]map[verdict.Kind]int{}}
	err := s.query(ctx, func(rows *sql.Rows) error {
		var decided, said verdict.Kind
		var n int
		var first int64
		err := rows.Scan(&decided, &said, &n, &first)
		if out.Count[decided] == nil {
			out.Count[decided] = map[verdict.Kind]int{}
		}
		out.Count[decided][said] = n
		if at := time.UnixMicro(first); out.Since.IsZero() || at.Before(out.Since) {
			out.Since = at
		}
		return err
	}, `SELECT c.decided, c.said, count(*), min(c.at)`+lately+`GROUP BY c.decided, c.said`, p.Station, p.Model, p.Against, most)
	return out, err
}

// Compared returns the newest comparisons of a pair, newest first.
func (s *Store) Compared(ctx context.Context, p Pair, limit int) ([]Compared, error) {
	var out []Compared
	err := s.query(ctx, func(rows *sql.Rows) error {
		c := Compared{Station: p.Station, Model: p.Model, Against: p.Against}
		var at int64
		err := rows.Scan(&c.Key, &c.Decided, &c.Said, &c.Had, &c.Score, &at)
		c.At = time.UnixMicro(at)
		out = append(out, c)
		return err
	}, `SELECT c.key, c.decided, c.said, c.had, c.score, c.at`+lately+`ORDER BY c.key DESC`, p.Station, p.Model, p.Against, limit)
	return out, err
}

// Flip is a verdict that the shadow would have made another.
type Flip struct {
	Found
	Said  verdict.Kind
	Score *float64 // the shadow's
}

// Flips returns the newest flips among the newest comparisons, newest first:
// limit of each kind of flip, so that many of one do not hide the others.
func (s *Store) Flips(ctx context.Context, p Pair, most, limit int) ([]Flip, error) {
	var said []Flip
	byKey := map[int64]int{}
	err := s.query(ctx, func(rows *sql.Rows) error {
		var f Flip
		err := rows.Scan(&f.Key, &f.Said, &f.Score)
		byKey[f.Key] = len(said)
		said = append(said, f)
		return err
	}, `SELECT key, said, score FROM (SELECT c.*, row_number() OVER (PARTITION BY c.decided, c.said ORDER BY c.key DESC) AS n`+lately+`AND c.decided <> c.said)
		WHERE n <= ?5 ORDER BY key DESC`, p.Station, p.Model, p.Against, most, limit)
	if err != nil || len(said) == 0 {
		return nil, err
	}
	keys, marks := make([]any, len(said)), ""
	for i, f := range said {
		keys[i], marks = f.Key, marks+",?"
	}
	var out []Flip
	err = s.query(ctx, func(rows *sql.Rows) error {
		f, err := scanFound(rows)
		if err == nil {
			of := said[byKey[f.Key]]
			out = append(out, Flip{f, of.Said, of.Score})
		}
		return err
	}, `SELECT `+foundColumns+` FROM history h`+foundJoins+`WHERE h.key IN (`+marks[1:]+`) ORDER BY h.key DESC`, keys...)
	return out, err
}
