package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"fmt"

	"faird/verdict"
)

const (
	insertHistory = `INSERT INTO history (key, station, sequence, id, kind, trigger, decided, payload, hash) VALUES (?,?,?,?,?,?,?,?,?)`
	insertOutbox  = `INSERT INTO outbox (key, rank, bytes, decided) VALUES (?,?,?,?)`
	updateChain   = `UPDATE chain SET key = ?, hash = ?`
	upsertStation = `INSERT INTO station (name, sequence) VALUES (?,?)
		ON CONFLICT (name) DO UPDATE SET sequence = max(sequence, excluded.sequence)`
	deleteOutbox = `DELETE FROM outbox WHERE key = ? RETURNING bytes`
)

// Commit decides the verdict: its history row and its outbox row reach the
// disk in one transaction, shared with whoever commits at the same time. On
// success v.Durable is true, in the payload on disk too, and the key is above
// every earlier one. An error means that it is not on disk, unless ErrUnsure is
// wrapped. ctx's deadline holds, or five seconds.
func (s *Store) Commit(ctx context.Context, v *verdict.Verdict) (int64, error) {
	stored := *v
	stored.Durable, stored.Historical = true, false
	payload, err := json.Marshal(&stored)
	if err != nil {
		return 0, fmt.Errorf("store: verdict %s: %w", v.ID, err)
	}
	var key int64
	j := &job{
		do:    func(w *writer) (err error) { key, err = w.insert(&stored, payload); return err },
		after: func(w *writer) { w.waits(&stored, len(payload)) },
	}
	if err := s.submit(ctx, j); err != nil {
		return 0, err
	}
	v.Durable = true
	return key, nil
}

func (w *writer) insert(v *verdict.Verdict, payload []byte) (int64, error) {
	next := head{key: w.head.key + 1, hash: link(w.head.hash, payload)}
	decided := v.Time.Decided.UnixMicro()
	err := w.exec(insertHistory, next.key, v.Station, int64(v.Sequence), v.ID, string(v.Verdict), triggerID(v), decided, payload, next.hash)
	if err != nil {
		return 0, err
	}
	ages := sql.NullInt64{Int64: decided, Valid: v.Time.Clock != verdict.Unsynchronised}
	if err := w.exec(insertOutbox, next.key, rank(v.Verdict), len(payload), ages); err != nil {
		return 0, err
	}
	if w.feeding {
		if err := w.exec(insertFeed, next.key, rank(v.Verdict), len(payload), ages); err != nil {
			return 0, err
		}
	}
	w.head = next
	w.numbers[v.Station] = max(w.numbers[v.Station], int64(v.Sequence))
	return next.key, nil
}

// waits counts a committed verdict among those that wait for the broker.
func (w *writer) waits(v *verdict.Verdict, bytes int) {
	w.count(func(t *Stats) {
		if t.OutboxRows == 0 {
			t.Oldest = v.Time.Decided.Time
		}
		t.OutboxRows++
		t.OutboxBytes += int64(bytes)
	})
	if w.feeding {
		w.feedCount(func(g *feedFigures) { g.rows++; g.bytes += int64(bytes) })
	}
}

func triggerID(v *verdict.Verdict) sql.NullString {
	if v.Trigger == nil {
		return sql.NullString{}
	}
	return sql.NullString{String: v.Trigger.ID, Valid: v.Trigger.ID != ""}
}

// rank is the order in which undelivered verdicts are given up when the store is full.
func rank(k verdict.Kind) int {
	switch k {
	case verdict.Pass:
		return 0
	case verdict.Fail:
		return 2
	default:
		return 1
	}
}

// link is the hash chain: a row's hash covers its payload and the row before.
func link(before, payload []byte) []byte {
	h := sha256.New()
	h.Write(before)
	h.Write(payload)
	return h.Sum(nil)
}

// Backlog returns up to limit verdicts of the outbox with keys above after, in order.
func (s *Store) Backlog(ctx context.Context, after int64, limit int) ([]Pending, error) {
	var out []Pending
	err := s.query(ctx, func(rows *sql.Rows) error {
		var p Pending
		err := rows.Scan(&p.Key, &p.Station, &p.Payload)
		out = append(out, p)
		return err
	}, `SELECT o.key, h.station, h.payload FROM outbox o JOIN history h ON h.key = o.key
		WHERE o.key > ? ORDER BY o.key LIMIT ?`, after, limit)
	return out, err
}

// Delivered takes verdicts out of the outbox; their history stays. Keys that
// are not in it are no error.
func (s *Store) Delivered(ctx context.Context, keys []int64) error {
	var rows, bytes int64
	return s.submit(ctx, &job{
		do: func(w *writer) (err error) {
			rows, bytes, err = w.takeOut(deleteOutbox, keys)
			return err
		},
		after: func(w *writer) {
			w.count(func(t *Stats) { t.OutboxRows -= rows; t.OutboxBytes -= bytes })
		},
	})
}

// takeOut returns how many there were and their bytes.
func (w *writer) takeOut(query string, keys []int64) (rows, bytes int64, err error) {
	s, err := w.db.stmt(context.Background(), query)
	if err != nil {
		return 0, 0, err
	}
	for _, key := range keys {
		var n int64
		switch err := s.QueryRow(key).Scan(&n); err {
		case nil:
			rows, bytes = rows+1, bytes+n
			w.floor = min(w.floor, key)
		case sql.ErrNoRows:
		default:
			return 0, 0, err
		}
	}
	return rows, bytes, nil
}
