package store

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/rs/zerolog"
	"go.uber.org/goleak"

	"faird/config"
	"faird/verdict"
)

func TestMain(m *testing.M) {
	if folder := os.Getenv("FAIRD_TEST_COMMITTER"); folder != "" {
		commitForEver(folder)
	}
	goleak.VerifyTestMain(m)
}

func open(t testing.TB, c config.Store) *Store {
	t.Helper()
	s, err := Open(c, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func newVerdict(station string, sequence uint64, kind verdict.Kind) *verdict.Verdict {
	v := &verdict.Verdict{
		Schema: verdict.SchemaV1, ID: ulid.Make().String(), Site: "plant1", Box: "edge7", Station: station,
		Sequence: sequence, Verdict: kind, Regions: []verdict.Region{},
		Time: verdict.Times{Decided: verdict.Time{Time: time.Now()}, Clock: verdict.Synchronised, Exposure: verdict.Measured},
	}
	if kind == verdict.NoRead {
		v.Reason = verdict.NoFrame
	} else {
		score := 0.1
		v.Score = &score
	}
	return v
}

func commit(t testing.TB, s *Store, v *verdict.Verdict) int64 {
	t.Helper()
	key, err := s.Commit(context.Background(), v)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// backlog reads the whole outbox.
func backlog(t testing.TB, s *Store) []Pending {
	t.Helper()
	var out []Pending
	var after int64
	for {
		rows, err := s.Backlog(context.Background(), after, 1000)
		if err != nil {
			t.Fatal(err)
		}
		if len(rows) == 0 {
			return out
		}
		out = append(out, rows...)
		after = rows[len(rows)-1].Key
	}
}

func decode(t testing.TB, payload []byte) verdict.Verdict {
	t.Helper()
	var v verdict.Verdict
	if err := json.Unmarshal(payload, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestCommitAndDeliver(t *testing.T) {
	c := config.Store{Path: t.TempDir()}
	s := open(t, c)
	var keys []int64
	for i := uint64(1); i <= 5; i++ {
		v := newVerdict("cap", i, verdict.Pass)
		v.Historical = true // must not reach the disk
		keys = append(keys, commit(t, s, v))
		if !v.Durable {
			t.Error("a committed verdict must say durable")
		}
	}
	if err := s.Delivered(context.Background(), []int64{keys[1], keys[3], 999}); err != nil {
		t.Fatal(err)
	}
	check := func(s *Store) {
		rows := backlog(t, s)
		if len(rows) != 3 {
			t.Fatalf("%d rows in the outbox, want 3", len(rows))
		}
		var bytes int64
		for i, want := range []uint64{1, 3, 5} {
			v := decode(t, rows[i].Payload)
			if v.Sequence != want || rows[i].Key != keys[want-1] || !v.Durable || v.Historical {
				t.Errorf("row %d: sequence %d, key %d, durable %t, historical %t", i, v.Sequence, rows[i].Key, v.Durable, v.Historical)
			}
			bytes += int64(len(rows[i].Payload))
		}
		if st := s.Stats(); st.OutboxRows != 3 || st.OutboxBytes != bytes || st.Oldest.IsZero() {
			t.Errorf("stats %+v, want 3 rows of %d bytes", st, bytes)
		}
		if s.Newest() != keys[4] {
			t.Errorf("newest %d, want %d", s.Newest(), keys[4])
		}
	}
	check(s)
	s.Close()
	check(open(t, c)) // the same after a restart
}

func TestConcurrentCommitsShareTransactions(t *testing.T) {
	s := open(t, config.Store{Path: t.TempDir()})
	const stations, each = 20, 50
	var wg sync.WaitGroup
	for n := range stations {
		wg.Go(func() {
			var before int64
			for i := uint64(1); i <= each; i++ {
				key, err := s.Commit(context.Background(), newVerdict(fmt.Sprint("s", n), i, verdict.Pass))
				if err != nil || key <= before {
					t.Errorf("key %d after %d: %v", key, before, err)
				}
				before = key
			}
		})
	}
	wg.Wait()
	if n := len(backlog(t, s)); n != stations*each {
		t.Errorf("%d in the outbox, want %d", n, stations*each)
	}
	r, err := Verify(context.Background(), config.Store{Path: filepath.Dir(s.path)}, VerifyOptions{})
	if err != nil || !r.OK() || r.Rows != stations*each {
		t.Errorf("chain: %+v, %v", r, err)
	}
}

func TestAnswered(t *testing.T) {
	c := config.Store{Path: t.TempDir()}
	s := open(t, c)
	triggered := func(station, id string, ago time.Duration, seq uint64) *verdict.Verdict {
		v := newVerdict(station, seq, verdict.Fail)
		v.Trigger = &verdict.Trigger{ID: id, Part: "A-1"}
		v.Time.Decided.Time = time.Now().Add(-ago)
		commit(t, s, v)
		return v
	}
	old := triggered("cap", "t-old", 11*time.Minute, 1)
	want := triggered("cap", "t-1", time.Minute, 2)
	triggered("cap", "t-1", 0, 3)
	triggered("lid", "t-2", 0, 1)
	invalid := newVerdict("cap", 5, verdict.NoRead)
	invalid.Trigger, invalid.Reason = &verdict.Trigger{ID: "t-3", Part: "A-2"}, verdict.InvalidTrigger
	commit(t, s, invalid)
	after := triggered("cap", "t-3", 0, 6)
	invalid = newVerdict("cap", 7, verdict.NoRead)
	invalid.Trigger, invalid.Reason = &verdict.Trigger{ID: "t-4"}, verdict.InvalidTrigger
	commit(t, s, invalid)
	refused := newVerdict("cap", 8, verdict.NoRead)
	refused.Trigger, refused.Reason = &verdict.Trigger{ID: "t-5", Part: "A-1"}, verdict.Paused
	commit(t, s, refused)
	triggered("cap", "", 0, 4)
	s.Close()
	s = open(t, c) // also after a restart
	tests := []struct{ station, id, want string }{
		{"cap", "t-1", want.ID}, // the first of the two
		{"lid", "t-1", ""},
		{"cap", "t-3", after.ID}, // an invalid trigger has taken no id
		{"cap", "t-4", ""},
		{"cap", "t-5", refused.ID},
		{"cap", old.Trigger.ID, ""},
		{"cap", "", ""},
		{"cap", "never", ""},
	}
	for _, test := range tests {
		v, err := s.Answered(context.Background(), test.station, test.id)
		if err != nil {
			t.Fatal(err)
		}
		if v != nil && v.Trigger.Part != "A-1" {
			t.Errorf("%s %q: the part is %q", test.station, test.id, v.Trigger.Part)
		}
		if got := idOf(v); got != test.want {
			t.Errorf("%s %q: %q, want %q", test.station, test.id, got, test.want)
		}
	}
}

func idOf(v *verdict.Verdict) string {
	if v == nil {
		return ""
	}
	return v.ID
}

func TestHistoryLastAndSequence(t *testing.T) {
	c := config.Store{Path: t.TempDir()}
	s := open(t, c)
	for i := uint64(1); i <= 4; i++ {
		commit(t, s, newVerdict("cap", i, verdict.Pass))
		commit(t, s, newVerdict("lid", i*10, verdict.NoRead))
	}
	s.Close()
	s = open(t, c)
	ctx := context.Background()
	for station, want := range map[string]uint64{"cap": 4, "lid": 40, "none": 0} {
		if n, err := s.LastSequence(ctx, station); err != nil || n != want {
			t.Errorf("%s: last sequence %d, %v; want %d", station, n, err, want)
		}
		payload, err := s.Last(ctx, station)
		if err != nil || (payload == nil) != (want == 0) || payload != nil && decode(t, payload).Sequence != want {
			t.Errorf("%s: last %s, %v", station, payload, err)
		}
	}
	for _, test := range []struct {
		station string
		before  int64
		want    []int64
	}{{"", 0, []int64{8, 7, 6}}, {"cap", 0, []int64{7, 5, 3}}, {"cap", 5, []int64{3, 1}}, {"", 3, []int64{2, 1}}, {"none", 0, nil}} {
		rows, err := s.History(ctx, test.station, test.before, 3)
		var got []int64
		for _, r := range rows {
			got = append(got, r.Key)
		}
		if err != nil || fmt.Sprint(got) != fmt.Sprint(test.want) {
			t.Errorf("%q before %d: %v, %v; want %v", test.station, test.before, got, err, test.want)
		}
	}
}

func TestOverride(t *testing.T) {
	c := config.Store{Path: t.TempDir()}
	s := open(t, c)
	ctx := context.Background()
	review := 0.1
	at := time.Now().Truncate(time.Microsecond)
	if err := s.SetOverride(ctx, "cap", Override{Threshold: 0.3, Who: "maria", At: at}); err != nil {
		t.Fatal(err)
	}
	if err := s.SetOverride(ctx, "cap", Override{Threshold: 0.2, Review: &review, Who: "jo", At: at}); err != nil {
		t.Fatal(err)
	}
	s.Close()
	s = open(t, c)
	o, err := s.Override(ctx, "cap")
	if err != nil || o == nil || o.Threshold != 0.2 || *o.Review != 0.1 || o.Who != "jo" || !o.At.Equal(at) {
		t.Errorf("override %+v, %v", o, err)
	}
	if err := s.ClearOverride(ctx, "cap"); err != nil {
		t.Fatal(err)
	}
	for _, station := range []string{"cap", "lid"} {
		if o, err := s.Override(ctx, station); o != nil || err != nil {
			t.Errorf("%s: override %+v, %v", station, o, err)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	locked := t.TempDir()
	open(t, config.Store{Path: locked})
	newer := t.TempDir()
	s := open(t, config.Store{Path: newer})
	if _, err := s.db.conn.ExecContext(context.Background(), "PRAGMA user_version = 99"); err != nil {
		t.Fatal(err)
	}
	s.Close()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct{ path, want string }{
		"locked": {locked, "another faird"}, "newer": {newer, "newer faird"}, "no folder": {file, "store.path"},
	} {
		s, err := Open(config.Store{Path: test.path}, zerolog.Nop())
		if err == nil {
			s.Close()
			t.Errorf("%s: opened", name)
		} else if !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %q does not say %q", name, err, test.want)
		}
	}
}

func TestClosed(t *testing.T) {
	s := open(t, config.Store{Path: t.TempDir()})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("second close: %v", err)
	}
	if _, err := s.Commit(context.Background(), newVerdict("cap", 1, verdict.Pass)); err == nil {
		t.Error("committed after close")
	}
	if _, err := s.Backlog(context.Background(), 0, 1); err == nil {
		t.Error("read after close")
	}
}
