package store

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"faird/config"
	"faird/verdict"
)

// VerifyOptions are what Verify is told beside the folder.
type VerifyOptions struct {
	Noted    *Mark                 // a row that was noted earlier and must still be there as it was; nil: none
	Progress func(done, total int) // called now and then; nil: not
}

// Verify follows the hash chain through the history in the folder of c and
// reports changed and missing rows. It opens the database for reading alone,
// and may run beside a daemon. The error says that it cannot be read at all.
func Verify(ctx context.Context, c config.Store, o VerifyOptions) (Report, error) {
	path := filepath.Join(c.Path, fileName)
	if _, err := os.Stat(path); err != nil {
		return Report{}, fmt.Errorf("store: no history: %w: check store.path", err)
	}
	db, err := sql.Open("sqlite3", dsn(path, "mode=ro"))
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
	v := verifier{tx: tx, VerifyOptions: o, Report: Report{Problems: []Problem{}}}
	if err := v.walk(ctx); err != nil {
		return v.Report, fmt.Errorf("store: %s: %w", path, err)
	}
	return v.Report, nil
}

type verifier struct {
	Report
	VerifyOptions
	tx     *sql.Tx
	newest head // as the writer noted it
	at     head // the last row followed
	broken bool // and its hash is not known: the break is reported, once
	met    bool // the noted row
}

// row is one of the history, as its columns have it.
type row struct {
	head
	station, id, kind string
	sequence, decided int64
	trigger           sql.NullString
	payload           []byte
}

func (v *verifier) walk(ctx context.Context) error {
	if err := v.tx.QueryRowContext(ctx, `SELECT key, hash FROM chain`).Scan(&v.newest.key, &v.newest.hash); err != nil {
		return err
	}
	rows, err := v.tx.QueryContext(ctx,
		`SELECT key, hash, station, id, kind, sequence, decided, trigger, payload FROM history ORDER BY key`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var r row
		err := rows.Scan(&r.key, &r.hash, &r.station, &r.id, &r.kind, &r.sequence, &r.decided, &r.trigger, &r.payload)
		if err != nil {
			return err
		}
		if err := v.follow(ctx, r.key); err != nil {
			return err
		}
		v.row(&r)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	return v.end(ctx)
}

func (v *verifier) row(r *row) {
	if v.Rows++; v.Rows == 1 {
		v.First = r.key
	}
	v.Last = r.key
	if !r.agrees() || !v.broken && !bytes.Equal(r.hash, link(v.at.hash, r.payload)) {
		v.changed(r)
	}
	v.compare(r.head)
	v.at, v.broken = r.head, false
	if v.Progress != nil && v.Rows%1024 == 0 {
		v.Progress(int(v.Rows), int(v.newest.key-v.Pruned))
	}
}

// agrees is whether the columns say what the payload says: the hash covers the
// payload alone, and the columns are what is searched.
func (r *row) agrees() bool {
	var p verdict.Verdict
	return json.Unmarshal(r.payload, &p) == nil &&
		p.ID == r.id && p.Station == r.station && string(p.Verdict) == r.kind &&
		int64(p.Sequence) == r.sequence && p.Time.Decided.UnixMicro() == r.decided && triggerID(&p) == r.trigger
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
		v.compare(gap)
	case err == nil || err == sql.ErrNoRows:
		v.missing(v.at.key+1, key-1)
		v.at, v.broken = head{key: key - 1}, true
	default:
		return err
	}
	return nil
}

// end compares the newest row with the one that the writer noted.
func (v *verifier) end(ctx context.Context) error {
	if err := v.follow(ctx, v.newest.key+1); err != nil {
		return err
	}
	if v.Bad == 0 && !bytes.Equal(v.at.hash, v.newest.hash) {
		v.problem(Problem{First: v.at.key, Last: v.at.key, What: notWritten})
	}
	switch {
	case v.Noted == nil || v.met:
	case v.Noted.Key > v.at.key:
		v.missing(v.at.key+1, v.Noted.Key)
	default:
		v.NotedGone = true
	}
	v.Head = Mark{Key: v.at.key, Hash: v.at.hash}
	return nil
}

// compare holds a row against the one that was noted.
func (v *verifier) compare(h head) {
	if v.Noted == nil || v.Noted.Key != h.key {
		return
	}
	v.met = true
	if !bytes.Equal(v.Noted.Hash, h.hash) {
		v.problem(Problem{First: h.key, Last: h.key, What: notNoted})
	}
}
