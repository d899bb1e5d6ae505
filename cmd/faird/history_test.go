package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/rs/zerolog"

	"faird/config"
	"faird/store"
	"faird/verdict"
)

// kept writes a history of n verdicts, and returns its folder and its store, which is open.
func kept(t *testing.T, n uint64) (string, *store.Store) {
	t.Helper()
	dir := t.TempDir()
	s, err := store.Open(config.Store{Path: dir}, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	score := 0.5
	for i := range n {
		v := &verdict.Verdict{
			Schema: verdict.SchemaV1, ID: ulid.Make().String(), Site: "plant1", Box: "edge7", Station: "cap", Sequence: i + 1,
			Verdict: verdict.Fail, Score: &score, Regions: []verdict.Region{},
			Time: verdict.Times{Decided: verdict.Time{Time: time.Now()}, Clock: verdict.Synchronised, Exposure: verdict.Measured},
		}
		if _, err := s.Commit(context.Background(), v); err != nil {
			t.Fatal(err)
		}
	}
	return dir, s
}

type verified struct {
	OK bool `json:"ok"`
	store.Report
}

func TestHistoryVerify(t *testing.T) {
	dir, _ := kept(t, 30)
	code, out, errs := run(t, t.TempDir(), "history", "verify", "--store", dir)
	if code != 0 || errs != "" || !strings.Contains(out, "30 verdicts, rows 1 to 30\nwhole:") {
		t.Fatalf("beside its daemon: exit code %d, %q, %q", code, out, errs)
	}
	_, mark, _ := strings.Cut(strings.TrimSpace(out), "mark  ")
	conf := write(t, t.TempDir(), "faird.yaml", fmt.Sprintf(
		"site: plant1\nbox: edge7\nstore: {path: %s}\nstations:\n  - {name: cap, model: /gone.onnx, camera: {url: 'demo://'}}\n", dir))
	code, out, errs = run(t, t.TempDir(), "history", "verify", "--config", conf, "--json", "--noted", mark)
	var r verified
	strict(t, out, &r)
	if code != 0 || !r.OK || r.Rows != 30 || r.Head.Key != 30 || r.NotedGone {
		t.Errorf("exit code %d, %s, %s", code, out, errs)
	}
}

func TestHistoryVerifyNamesTheFirst(t *testing.T) {
	for name, c := range map[string]struct {
		sql, says string
		first     int64
	}{
		"changed":   {`UPDATE history SET payload = replace(payload, '"fail"', '"pass"'), kind = 'pass' WHERE key >= 17`, "row 17 is changed (station cap, sequence 17, verdict ", 17},
		"deleted":   {`DELETE FROM history WHERE key IN (9, 10, 20)`, "rows 9 to 10 are missing, and 1 more", 9},
		"swapped":   {`UPDATE history SET key = -5 WHERE key = 5; UPDATE history SET key = 5 WHERE key = 6; UPDATE history SET key = 6 WHERE key = -5`, "row 5 is changed", 5},
		"truncated": {`DELETE FROM history WHERE key > 25`, "rows 26 to 30 are missing", 26},
	} {
		t.Run(name, func(t *testing.T) {
			dir, s := kept(t, 30)
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			tamper(t, dir, c.sql)
			code, out, errs := run(t, t.TempDir(), "history", "verify", "--store", dir)
			if code != 1 || !strings.Contains(errs, c.says) || strings.Count(errs, "\n") != 1 || strings.Contains(out, "whole") {
				t.Errorf("exit code %d, stdout %q, stderr %q; want %q", code, out, errs, c.says)
			}
			code, out, _ = run(t, t.TempDir(), "history", "verify", "--store", dir, "--json")
			var r verified
			if err := json.Unmarshal([]byte(out), &r); err != nil || code != 1 || r.OK || r.Problems[0].First != c.first {
				t.Errorf("exit code %d, %v: %s", code, err, out)
			}
		})
	}
}

// tamper changes the database as somebody with a shell can.
func tamper(t *testing.T, dir, statements string) {
	t.Helper()
	db, err := sql.Open("sqlite3", filepath.Join(dir, "faird.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(statements); err != nil {
		t.Fatal(err)
	}
}

func TestHistoryVerifyBadInput(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "faird.db", "this is not a database, and longer than the header of one, which has a hundred bytes in it at the very least")
	for name, c := range map[string]struct {
		args []string
		code int
		says string
	}{
		"nothing there":  {[]string{"--store", t.TempDir()}, 1, "no history"},
		"not a database": {[]string{"--store", dir}, 1, "faird.db"},
		"no config":      {[]string{"--config", dir + "/none.yaml"}, 1, "none.yaml"},
		"not a mark":     {[]string{"--store", dir, "--noted", "yesterday"}, 2, "--noted"},
		"an argument":    {[]string{dir}, 2, "--help"},
	} {
		code, out, errs := run(t, t.TempDir(), append([]string{"history", "verify"}, c.args...)...)
		if code != c.code || !strings.Contains(errs, c.says) || strings.Count(errs, "\n") != 1 || out != "" {
			t.Errorf("%s: exit code %d, stdout %q, stderr %q; want %d and %q", name, code, out, errs, c.code, c.says)
		}
	}
}
