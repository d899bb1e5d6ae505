package store

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"faird/config"
	"faird/verdict"
)

func verifyOK(t *testing.T, c config.Store) Report {
	t.Helper()
	r, err := Verify(context.Background(), c, VerifyOptions{})
	if err != nil || !r.OK() {
		t.Errorf("chain: %+v, %v", r, err)
	}
	return r
}

// twenty is a store with twenty delivered verdicts.
func twenty(t *testing.T) (*Store, config.Store) {
	t.Helper()
	c := config.Store{Path: t.TempDir()}
	s := open(t, c)
	for i := uint64(1); i <= 20; i++ {
		v := newVerdict("cap", i, verdict.Fail)
		v.Trigger = &verdict.Trigger{ID: fmt.Sprint("t-", i)}
		commit(t, s, v)
	}
	deliverAll(t, s)
	return s, c
}

func TestVerifyFindsTampering(t *testing.T) {
	const swap = `CREATE TEMP TABLE two AS SELECT * FROM history WHERE key IN (7, 8); DELETE FROM history WHERE key IN (7, 8);
		INSERT INTO history SELECT 15 - key, station, sequence, id, kind, trigger, decided, payload, %s FROM two`
	tests := map[string]struct{ sql, first string }{
		"payload":         {`UPDATE history SET payload = replace(payload, '"fail"', '"pass"') WHERE key = 7`, "row 7 is changed (station cap, sequence 7"},
		"score":           {`UPDATE history SET payload = replace(payload, '"score":0.1', '"score":0.01') WHERE key = 7`, "row 7 is changed"},
		"kind":            {`UPDATE history SET kind = 'pass' WHERE key = 7`, "row 7 is changed"},
		"sequence":        {`UPDATE history SET sequence = 1 WHERE key = 7`, "row 7 is changed"},
		"time":            {`UPDATE history SET decided = decided + 1 WHERE key = 7`, "row 7 is changed"},
		"trigger":         {`UPDATE history SET trigger = NULL WHERE key = 7`, "row 7 is changed"},
		"not JSON":        {`UPDATE history SET payload = 'x' WHERE key = 7`, "row 7 is changed"},
		"hash":            {`UPDATE history SET hash = x'00' WHERE key = 7`, "row 7 is changed"},
		"two":             {`UPDATE history SET kind = 'pass' WHERE key IN (9, 4)`, "row 4 is changed"},
		"missing":         {`DELETE FROM history WHERE key BETWEEN 7 AND 8`, "rows 7 to 8 are missing"},
		"oldest":          {`DELETE FROM history WHERE key = 1`, "row 1 is missing"},
		"newest":          {`DELETE FROM history WHERE key > 15`, "rows 16 to 20 are missing"},
		"all":             {`DELETE FROM history`, "rows 1 to 20 are missing"},
		"hidden newest":   {`DELETE FROM history WHERE key = 20; UPDATE chain SET key = 19`, "row 19 is not the newest"},
		"false gap":       {`DELETE FROM history WHERE key = 7; INSERT INTO gap VALUES (7, 7, x'00')`, "row 8 is changed"},
		"swapped":         {fmt.Sprintf(swap, `hash`), "row 7 is changed"},
		"swapped payload": {fmt.Sprintf(swap, `(SELECT hash FROM two AS other WHERE other.key = 15 - two.key)`), "row 7 is changed"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s, c := twenty(t)
			verifyOK(t, c) // beside a running daemon
			if _, err := s.db.conn.ExecContext(context.Background(), test.sql); err != nil {
				t.Fatal(err)
			}
			r, err := Verify(context.Background(), c, VerifyOptions{})
			if err != nil || r.OK() || !strings.HasPrefix(fmt.Sprint(r.Problems[0]), test.first) {
				t.Errorf("%+v, %v: want %q first", r, err, test.first)
			}
		})
	}
	if _, err := Verify(context.Background(), config.Store{Path: t.TempDir()}, VerifyOptions{}); err == nil {
		t.Error("verified a history that is not there")
	}
}

// A file cut short between two pages can still be a database.
func TestVerifyTruncatedFile(t *testing.T) {
	s, c := twenty(t)
	s.Close()
	name := filepath.Join(c.Path, fileName)
	i, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	for size := i.Size() - 4096; size > 0; size -= 4096 {
		if err := os.Truncate(name, size); err != nil {
			t.Fatal(err)
		}
		if r, err := Verify(context.Background(), c, VerifyOptions{}); err == nil && r.OK() {
			t.Errorf("%d of %d bytes verify as whole: %+v", size, i.Size(), r)
		}
	}
}

// Who can write the file can write a whole new chain; the mark that was noted
// elsewhere shows it.
func TestVerifyAgainstAMark(t *testing.T) {
	s, c := twenty(t)
	text, err := verifyOK(t, c).Head.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	var noted Mark
	if err := noted.UnmarshalText(text); err != nil || noted.Key != 20 || len(noted.Hash) != 32 {
		t.Fatalf("%s is read as %+v, %v", text, noted, err)
	}
	commit(t, s, newVerdict("cap", 21, verdict.Pass))
	check := func(m Mark, want string) {
		t.Helper()
		r, err := Verify(context.Background(), c, VerifyOptions{Noted: &m})
		got := "nothing"
		if r.NotedGone {
			got = "gone"
		}
		if !r.OK() {
			got = fmt.Sprint(r.Problems[0])
		}
		if err != nil || got != want {
			t.Errorf("%s: %s, %v; want %s", text, got, err, want)
		}
	}
	check(noted, "nothing")
	check(Mark{Key: 20, Hash: []byte{1}}, "row 20 is not the one that was noted")
	check(Mark{Key: 30, Hash: noted.Hash}, "rows 22 to 30 are missing")
	if err := s.Delivered(context.Background(), []int64{21}); err != nil {
		t.Fatal(err)
	}
	prune := func(n int) {
		t.Helper()
		if err := s.submit(context.Background(), &job{do: func(w *writer) error { _, err := w.prune(n); return err }}); err != nil {
			t.Fatal(err)
		}
	}
	prune(20)
	check(noted, "nothing") // the gap keeps the hash of its last row
	prune(1)
	check(noted, "gone")
	for _, bad := range []string{"", "20", "20:xy", ":00", "-1:00", "x:00"} {
		if err := new(Mark).UnmarshalText([]byte(bad)); err == nil {
			t.Errorf("%q is taken for a mark", bad)
		}
	}
}

// Verifying changes nothing, not even a database that a crash left with its log.
func TestVerifyOnlyReads(t *testing.T) {
	s, _ := twenty(t)
	copied := config.Store{Path: t.TempDir()} // as a crash leaves it
	before := map[string][]byte{}
	for _, suffix := range []string{"", "-wal"} {
		data, err := os.ReadFile(s.path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		before[fileName+suffix] = data
		if err := os.WriteFile(filepath.Join(copied.Path, fileName+suffix), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if r := verifyOK(t, copied); r.Rows != 20 {
		t.Errorf("%+v: want 20 rows", r)
	}
	for name, want := range before {
		if got, err := os.ReadFile(filepath.Join(copied.Path, name)); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s was changed by reading: %v", name, err)
		}
	}
}

func TestReportAsJSON(t *testing.T) {
	r := Report{Rows: 2, First: 1, Last: 2, Head: Mark{Key: 2, Hash: []byte{0xAB}}, Problems: []Problem{}}
	got, err := json.Marshal(r)
	want := `{"rows":2,"first":1,"last":2,"pruned":0,"head":"2:ab","problems":[],"bad":0,"noted_gone":false}`
	if err != nil || string(got) != want {
		t.Errorf("%s, %v; want %s", got, err, want)
	}
}
