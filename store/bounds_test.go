package store

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"faird/config"
	"faird/verdict"
)

func deliverAll(t *testing.T, s *Store) {
	t.Helper()
	var keys []int64
	for _, p := range backlog(t, s) {
		keys = append(keys, p.Key)
	}
	if err := s.Delivered(context.Background(), keys); err != nil {
		t.Fatal(err)
	}
}

func kinds(t *testing.T, s *Store) map[verdict.Kind]int {
	out := map[verdict.Kind]int{}
	for _, p := range backlog(t, s) {
		out[decode(t, p.Payload).Verdict]++
	}
	return out
}

// settle lets the writer have as many turns as it may need to shrink.
func settle(t *testing.T, s *Store) {
	t.Helper()
	for range 50 {
		if err := s.ClearOverride(context.Background(), "nobody"); err != nil {
			t.Fatal(err)
		}
	}
}

func TestHistoryIsBounded(t *testing.T) {
	c := config.Store{Path: t.TempDir(), MaxBytes: 1 << 20}
	s := open(t, c)
	kept := commit(t, s, newVerdict("cap", 1, verdict.Fail)) // stays in the outbox
	for i := uint64(2); i <= 3000; i++ {
		key := commit(t, s, newVerdict("cap", i, verdict.Pass))
		if err := s.Delivered(context.Background(), []int64{key}); err != nil {
			t.Fatal(err)
		}
	}
	settle(t, s)
	st := s.Stats()
	if st.Bytes > int64(c.MaxBytes) || st.Dropped.Total() != 0 {
		t.Errorf("stats %+v: want at most %d bytes and nothing dropped", st, c.MaxBytes)
	}
	if rows := backlog(t, s); len(rows) != 1 || rows[0].Key != kept {
		t.Errorf("outbox %v: the undelivered verdict must stay", rows)
	}
	if n, err := s.LastSequence(context.Background(), "cap"); n != 3000 || err != nil {
		t.Errorf("last sequence %d, %v", n, err)
	}
	if r := verifyOK(t, c); r.Pruned == 0 || r.Rows+r.Pruned != 3000 {
		t.Errorf("%+v: want 3000 rows, some of them pruned", r)
	}
	var gaps int
	if err := s.db.read.QueryRow("SELECT count(*) FROM gap").Scan(&gaps); err != nil || gaps != 1 {
		t.Errorf("%d gaps, %v: those that touch must become one", gaps, err)
	}
	if i, err := os.Stat(s.path); err != nil || i.Size() > int64(c.MaxBytes) {
		t.Errorf("file %v, %v: want at most %d bytes", i.Size(), err, c.MaxBytes)
	}
}

func TestFullOutboxDropsPassFirstAndFailLast(t *testing.T) {
	c := config.Store{Path: t.TempDir(), MaxBytes: 1 << 20}
	var said bytes.Buffer
	s, err := Open(c, zerolog.New(&said))
	if err != nil {
		t.Fatal(err)
	}
	cycle := []verdict.Kind{verdict.Fail, verdict.Pass, verdict.NoRead, verdict.Pass, verdict.Review, verdict.Pass}
	const n = 2400
	for i := range uint64(n) {
		commit(t, s, newVerdict("cap", i+1, cycle[i%6]))
	}
	settle(t, s)
	k, st := kinds(t, s), s.Stats()
	if k[verdict.Fail] != n/6 || st.Dropped.Fail != 0 || st.Dropped.Pass == 0 || k[verdict.Pass] >= n/2 {
		t.Errorf("kept %v, dropped %+v: pass is to go first, fail last", k, st.Dropped)
	}
	if kept := uint64(k[verdict.Pass] + k[verdict.NoRead] + k[verdict.Review] + k[verdict.Fail]); kept+st.Dropped.Total() != n || int64(kept) != st.OutboxRows {
		t.Errorf("kept %d, dropped %d, of %d; stats say %d rows", kept, st.Dropped.Total(), n, st.OutboxRows)
	}
	if st.Bytes > int64(c.MaxBytes) {
		t.Errorf("%d bytes, at most %d", st.Bytes, c.MaxBytes)
	}
	var passes []uint64
	for _, p := range backlog(t, s) {
		if v := decode(t, p.Payload); v.Verdict == verdict.Pass {
			passes = append(passes, v.Sequence)
		}
	}
	if len(passes) > 0 && passes[0] <= 6 {
		t.Errorf("pass %d is still there: the oldest are to go first", passes[0])
	}
	for i := range uint64(n) { // nothing but fail is left in the end
		commit(t, s, newVerdict("cap", n+i+1, verdict.Fail))
	}
	settle(t, s)
	if k, st := kinds(t, s), s.Stats(); k[verdict.Pass] != 0 || st.Dropped.Fail == 0 || st.Bytes > int64(c.MaxBytes) {
		t.Errorf("kept %v, stats %+v", k, st)
	}
	s.Close()
	verifyOK(t, c)
	s = open(t, c)
	if st := s.Stats(); int(st.OutboxRows) != len(backlog(t, s)) {
		t.Errorf("stats after a restart %+v", st)
	}
}

func TestDropsAreAnnounced(t *testing.T) {
	var said bytes.Buffer
	w := &writer{Store: &Store{log: zerolog.New(&said)}}
	w.announce()
	if said.Len() > 0 {
		t.Errorf("said %s, with nothing dropped", &said)
	}
	for range 3 {
		w.stats.Dropped.Pass++
		w.announce()
	}
	if n := strings.Count(said.String(), "GIVEN UP"); n != 1 {
		t.Errorf("said it %d times: once is enough for a while\n%s", n, &said)
	}
}

func TestOldVerdictsAreGivenUp(t *testing.T) {
	c := config.Store{Path: t.TempDir(), MaxAge: time.Hour}
	s := open(t, c)
	for i, test := range []struct {
		ago   time.Duration
		clock verdict.Clock
	}{{2 * time.Hour, verdict.Synchronised}, {2 * time.Hour, verdict.Unsynchronised}, {time.Minute, verdict.Synchronised}} {
		v := newVerdict("cap", uint64(i+1), verdict.Fail)
		v.Time.Decided.Time, v.Time.Clock = time.Now().Add(-test.ago), test.clock
		commit(t, s, v)
	}
	err := s.submit(context.Background(), &job{do: func(w *writer) error { return w.dropAged() }})
	if err != nil {
		t.Fatal(err)
	}
	var got []uint64
	for _, p := range backlog(t, s) {
		got = append(got, decode(t, p.Payload).Sequence)
	}
	// The age of a verdict decided before the clock was set is not known.
	if len(got) != 2 || got[0] != 2 || s.Stats().Dropped.Aged != 1 || s.Stats().OutboxRows != 2 {
		t.Errorf("left %v, stats %+v", got, s.Stats())
	}
}
