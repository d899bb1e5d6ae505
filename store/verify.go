package store

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"

	"faird/config"
)

// problemLimit bounds the list of a Report.
const problemLimit = 20

// followChain tells of each row too whether its columns say what its payload says.
const followChain = `SELECT key, payload, hash, CASE WHEN json_valid(json) THEN
	id = json ->> 'id' AND station = json ->> 'station' AND kind = json ->> 'verdict' END
	FROM (SELECT *, CAST(payload AS TEXT) AS json FROM history) ORDER BY key`

// Report is what Verify found.
type Report struct {
	Rows     int64    `json:"rows"`  // checked
	First    int64    `json:"first"` // key of the oldest row there
	Last     int64    `json:"last"`
	Pruned   int64    `json:"pruned"`   // rows given up on purpose, to keep the bound
	Problems []string `json:"problems"` // changed and missing rows, the first twenty of them
	Bad      int64    `json:"bad"`      // how many problems there are
}

// OK is whether the history is as it was written.
func (r Report) OK() bool { return r.Bad == 0 }

// Verify follows the hash chain through the history in the folder of c and
// reports changed and missing rows. It reads only, and may run beside a daemon.
// The error says that the database cannot be read at all.
func Verify(ctx context.Context, c config.Store) (Report, error) {
	path := filepath.Join(c.Path, fileName)
	if _, err := os.Stat(path); err != nil {
		return Report{}, fmt.Errorf("store: no history: %w: check store.path", err)
	}
	db, err := sql.Open("sqlite3", dsn(path, "_query_only=true"))
	if err != nil {
		return Report{}, err
	}
	defer db.Close()
	// One transaction, so that a daemon at work does not change what is being followed.
	tx, err := db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return Report{}, fmt.Errorf("store: %s: %w", path, err)
	}
	defer tx.Rollback() //nolint:errcheck // nothing was written
	v := verifier{tx: tx, Report: Report{Problems: []string{}}}
	if err := v.walk(ctx); err != nil {
		return v.Report, fmt.Errorf("store: %s: %w", path, err)
	}
	return v.Report, nil
}

type verifier struct {
	Report
	tx     *sql.Tx
	at     head // the last row followed
	broken bool // and its hash is not known: the break is reported, once
}

func (v *verifier) walk(ctx context.Context) error {
	rows, err := v.tx.QueryContext(ctx, followChain)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var h head
		var payload []byte
		var agrees sql.NullBool
		if err := rows.Scan(&h.key, &payload, &h.hash, &agrees); err != nil {
			return err
		}
		if err := v.follow(ctx, h.key); err != nil {
			return err
		}
		v.row(h, payload, agrees.Bool)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	return v.end(ctx)
}

func (v *verifier) row(h head, payload []byte, agrees bool) {
	if v.Rows++; v.Rows == 1 {
		v.First = h.key
	}
	v.Last = h.key
	if !agrees || !v.broken && !bytes.Equal(h.hash, link(v.at.hash, payload)) {
		v.problem("row %d was changed", h.key)
	}
	v.at, v.broken = h, false
}

// follow steps across what is missing before key, which must be a gap made on purpose.
func (v *verifier) follow(ctx context.Context, key int64) error {
	if key == v.at.key+1 {
		return nil
	}
	var gap head
	err := v.tx.QueryRowContext(ctx, `SELECT last, hash FROM gap WHERE first = ?`, v.at.key+1).Scan(&gap.key, &gap.hash)
	switch {
	case err == nil && gap.key == key-1:
		v.Pruned += gap.key - v.at.key
		v.at = gap
	case err == nil || err == sql.ErrNoRows:
		v.problem("rows %d to %d are missing", v.at.key+1, key-1)
		v.at, v.broken = head{key: key - 1}, true
	default:
		return err
	}
	return nil
}

// end compares the newest row with the one that the writer noted.
func (v *verifier) end(ctx context.Context) error {
	var h head
	if err := v.tx.QueryRowContext(ctx, `SELECT key, hash FROM chain`).Scan(&h.key, &h.hash); err != nil {
		return err
	}
	if err := v.follow(ctx, h.key+1); err != nil {
		return err
	}
	if v.Bad == 0 && !bytes.Equal(v.at.hash, h.hash) {
		v.problem("the newest row %d is not the one that was written", h.key)
	}
	return nil
}

func (v *verifier) problem(format string, args ...any) {
	if v.Bad++; len(v.Problems) < problemLimit {
		v.Problems = append(v.Problems, fmt.Sprintf(format, args...))
	}
}
