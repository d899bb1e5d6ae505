package main

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"faird/verdict"
)

// ledger is what the history holds once all is over.
type ledger struct {
	keys     map[string]int64 // of the verdicts, by id
	payloads map[string][]byte
	last     map[string][]byte // newest payload by station
	kinds    map[verdict.Kind]int
	waiting  int             // in the outbox
	resent   map[string]bool // trigger ids that came twice: their verdict may come first as the second's answer, out of order
}

// readLedger reads the database as it is on disk, not through the code that wrote it.
func readLedger(dir string) (*ledger, error) {
	db, err := sql.Open("sqlite3", "file:"+filepath.Join(dir, "faird.db")+"?mode=ro")
	if err != nil {
		return nil, err
	}
	defer db.Close()
	l := &ledger{keys: map[string]int64{}, payloads: map[string][]byte{}, last: map[string][]byte{}, kinds: map[verdict.Kind]int{}}
	if err := db.QueryRow(`SELECT count(*) FROM outbox`).Scan(&l.waiting); err != nil {
		return nil, err
	}
	rows, err := db.Query(`SELECT key, payload FROM history ORDER BY key`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var key int64
		var payload []byte
		if err := rows.Scan(&key, &payload); err != nil {
			return nil, err
		}
		if err := l.add(key, payload); err != nil {
			return nil, err
		}
	}
	return l, rows.Err()
}

func (l *ledger) add(key int64, payload []byte) error {
	var v verdict.Verdict
	if err := json.Unmarshal(payload, &v); err != nil {
		return fmt.Errorf("row %d: %w", key, err)
	}
	l.keys[v.ID], l.payloads[v.ID], l.last[v.Station] = key, payload, payload
	l.kinds[v.Verdict]++
	return nil
}

// arrival is a message on a verdict topic.
type arrival struct {
	station string
	payload []byte
}

// tallied is what became of the arrivals.
type tallied struct {
	live, late, again, undecided int
	problems                     []string
}

func (c *tallied) problem(format string, args ...any) {
	if len(c.problems) < 20 {
		c.problems = append(c.problems, fmt.Sprintf(format, args...))
	}
}

// judge holds the arrivals, in their order, against what was decided: each
// decided verdict is there, the live ones in order per station, the late ones in
// order in themselves, twice only what is equal, and nothing else, but for
// verdicts that say themselves that the disk refused them.
func (l *ledger) judge(arrivals []arrival) tallied {
	var c tallied
	seen := map[string][]byte{}
	answers := map[string]string{} // trigger id to verdict id
	var latest int64
	newest := map[string]int64{}
	for _, a := range arrivals {
		var v verdict.Verdict
		if err := json.Unmarshal(a.payload, &v); err != nil {
			c.problem("not a verdict: %v: %s", err, a.payload)
			continue
		}
		said := bytes.Replace(a.payload, []byte(`"historical":true`), []byte(`"historical":false`), 1)
		if v.Station != a.station {
			c.problem("%s of station %s came on the topic of %s", v.ID, v.Station, a.station)
		}
		if before, ok := seen[v.ID]; ok {
			if c.again++; !bytes.Equal(durable(before), durable(said)) {
				c.problem("%s came twice, and not the same:\n%s\n%s", v.ID, before, said)
			}
			continue
		}
		seen[v.ID] = said
		key, decided := l.keys[v.ID]
		switch {
		case !decided && v.Durable:
			c.problem("%s (station %s, sequence %d) says that it is on disk and is not", v.ID, v.Station, v.Sequence)
			continue
		case !decided:
			c.undecided++
			continue
		case !bytes.Equal(durable(said), l.payloads[v.ID]):
			c.problem("%s is not what was decided:\n%s\n%s", v.ID, said, l.payloads[v.ID])
		}
		if t := v.Trigger; t != nil && t.ID != "" {
			if other := answers[t.ID]; other != "" {
				c.problem("trigger %s was decided twice: %s and %s", t.ID, other, v.ID)
			}
			answers[t.ID] = v.ID
		}
		if v.Historical {
			if c.late++; !v.Durable {
				continue // kept in memory alone: it goes before what the disk has, since a crash would lose it
			}
			if key < latest {
				c.problem("backlog: %s (key %d) came after key %d", v.ID, key, latest)
			}
			latest = key
			continue
		}
		if c.live++; v.Trigger != nil && l.resent[v.Trigger.ID] {
			continue
		}
		if key < newest[v.Station] {
			c.problem("live: %s of %s (key %d) came after key %d", v.ID, v.Station, key, newest[v.Station])
		}
		newest[v.Station] = key
	}
	for id, key := range l.keys {
		if seen[id] == nil {
			c.problem("%s (key %d) was decided and never came: %s", id, key, l.payloads[id])
		}
	}
	if l.waiting > 0 {
		c.problem("%d verdicts still wait in the outbox", l.waiting)
	}
	return c
}

// durable is a payload as it is on disk: one whose commit outlasted the
// station's patience went out as not durable.
func durable(payload []byte) []byte {
	return bytes.Replace(payload, []byte(`"durable":false`), []byte(`"durable":true`), 1)
}

// The judge of the proof must find every fault itself.
func TestDeliveryJudge(t *testing.T) {
	message := func(id string, historical, durable bool, trigger string) arrival {
		v := verdict.Verdict{ID: id, Station: "cap", Verdict: verdict.Pass, Historical: historical, Durable: durable}
		if trigger != "" {
			v.Trigger = &verdict.Trigger{ID: trigger}
		}
		data, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return arrival{"cap", data}
	}
	live := func(id string) arrival { return message(id, false, true, "") }
	late := func(id string) arrival { return message(id, true, true, "") }
	l := &ledger{keys: map[string]int64{}, payloads: map[string][]byte{}, last: map[string][]byte{}, kinds: map[verdict.Kind]int{}}
	for i, id := range []string{"a", "b", "c", "d"} {
		if err := l.add(int64(i+1), live(id).payload); err != nil {
			t.Fatal(err)
		}
	}
	changed := live("d")
	changed.payload = bytes.Replace(changed.payload, []byte(`"pass"`), []byte(`"fail"`), 1)
	elsewhere := live("d")
	elsewhere.station = "lid"
	for name, test := range map[string]struct {
		arrivals []arrival
		want     string // part of the one problem; "" is none
	}{
		"all":               {[]arrival{live("a"), live("b"), live("c"), live("d")}, ""},
		"late beside live":  {[]arrival{live("c"), late("a"), live("d"), late("b")}, ""},
		"again":             {[]arrival{live("a"), live("b"), live("c"), late("c"), late("b"), live("d")}, ""},
		"not durable":       {[]arrival{live("a"), live("b"), message("x", false, false, ""), message("c", false, false, ""), live("d")}, ""},
		"memory first":      {[]arrival{message("c", true, false, ""), late("a"), late("b"), live("d")}, ""},
		"memory and disk":   {[]arrival{message("c", true, false, ""), late("b"), late("a"), live("d")}, "backlog: a"},
		"lost":              {[]arrival{live("a"), live("c"), live("d")}, "b (key 2) was decided and never came"},
		"invented":          {[]arrival{live("a"), live("b"), live("x"), live("c"), live("d")}, "x (station cap, sequence 0) says that it is on disk"},
		"live disordered":   {[]arrival{live("a"), live("c"), live("b"), live("d")}, "live: b"},
		"late disordered":   {[]arrival{late("b"), late("a"), live("c"), live("d")}, "backlog: a"},
		"changed":           {[]arrival{live("a"), live("b"), live("c"), changed}, "not what was decided"},
		"changed the other": {[]arrival{live("a"), live("b"), live("c"), live("d"), changed}, "twice, and not the same"},
		"elsewhere":         {[]arrival{live("a"), live("b"), live("c"), elsewhere}, "topic of lid"},
		"not JSON":          {[]arrival{live("a"), {"cap", []byte("?")}, live("b"), live("c"), live("d")}, "not a verdict"},
	} {
		c := l.judge(test.arrivals)
		if got := strings.Join(c.problems, "; "); !strings.Contains(got, test.want) || (test.want == "") != (got == "") {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
	for i, id := range []string{"e", "f"} {
		if err := l.add(int64(i+5), message(id, false, true, "t-1").payload); err != nil {
			t.Fatal(err)
		}
	}
	c := l.judge([]arrival{live("a"), live("b"), live("c"), live("d"), message("e", false, true, "t-1"), message("f", true, true, "t-1")})
	if len(c.problems) != 1 || !strings.Contains(c.problems[0], "t-1 was decided twice: e and f") {
		t.Errorf("one trigger with two verdicts: %v", c.problems)
	}
}
